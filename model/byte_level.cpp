// Byte-level byte-pair encoding (tokenizer.ggml.model = gpt2):
//   1. the text is cut into pre-tokens (model/pre_tokenizer)
//   2. the bytes of each are merged by rank (model/byte_pairs); some pre-tokenizers take a
//      pre-token that is a token as it stands
// In the file's token texts a printable character stands for each byte (model/byte_alphabet).

#include <unordered_map>

#include "data/error.h"
#include "model/byte_alphabet.h"
#include "model/byte_pairs.h"
#include "model/make_token_model.h"
#include "model/pre_tokenizer.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

const PreTokenizer& pre_tokenizer_of(const TokenizerKeys& keys, const TokenizerOptions& options) {
  const bool said = !options.pre_tokenizer.empty();
  const std::string* name = said ? &options.pre_tokenizer : keys.text("pre");
  // Without a name there is a guess that other programs make; it gives other ids for digits and
  // punctuation.
  if (!name)
    fail(keys.subject(), "tokenizer.ggml.pre is missing", "wanted the name of the pre-tokenizer",
         "convert the model anew, or name it with --pre-tokenizer");
  const PreTokenizer* row = find_pre_tokenizer(*name);
  if (!row)
    fail(said ? "--pre-tokenizer" : keys.subject(),
         (said ? "'" : "tokenizer.ggml.pre is '") + shown(*name) + "'",
         "wanted one of " + pre_tokenizer_choices(),
         said ? "" : "if one of them fits, take it with --pre-tokenizer");
  return *row;
}

class ByteLevel : public TokenModel {
 public:
  ByteLevel(const TokenizerKeys& keys, const Vocabulary& vocabulary,
            const TokenizerOptions& options)
      : pre_(pre_tokenizer_of(keys, options)) {
    for (const char* feature : {"add_space_prefix", "remove_extra_whitespaces"})
      keys.refuse_flag(feature, " in byte-level BPE");
    const ByteAlphabet alphabet;
    read_pieces(keys, vocabulary, alphabet);
    for (unsigned byte = 0; byte < 256; ++byte)
      if (const auto found =
              vocabulary.ids.find(alphabet.text_of(static_cast<unsigned char>(byte)));
          found != vocabulary.ids.end())
        pairs_.byte_token[byte] = found->second;
    read_merges(keys, vocabulary);
  }

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    MergeSpace space;
    pre_.split(text, [&](std::string_view piece) {
      if (const auto whole = whole_.find(piece); whole != whole_.end()) {
        ids.push_back(whole->second);
        return;
      }
      check_piece(piece);
      pairs_.merge(piece, space, ids);
    });
  }

  std::span<const std::string> pieces() const override { return pieces_; }
  TokenDefaults defaults() const override {
    return {.add_bos = pre_.first_token == FirstToken::Bos};
  }

 private:
  void read_pieces(const TokenizerKeys& keys, const Vocabulary& vocabulary,
                   const ByteAlphabet& alphabet) {
    pieces_.reserve(vocabulary.size());
    for (size_t i = 0; i < vocabulary.size(); ++i) {
      const TokenType type = vocabulary.types[i];
      const std::string& text = vocabulary.texts[i];
      auto bytes = is_special(type) ? std::nullopt : alphabet.to_bytes(text);
      if (type == TokenType::Normal && (!bytes || bytes->empty()))
        fail(keys.subject(), vocabulary.name(static_cast<int32_t>(i)),
             "wanted characters of the byte alphabet");
      pieces_.push_back(bytes ? std::move(*bytes) : text);
    }
    if (pre_.whole_tokens == WholeTokens::Merge) return;
    for (size_t i = 0; i < pieces_.size(); ++i)
      if (vocabulary.types[i] == TokenType::Normal)
        whole_.emplace(pieces_[i], static_cast<int32_t>(i));
  }

  void read_merges(const TokenizerKeys& keys, const Vocabulary& vocabulary) {
    const std::vector<std::string>* merges = keys.texts("merges");
    if (!merges) keys.missing("merges");
    pairs_.reserve(merges->size());
    uint32_t rank = 0;
    for (const std::string& merge : *merges) {
      const auto refuse = [&](const std::string& why) {
        fail(keys.subject(), "merge " + std::to_string(rank) + " '" + shown(merge) + "' " + why,
             "wanted two tokens with a space between, that make a third");
      };
      const auto token = [&](const std::string& text) {
        const auto found = vocabulary.ids.find(text);
        if (text.empty() || found == vocabulary.ids.end())
          refuse("needs the token '" + shown(text) + "'");
        return found->second;
      };
      const size_t space = merge.find(' ', 1);
      if (space == std::string::npos) refuse("has one part");
      const std::string left = merge.substr(0, space), right = merge.substr(space + 1);
      const int32_t left_token = token(left), right_token = token(right);
      if (!pairs_.add(left_token, right_token, {rank, token(left + right)}))
        refuse("stands there twice");
      ++rank;
    }
  }

  const PreTokenizer& pre_;
  std::vector<std::string> pieces_;
  std::unordered_map<std::string_view, int32_t> whole_;  // into pieces_; empty when merges decide
  BytePairs pairs_;
};

}  // namespace

std::unique_ptr<TokenModel> make_byte_level_model(const TokenizerKeys& keys,
                                                  const Vocabulary& vocabulary,
                                                  const TokenizerOptions& options) {
  return std::make_unique<ByteLevel>(keys, vocabulary, options);
}

}  // namespace dendrokv
