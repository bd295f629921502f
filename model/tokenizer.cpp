// Special tokens are cut out of the text (model/special_tokens), what is left is encoded by the
// tokenizer's model (model/token_model).

#include "model/tokenizer.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "data/error.h"
#include "model/special_ids.h"
#include "model/text_stream.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

constexpr size_t kLongestText = size_t{1} << 26;

}  // namespace

class Tokenizer::Impl {
 public:
  Impl(const Gguf& gguf, const TokenizerOptions& options) {
    const TokenizerKeys keys(gguf);
    const Vocabulary vocabulary = read_vocabulary(keys);
    model_ = make_token_model(keys, vocabulary, options);
    special_ids_ = read_special_ids(keys, gguf, vocabulary, model_->defaults());
    for (size_t i = 0; i < vocabulary.size(); ++i) {
      const TokenType type = vocabulary.types[i];
      const auto id = static_cast<int32_t>(i);
      if (!dendrokv::is_special(type) || vocabulary.texts[i].empty()) continue;
      specials_.emplace(model_->pieces()[i], id);
      cutter_.add(vocabulary.texts[i], id,
                  type == TokenType::UserDefined ? SpecialTokenCutter::Recognised::Always
                                                 : SpecialTokenCutter::Recognised::WhenParsing);
    }
  }

  /// Text that two parts have at their border is encoded as one: its tokens do not depend on where
  /// the parts meet.
  void encode(std::span<const TextPart> parts, std::vector<int32_t>& ids) const {
    check_length(parts);
    std::string plain;
    const auto encode_plain = [&] {
      if (!plain.empty()) model_->encode(plain, ids);
      plain.clear();
    };
    for (const TextPart& part : parts) {
      const std::string text = valid_utf8(part.text);
      std::vector<Fragment> fragments;
      cutter_.cut(text, part.special, fragments);
      for (const Fragment& fragment : fragments) {
        plain += fragment.text;
        if (fragment.id < 0) continue;
        encode_plain();
        ids.push_back(fragment.id);
      }
    }
    encode_plain();
  }

  std::string_view piece(int32_t id) const {
    if (id < 0 || static_cast<size_t>(id) >= model_->pieces().size())
      fail("token id " + std::to_string(id), "is not in the vocabulary",
           "wanted 0 to " + std::to_string(model_->pieces().size() - 1));
    return model_->pieces()[static_cast<size_t>(id)];
  }

  int32_t special_id(std::string_view text) const {
    const auto found = specials_.find(text);
    return found == specials_.end() ? -1 : found->second;
  }

  const TokenModel& model() const { return *model_; }
  const SpecialIds& special_ids() const { return special_ids_; }

 private:
  static void check_length(std::span<const TextPart> parts) {
    size_t bytes = 0;
    for (const TextPart& part : parts) bytes += part.text.size();
    if (bytes > kLongestText)
      fail("the text", "has " + std::to_string(bytes) + " bytes",
           "wanted at most " + std::to_string(kLongestText), "cut it into parts");
  }

  std::unique_ptr<TokenModel> model_;
  SpecialIds special_ids_;
  SpecialTokenCutter cutter_;
  std::unordered_map<std::string_view, int32_t> specials_;  // into the model's pieces
};

Tokenizer::Tokenizer(const Gguf& gguf, const TokenizerOptions& options)
    : impl_(std::make_unique<Impl>(gguf, options)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<int32_t> Tokenizer::encode(std::string_view text, SpecialTokens special) const {
  const TextPart part{std::string(text), special};
  return encode_more({&part, 1});
}

std::vector<int32_t> Tokenizer::encode_prompt(std::span<const TextPart> parts) const {
  std::vector<int32_t> ids;
  if (add_bos()) ids.push_back(bos());
  impl_->encode(parts, ids);
  return ids;
}

std::vector<int32_t> Tokenizer::encode_more(std::span<const TextPart> parts) const {
  std::vector<int32_t> ids;
  impl_->encode(parts, ids);
  return ids;
}

std::string_view Tokenizer::piece(int32_t id) const {
  return impl_->piece(id);
}
uint32_t Tokenizer::vocabulary() const {
  return static_cast<uint32_t>(impl_->model().pieces().size());
}
bool Tokenizer::add_bos() const {
  return impl_->special_ids().add_bos;
}
int32_t Tokenizer::bos() const {
  return impl_->special_ids().bos;
}
SpacePrefix Tokenizer::space_prefix() const {
  return impl_->model().space_prefix();
}
bool Tokenizer::is_special(int32_t id) const {
  return special_id(piece(id)) == id;
}
int32_t Tokenizer::special_id(std::string_view text) const {
  return impl_->special_id(text);
}
bool Tokenizer::ends_generation(int32_t id) const {
  return impl_->special_ids().ends.contains(id);
}
std::vector<int32_t> Tokenizer::end_ids() const {
  const std::set<int32_t>& ends = impl_->special_ids().ends;
  return {ends.begin(), ends.end()};
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  TextStream stream(*this, StreamStart::OfText);
  std::string text;
  for (const int32_t id : ids) text += stream.feed(id);
  return text + stream.flush();
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

}  // namespace dendrokv
