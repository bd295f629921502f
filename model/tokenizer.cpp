// Byte-level BPE. Steps: special tokens are cut out of the raw text, longest first; what is left is made valid UTF-8 (a byte that
// is not part of a well-formed sequence becomes U+FFFD), cut into pre-tokens, and merged. The vocabulary of some models lacks
// tokens for a few bytes (SmolLM2: 04 06 13 14 16 1d c0 c1 f1 f2 f5..ff); such bytes leave no token.

#include "model/tokenizer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "data/error.h"
#include "model/byte_pairs.h"
#include "model/pre_tokenizer.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

constexpr int64_t kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4;
constexpr std::array<std::string_view, 7> kEndTexts = {"<|endoftext|>", "<|im_end|>",   "<|eot_id|>", "<|end_of_text|>",
                                                       "<|eom_id|>",    "<end_of_turn>", "<file_sep>"};

template <class T>
const T* value_of(const Gguf& gguf, const std::string& key) {
  const GgufValue* value = gguf.find(key);
  if (!value) return nullptr;
  const auto* typed = std::get_if<T>(value);
  if (!typed) fail(gguf.subject(), key + " has another type", "wanted the type that GGUF defines for it");
  return typed;
}

template <class T>
const T& needed(const Gguf& gguf, const std::string& key) {
  const T* value = value_of<T>(gguf, key);
  if (!value) fail(gguf.subject(), key + " is missing", "wanted a model with its tokenizer");
  return *value;
}

// -1 when absent.
int32_t special_id(const Gguf& gguf, const std::string& name, size_t vocabulary) {
  const auto* id = value_of<uint64_t>(gguf, "tokenizer.ggml." + name);
  if (!id) return -1;
  if (*id >= vocabulary)
    fail(gguf.subject(), "tokenizer.ggml." + name + " is " + std::to_string(*id), "wanted less than " + std::to_string(vocabulary));
  return static_cast<int32_t>(*id);
}

// The printable character that stands for each byte in token texts, and back.
class ByteAlphabet {
 public:
  ByteAlphabet() {
    char32_t next = 256;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      bytes_[printable ? char32_t{byte} : next++] = static_cast<char>(static_cast<unsigned char>(byte));
    }
  }

  /// Empty when a character stands for no byte.
  std::string to_bytes(std::string_view text) const {
    std::string bytes;
    while (!text.empty()) {
      const auto found = bytes_.find(take_character(text));
      if (found == bytes_.end()) return {};
      bytes += found->second;
    }
    return bytes;
  }

 private:
  std::unordered_map<char32_t, char> bytes_;
};

struct Special {
  std::string text;
  int32_t id;
  bool always;  // user-defined tokens are recognised in any text
};

}  // namespace

class Tokenizer::Impl {
 public:
  explicit Impl(const Gguf& gguf) {
    const auto& model = needed<std::string>(gguf, "tokenizer.ggml.model");
    if (model != "gpt2")
      fail(gguf.subject(), "tokenizer.ggml.model is '" + model + "'", "wanted gpt2 (byte-level BPE)", "other tokenizers are not supported");
    pre_ = &find_pre_tokenizer(gguf.subject(), needed<std::string>(gguf, "tokenizer.ggml.pre"));
    read_vocabulary(gguf);
    read_merges(gguf);
    read_special_ids(gguf);
  }

  std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const {
    std::vector<Fragment> fragments = {{text, -1}};
    for (const Special& token : specials_)
      if (token.always || special == SpecialTokens::Parse) fragments = cut(fragments, token);
    std::vector<int32_t> ids;
    for (const Fragment& fragment : fragments) {
      if (fragment.id >= 0)
        ids.push_back(fragment.id);
      else
        pre_->split(valid_utf8(fragment.text), [&](std::string_view piece) { pairs_.merge(piece, ids); });
    }
    return ids;
  }

