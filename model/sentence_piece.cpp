// SentencePiece-like encoding (tokenizer.ggml.model = llama; Kudo and Richardson, 2018): also
// Gemma's, which adds no space in front.
//   1. a space is put in front if the file wants it; U+2581 in the text counts as a space, for
//      which it stands in token texts
//   2. from single characters on, the two neighbours whose text together is the token with the
//      highest score merge, the leftmost of equals, until none do
//   3. what is no token then becomes its bytes <0xNN>, or the unknown token if the vocabulary lacks
//      one of them
// A long text is cut first wherever no token has the two characters at the cut side by side:
// nothing could merge across. Control, unknown and user-defined tokens have been cut out of the
// text before, so only normal ones are merged to.

#include <algorithm>
#include <array>
#include <bitset>
#include <unordered_map>

#include "data/error.h"
#include "model/best_first_merge.h"
#include "model/make_token_model.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

std::string with_spaces(std::string_view text) {
  std::string spaced;
  spaced.reserve(text.size());
  for (size_t mark = text.find(kSpaceMark); mark != std::string_view::npos;
       mark = text.find(kSpaceMark)) {
    spaced.append(text.substr(0, mark)).append(1, ' ');
    text.remove_prefix(mark + kSpaceMark.size());
  }
  return spaced.append(text);
}

// Runs of spaces become one; none is left at the ends.
std::string without_extra_spaces(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (const char letter : text)
    if (letter != ' ' || (!plain.empty() && plain.back() != ' ')) plain += letter;
  if (!plain.empty() && plain.back() == ' ') plain.pop_back();
  return plain;
}

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

