// Byte-level BPE: special tokens are cut out of the raw text, longest first; what is left is made valid UTF-8, cut into pre-tokens
// (model/pre_tokenizer), and merged (model/byte_pairs). In token texts a printable character stands for each byte.

#include "model/tokenizer.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "data/error.h"
#include "model/byte_pairs.h"
#include "model/pre_tokenizer.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

constexpr size_t kLongestText = size_t{1} << 26;
// Values of tokenizer.ggml.token_type; 5 and 6 are unused ones and bytes.
constexpr int64_t kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kHighestType = 6;
// Control tokens that end a text, whether or not a key of the file says so. <reponame> begins another document.
constexpr std::array<std::string_view, 7> kEndTexts = {
    "<|endoftext|>", "<|im_end|>",    "<|eot_id|>", "<|end_of_text|>",
    "<|eom_id|>",    "<end_of_turn>", "<reponame>"};

template <class T>
const T* value_of(const Gguf& gguf, const std::string& key) {
  const GgufValue* value = gguf.find(key);
  if (!value) return nullptr;
  const auto* typed = std::get_if<T>(value);
  if (!typed)
    fail(gguf.subject(), key + " has another type", "wanted the type that GGUF defines for it");
  return typed;
}

template <class T>
const T& needed(const Gguf& gguf, const std::string& key) {
  const T* value = value_of<T>(gguf, key);
  if (!value) fail(gguf.subject(), key + " is missing", "wanted a model with its tokenizer");
  return *value;
}

int32_t checked_id(const Gguf& gguf, const std::string& key, const GgufValue& value,
                   size_t vocabulary) {
  const auto* id = std::get_if<uint64_t>(&value);
  if (!id) fail(gguf.subject(), key + " is not an unsigned number", "wanted a token id");
  if (*id >= vocabulary)
    fail(gguf.subject(), key + " is " + std::to_string(*id),
         "wanted less than " + std::to_string(vocabulary));
  return static_cast<int32_t>(*id);
}

bool flag(const Gguf& gguf, const std::string& key) {
  const bool* value = value_of<bool>(gguf, key);
  return value && *value;
}

const PreTokenizer& pre_tokenizer_of(const Gguf& gguf) {
  const auto* name = value_of<std::string>(gguf, "tokenizer.ggml.pre");
  // Without a name there is a guess that other programs make; it gives other ids for digits and punctuation.
  if (!name)
    fail(gguf.subject(), "tokenizer.ggml.pre is missing", "wanted the name of the pre-tokenizer",
         "convert the model anew, old converters left it out");
  return find_pre_tokenizer(gguf.subject(), *name);
}

// The printable character that stands for each byte in token texts, and back.
class ByteAlphabet {
 public:
  ByteAlphabet() {
    char32_t next = 256;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool printable =
          (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      bytes_[printable ? char32_t{byte} : next++] =
          static_cast<char>(static_cast<unsigned char>(byte));
    }
  }

  /// Empty when a character of `text` stands for no byte.
  std::string to_bytes(std::string_view text) const {
    std::string bytes;
    while (!text.empty()) {
      const auto found = bytes_.find(take_character(text));
      if (found == bytes_.end()) return {};
      bytes += found->second;
    }
    return bytes;
  }

  /// Calls `each(text, byte)` for all 256 bytes.
  template <class Each>
  void for_each(const Each& each) const {
    for (const auto& [character, byte] : bytes_) {
      std::string text;
      append_utf8(character, text);
      each(text, static_cast<unsigned char>(byte));
    }
  }

 private:
  std::unordered_map<char32_t, char> bytes_;
};