  std::string_view piece(int32_t id) const {
    DENDROKV_ASSERT(id >= 0 && static_cast<size_t>(id) < pieces_.size());
    return pieces_[static_cast<size_t>(id)];
  }

  uint32_t vocabulary() const { return static_cast<uint32_t>(pieces_.size()); }
  bool add_bos() const { return add_bos_; }
  int32_t bos() const { return bos_; }
  bool ends_generation(int32_t id) const { return ends_.contains(id); }

 private:
  struct Fragment {
    std::string_view text;
    int32_t id;  // of a special token, else -1
  };

  static std::vector<Fragment> cut(const std::vector<Fragment>& fragments, const Special& token) {
    std::vector<Fragment> parts;
    for (const Fragment& fragment : fragments) {
      std::string_view rest = fragment.text;
      if (fragment.id < 0) {
        for (size_t at = rest.find(token.text); at != std::string_view::npos; at = rest.find(token.text)) {
          if (at > 0) parts.push_back({rest.substr(0, at), -1});
          parts.push_back({{}, token.id});
          rest.remove_prefix(at + token.text.size());
        }
        if (!rest.empty()) parts.push_back({rest, -1});
      } else {
        parts.push_back(fragment);
      }
    }
    return parts;
  }

  void read_vocabulary(const Gguf& gguf) {
    const auto& tokens = needed<std::vector<std::string>>(gguf, "tokenizer.ggml.tokens");
    const auto& types = needed<std::vector<int64_t>>(gguf, "tokenizer.ggml.token_type");
    check_length(gguf, "token_type", types.size(), tokens.size());
    if (const auto* scores = value_of<std::vector<double>>(gguf, "tokenizer.ggml.scores"))
      check_length(gguf, "scores", scores->size(), tokens.size());
    if (tokens.empty() || tokens.size() > size_t{std::numeric_limits<int32_t>::max()})
      fail(gguf.subject(), std::to_string(tokens.size()) + " tokens", "wanted a vocabulary");
    for (size_t i = 0; i < tokens.size(); ++i) add_token(gguf, static_cast<int32_t>(i), tokens[i], types[i]);
    std::stable_sort(specials_.begin(), specials_.end(),
                     [](const Special& a, const Special& b) { return a.text.size() > b.text.size(); });
    for (unsigned byte = 0; byte < 256; ++byte) {
      const auto found = ids_.find(std::string(1, static_cast<char>(static_cast<unsigned char>(byte))));
      if (found != ids_.end()) pairs_.byte_token[byte] = found->second;
    }
  }

  static void check_length(const Gguf& gguf, const char* name, size_t found, size_t wanted) {
    if (found != wanted)
      fail(gguf.subject(), std::string("tokenizer.ggml.") + name + " has " + std::to_string(found) + " elements",
           "wanted one for each of the " + std::to_string(wanted) + " tokens");
  }

  void add_token(const Gguf& gguf, int32_t id, const std::string& text, int64_t type) {
    if (!texts_.insert(text).second)
      fail(gguf.subject(), "token " + std::to_string(id) + " '" + text + "' stands in the vocabulary twice", "wanted each text once");
    if (type == kUnknown || type == kControl || type == kUserDefined) {
      pieces_.push_back(text);
      if (!text.empty()) specials_.push_back({text, id, type == kUserDefined});
      return;
    }
    std::string bytes = alphabet_.to_bytes(text);
    if (type == kNormal && bytes.empty())
      fail(gguf.subject(), "token " + std::to_string(id) + " '" + text + "'", "wanted characters of the byte alphabet");
    ids_.emplace(bytes, id);
    pieces_.push_back(std::move(bytes));
  }

  int32_t part(const Gguf& gguf, const std::string& merge, std::string_view text) const {
    const auto found = ids_.find(alphabet_.to_bytes(text));
    if (text.empty() || found == ids_.end())
      fail(gguf.subject(), "merge '" + merge + "': '" + std::string(text) + "' is not a token", "wanted parts and result in the vocabulary");
    return found->second;
  }