// The byte that "<0xNN>" names; -1 for any other text.
int byte_of(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
  const int high = hex_digit(text[3]), low = hex_digit(text[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Pairs of characters that stand side by side in some token. A pair that is in it by chance only
// costs a cut.
class NeighbourSet {
 public:
  void add(std::string_view text) {
    char32_t last = take_character(text);
    while (!text.empty()) {
      const char32_t next = take_character(text);
      bits_.set(place(last, next));
      last = next;
    }
  }
  bool has(char32_t left, char32_t right) const { return bits_.test(place(left, right)); }

 private:
  static constexpr size_t kPlaces = size_t{1} << 22;
  static size_t place(char32_t left, char32_t right) {
    const uint64_t pair = (uint64_t{left} << 32) | right;
    return (pair * 0x9E3779B97F4A7C15) >> 42;
  }
  std::bitset<kPlaces> bits_;
};

class SentencePiece : public TokenModel {
 public:
  SentencePiece(const TokenizerKeys& keys, const Vocabulary& vocabulary) {
    prefix_ = keys.flag("add_space_prefix", true) ? SpacePrefix::Added : SpacePrefix::None;
    drop_extra_spaces_ = keys.flag("remove_extra_whitespaces", false);
    if (vocabulary.scores.empty()) keys.missing("scores");
    unknown_ = keys.id("unknown_token_id", vocabulary.size());
    if (unknown_ < 0) unknown_ = kUnknown;
    read_pieces(keys, vocabulary);
    index_pieces(vocabulary);
  }

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    std::string line = with_spaces(text);
    if (drop_extra_spaces_) line = without_extra_spaces(line);
    if (line.empty()) return;
    if (prefix_ == SpacePrefix::Added) line.insert(0, 1, ' ');
    MergeSpace space;
    std::string_view rest = line;
    while (!rest.empty()) {
      const std::string_view piece = rest.substr(0, piece_length(rest));
      check_piece(piece);
      merge(piece, space, ids);
      rest.remove_prefix(piece.size());
    }
  }

  std::span<const std::string> pieces() const override { return pieces_; }
  TokenDefaults defaults() const override {
    return {.add_bos = true, .bos = 1, .eos = 2, .unknown = kUnknown};
  }
  SpacePrefix space_prefix() const override { return prefix_; }

 private:
  static constexpr int32_t kUnknown = 0;

  struct Scored {
    int32_t id;
    double score;
  };

  void read_pieces(const TokenizerKeys& keys, const Vocabulary& vocabulary) {
    pieces_.reserve(vocabulary.size());
    for (size_t i = 0; i < vocabulary.size(); ++i) {
      const auto id = static_cast<int32_t>(i);
      const std::string& text = vocabulary.texts[i];
      const TokenType type = vocabulary.types[i];
      if (type == TokenType::Byte)
        pieces_.push_back(byte_piece(keys, vocabulary, id));
      else
        pieces_.push_back(is_special(type) ? text : with_spaces(text));
      if (type == TokenType::Normal && (text.empty() || valid_utf8(text) != text))
        fail(keys.subject(), vocabulary.name(id) + " is empty or not UTF-8", "wanted characters");
    }
  }

  std::string byte_piece(const TokenizerKeys& keys, const Vocabulary& vocabulary, int32_t id) {
    const int byte = byte_of(vocabulary.texts[static_cast<size_t>(id)]);
    if (byte < 0)
      fail(keys.subject(), vocabulary.name(id) + " is of the type of bytes",
           "wanted <0x00> to <0xFF>");
    int32_t& token = byte_token_[static_cast<size_t>(byte)];
    if (token >= 0)
      fail(keys.subject(),
           vocabulary.name(id) + " stands for the same byte as " + vocabulary.name(token),
           "wanted one token for a byte");
    token = id;
    return {static_cast<char>(static_cast<unsigned char>(byte))};
  }

  // A token text with a plain space in it is not one that merging makes.
  void index_pieces(const Vocabulary& vocabulary) {
    scored_.reserve(vocabulary.size());
    for (size_t i = 0; i < vocabulary.size(); ++i) {
      if (vocabulary.types[i] != TokenType::Normal ||
          vocabulary.texts[i].find(' ') != std::string::npos)
        continue;
      scored_.emplace(pieces_[i], Scored{static_cast<int32_t>(i), vocabulary.scores[i]});
      longest_ = std::max(longest_, pieces_[i].size());
      neighbours_->add(pieces_[i]);
    }
  }

  const Scored* find(std::string_view text) const {
    if (text.size() > longest_) return nullptr;
    const auto found = scored_.find(text);
    return found == scored_.end() ? nullptr : &found->second;
  }

  // Bytes up to the first place that no merge can cross.
  size_t piece_length(std::string_view text) const {
    std::string_view rest = text;
    char32_t last = take_character(rest);
    while (!rest.empty()) {
      std::string_view after = rest;
      const char32_t next = take_character(after);
      if (!neighbours_->has(last, next)) break;
      last = next;
      rest = after;
    }
    return text.size() - rest.size();
  }

  void merge(std::string_view piece, MergeSpace& space, std::vector<int32_t>& ids) const {
    space.clear();
    for (std::string_view rest = piece; !rest.empty();) {
      const size_t begin = piece.size() - rest.size();
      take_character(rest);
      const std::string_view character = piece.substr(begin, piece.size() - rest.size() - begin);
      const Scored* token = find(character);
      space.add(static_cast<uint32_t>(begin), static_cast<uint32_t>(character.size()),
                token ? token->id : -1);
    }
    space.merge(
        [&](const MergeSymbol& left, const MergeSymbol& right) -> std::optional<FoundMerge> {
          const Scored* token = find(piece.substr(left.begin, left.length + right.length));
          if (!token) return std::nullopt;
          return FoundMerge{-token->score, token->id};
        });
    space.for_each([&](const MergeSymbol& symbol) {
      if (symbol.token >= 0)
        ids.push_back(symbol.token);
      else
        append_bytes(piece.substr(symbol.begin, symbol.length), ids);
    });
  }

  void append_bytes(std::string_view character, std::vector<int32_t>& ids) const {
    const auto token = [&](char byte) { return byte_token_[static_cast<unsigned char>(byte)]; };
    if (std::all_of(character.begin(), character.end(), [&](char b) { return token(b) >= 0; }))
      std::transform(character.begin(), character.end(), std::back_inserter(ids), token);
    else
      ids.push_back(unknown_);
  }

  static constexpr std::array<int32_t, 256> no_tokens() {
    std::array<int32_t, 256> tokens{};
    tokens.fill(-1);
    return tokens;
  }

  SpacePrefix prefix_;
  bool drop_extra_spaces_;
  int32_t unknown_;
  std::vector<std::string> pieces_;
  std::array<int32_t, 256> byte_token_ = no_tokens();
  std::unordered_map<std::string_view, Scored> scored_;  // into pieces_
  size_t longest_ = 0;
  std::unique_ptr<NeighbourSet> neighbours_ = std::make_unique<NeighbourSet>();
};

}  // namespace

std::unique_ptr<TokenModel> make_sentence_piece_model(const TokenizerKeys& keys,
                                                      const Vocabulary& vocabulary,
                                                      const TokenizerOptions& options) {
  if (!options.pre_tokenizer.empty())
    fail("--pre-tokenizer", options.pre_tokenizer,
         "wanted none: " + keys.subject() + " has a SentencePiece-like tokenizer");
  return std::make_unique<SentencePiece>(keys, vocabulary);
}

}  // namespace dendrokv