// Token texts as the file has them, while it is read.
using TextIds = std::unordered_map<std::string_view, int32_t>;

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
      fail(gguf.subject(), "tokenizer.ggml.model is '" + shown(model) + "'",
           "wanted gpt2 (byte-level BPE)", "other tokenizers are not supported");
    pre_ = &pre_tokenizer_of(gguf);
    const TextIds ids = read_vocabulary(gguf);
    read_merges(gguf, ids);
    read_special_ids(gguf);
    read_rules(gguf);
  }

  std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const {
    if (text.size() > kLongestText)
      fail("the text", "has " + std::to_string(text.size()) + " bytes",
           "wanted at most " + std::to_string(kLongestText), "cut it into parts");
    std::vector<Fragment> fragments = {{text, -1}};
    for (const Special& token : specials_)
      if (token.always || special == SpecialTokens::Parse) fragments = cut(fragments, token);
    std::vector<int32_t> ids;
    for (const Fragment& fragment : fragments) {
      if (fragment.id >= 0)
        ids.push_back(fragment.id);
      else
        pre_->split(valid_utf8(fragment.text),
                    [&](std::string_view piece) { pairs_.merge(piece, ids); });
    }
    return ids;
  }

  std::string_view piece(int32_t id) const {
    if (id < 0 || static_cast<size_t>(id) >= pieces_.size())
      fail("token id " + std::to_string(id), "is not in the vocabulary",
           "wanted 0 to " + std::to_string(pieces_.size() - 1));
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
        for (size_t at = rest.find(token.text); at != std::string_view::npos;
             at = rest.find(token.text)) {
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

  TextIds read_vocabulary(const Gguf& gguf) {
    const auto& tokens = needed<std::vector<std::string>>(gguf, "tokenizer.ggml.tokens");
    const auto& types = needed<std::vector<int64_t>>(gguf, "tokenizer.ggml.token_type");
    if (tokens.empty())
      fail(gguf.subject(), "tokenizer.ggml.tokens is empty", "wanted a vocabulary");
    check_length(gguf, "token_type", types.size(), tokens.size());
    if (const auto* scores = value_of<std::vector<double>>(gguf, "tokenizer.ggml.scores"))
      check_length(gguf, "scores", scores->size(), tokens.size());
    TextIds ids;
    ids.reserve(tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      const auto id = static_cast<int32_t>(i);
      if (!ids.emplace(tokens[i], id).second)
        fail(gguf.subject(), token_name(id, tokens[i]) + " stands in the vocabulary twice",
             "wanted each text once");
      add_token(gguf, id, tokens[i], types[i]);
    }
    std::stable_sort(specials_.begin(), specials_.end(), [](const Special& a, const Special& b) {
      return a.text.size() > b.text.size();
    });
    alphabet_.for_each([&](const std::string& text, unsigned char byte) {
      if (const auto found = ids.find(text); found != ids.end())
        pairs_.byte_token[byte] = found->second;
    });
    return ids;
  }

  static void check_length(const Gguf& gguf, const char* name, size_t found, size_t wanted) {
    if (found != wanted)
      fail(gguf.subject(),
           std::string("tokenizer.ggml.") + name + " has " + std::to_string(found) + " elements",
           "wanted one for each of the " + std::to_string(wanted) + " tokens");
  }

  static std::string token_name(int32_t id, std::string_view text) {
    return "token " + std::to_string(id) + " '" + shown(text) + "'";
  }

  void add_token(const Gguf& gguf, int32_t id, const std::string& text, int64_t type) {
    if (type < kNormal || type > kHighestType)
      fail(gguf.subject(), token_name(id, text) + " has type " + std::to_string(type),
           "wanted 1 to 6");
    if (type == kUnknown || type == kControl || type == kUserDefined) {
      pieces_.push_back(text);
      if (!text.empty()) specials_.push_back({text, id, type == kUserDefined});
      return;
    }
    std::string bytes = alphabet_.to_bytes(text);
    if (type == kNormal && bytes.empty())
      fail(gguf.subject(), token_name(id, text), "wanted characters of the byte alphabet");
    pieces_.push_back(bytes.empty() ? text : std::move(bytes));
  }

  void read_merges(const Gguf& gguf, const TextIds& ids) {
    const auto& merges = needed<std::vector<std::string>>(gguf, "tokenizer.ggml.merges");
    uint32_t rank = 0;
    for (const std::string& merge : merges) {
      const auto refuse = [&](const std::string& why) {
        fail(gguf.subject(), "merge " + std::to_string(rank) + " '" + shown(merge) + "' " + why,
             "wanted two tokens with a space between, that make a third");
      };
      const auto token = [&](const std::string& text) {
        const auto found = ids.find(text);
        if (text.empty() || found == ids.end()) refuse("needs the token '" + shown(text) + "'");
        return found->second;
      };
      const size_t space = merge.find(' ', 1);
      if (space == std::string::npos) refuse("has one part");
      const std::string left = merge.substr(0, space), right = merge.substr(space + 1);
      if (!pairs_.add(token(left), token(right), {rank, token(left + right)}))
        refuse("stands there twice");
      ++rank;
    }
  }

  void read_special_ids(const Gguf& gguf) {
    for (const auto& [key, value] : gguf.metadata()) {
      if (!key.starts_with("tokenizer.ggml.") || !key.ends_with("_token_id")) continue;
      const int32_t id = checked_id(gguf, key, value, pieces_.size());
      if (key == "tokenizer.ggml.bos_token_id") bos_ = id;
      if (key.ends_with(".eos_token_id") || key.ends_with(".eot_token_id") ||
          key.ends_with(".eom_token_id"))
        ends_.insert(id);
    }
    for (const Special& token : specials_)
      if (std::find(kEndTexts.begin(), kEndTexts.end(), token.text) != kEndTexts.end())
        ends_.insert(token.id);
  }

  void read_rules(const Gguf& gguf) {
    add_bos_ = flag(gguf, "tokenizer.ggml.add_bos_token");
    if (add_bos_ && bos_ < 0)
      fail(gguf.subject(), "tokenizer.ggml.add_bos_token without bos_token_id", "wanted both");
    if (flag(gguf, "tokenizer.ggml.add_eos_token"))
      fail(gguf.subject(), "tokenizer.ggml.add_eos_token is true",
           "wanted a model whose texts go on", "this feature is not supported");
  }

  ByteAlphabet alphabet_;
  const PreTokenizer* pre_ = nullptr;
  std::vector<std::string> pieces_;  // bytes of each token
  std::vector<Special> specials_;    // longest first
  BytePairs pairs_;
  std::unordered_set<int32_t> ends_;
  int32_t bos_ = -1;
  bool add_bos_ = false;
};

Tokenizer::Tokenizer(const Gguf& gguf) : impl_(std::make_unique<Impl>(gguf)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<int32_t> Tokenizer::encode(std::string_view text, SpecialTokens special) const {
  return impl_->encode(text, special);
}
std::string_view Tokenizer::piece(int32_t id) const {
  return impl_->piece(id);
}
uint32_t Tokenizer::vocabulary() const {
  return impl_->vocabulary();
}
bool Tokenizer::add_bos() const {
  return impl_->add_bos();
}
int32_t Tokenizer::bos() const {
  return impl_->bos();
}
bool Tokenizer::ends_generation(int32_t id) const {
  return impl_->ends_generation(id);
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) text += piece(id);
  return text;
}

TokenText Tokenizer::text_of(std::vector<int32_t> ids) const {
  TokenText text;
  text.offset.push_back(0);
  for (const int32_t id : ids) {
    text.bytes += piece(id);
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

std::string Utf8Stream::flush() {
  return std::exchange(held_, {});
}

}  // namespace dendrokv