  void read_merges(const Gguf& gguf) {
    const auto& merges = needed<std::vector<std::string>>(gguf, "tokenizer.ggml.merges");
    uint32_t rank = 0;
    for (const std::string& merge : merges) {
      const size_t space = merge.find(' ', 1);
      if (space == std::string::npos)
        fail(gguf.subject(), "merge '" + merge + "' has one part", "wanted two parts with a space between");
      const std::string left = merge.substr(0, space), right = merge.substr(space + 1);
      const Merge result{rank++, part(gguf, merge, left + right)};
      if (!pairs_.add(part(gguf, merge, left), part(gguf, merge, right), result))
        fail(gguf.subject(), "merge '" + merge + "' twice", "wanted each merge once");
    }
  }

  void read_special_ids(const Gguf& gguf) {
    for (const char* name : {"unknown_token_id", "padding_token_id", "seperator_token_id"})
      special_id(gguf, name, pieces_.size());
    bos_ = special_id(gguf, "bos_token_id", pieces_.size());
    for (const char* name : {"eos_token_id", "eot_token_id", "eom_token_id"})
      if (const int32_t id = special_id(gguf, name, pieces_.size()); id >= 0) ends_.insert(id);
    for (const Special& token : specials_)
      if (std::find(kEndTexts.begin(), kEndTexts.end(), token.text) != kEndTexts.end()) ends_.insert(token.id);
    const bool* add_bos = value_of<bool>(gguf, "tokenizer.ggml.add_bos_token");
    add_bos_ = add_bos && *add_bos;
    if (add_bos_ && bos_ < 0) fail(gguf.subject(), "tokenizer.ggml.add_bos_token without bos_token_id", "wanted both");
  }

  ByteAlphabet alphabet_;
  const PreTokenizer* pre_ = nullptr;
  std::vector<std::string> pieces_;  // bytes of each token
  std::unordered_map<std::string, int32_t> ids_;  // bytes of a normal token -> id
  std::unordered_set<std::string> texts_;
  std::vector<Special> specials_;  // longest first
  BytePairs pairs_;
  std::unordered_set<int32_t> ends_;
  int32_t bos_ = -1;
  bool add_bos_ = false;
};

Tokenizer::Tokenizer(const Gguf& gguf) : impl_(std::make_unique<Impl>(gguf)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<int32_t> Tokenizer::encode(std::string_view text, SpecialTokens special) const { return impl_->encode(text, special); }
std::string_view Tokenizer::piece(int32_t id) const { return impl_->piece(id); }
uint32_t Tokenizer::vocabulary() const { return impl_->vocabulary(); }
bool Tokenizer::add_bos() const { return impl_->add_bos(); }
int32_t Tokenizer::bos() const { return impl_->bos(); }
bool Tokenizer::ends_generation(int32_t id) const { return impl_->ends_generation(id); }

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) text += piece(id);
  return text;
}

TokenText Tokenizer::text_of(std::vector<int32_t> ids) const {
  TokenText text;
  text.offset.push_back(0);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || static_cast<uint32_t>(ids[i]) >= vocabulary())
      fail("token " + std::to_string(i), "id " + std::to_string(ids[i]), "wanted 0 to " + std::to_string(vocabulary() - 1));
    text.bytes += piece(ids[i]);
    text.offset.push_back(text.bytes.size());
  }
  text.id = std::move(ids);
  return text;
}

std::string Utf8Stream::feed(std::string_view piece) {
  held_ += piece;
  const size_t keep = unfinished_bytes(held_);
  std::string ready = held_.substr(0, held_.size() - keep);
  held_.erase(0, ready.size());
  return ready;
}

std::string Utf8Stream::flush() { return std::exchange(held_, {}); }

}  // namespace dendrokv
