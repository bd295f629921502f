#include "model/special_ids.h"

#include <array>

#include "data/error.h"

namespace dendrokv {
namespace {

// Control and user-defined tokens that end a turn or a text, whether or not a key of the file says
// so. <reponame> begins another document.
constexpr std::array<std::string_view, 9> kEndTexts = {
    "<|endoftext|>", "<|im_end|>",    "<|eot_id|>", "<|end_of_text|>", "<|eom_id|>",
    "<|end|>",       "<end_of_turn>", "<|return|>", "<reponame>"};

// Every key of an id is checked, also of those that nothing here asks for.
void check_ids(const TokenizerKeys& keys, const Gguf& gguf, size_t vocabulary) {
  const std::string prefix = TokenizerKeys::full("");
  for (const auto& [key, value] : gguf.metadata())
    if (key.starts_with(prefix) && key.ends_with("_token_id"))
      keys.id(std::string_view(key).substr(prefix.size()), vocabulary);
}

int32_t id_or(const TokenizerKeys& keys, std::string_view name, const Vocabulary& vocabulary,
              int32_t standard) {
  const int32_t id = keys.id(name, vocabulary.size());
  if (id >= 0 || standard < 0) return id;
  if (static_cast<size_t>(standard) >= vocabulary.size())
    fail(keys.subject(),
         TokenizerKeys::full(name) + " is missing and its default " + std::to_string(standard) +
             " is not in the vocabulary of " + std::to_string(vocabulary.size()),
         "wanted the key");
  return standard;
}

}  // namespace

SpecialIds read_special_ids(const TokenizerKeys& keys, const Gguf& gguf,
                            const Vocabulary& vocabulary, const TokenDefaults& defaults) {
  check_ids(keys, gguf, vocabulary.size());
  for (const char* feature : {"add_eos_token", "add_sep_token"})
    keys.refuse_flag(feature, ": here texts go on");
  SpecialIds ids;
  ids.bos = id_or(keys, "bos_token_id", vocabulary, defaults.bos);
  ids.add_bos = keys.flag("add_bos_token", defaults.add_bos && ids.bos >= 0);
  if (ids.add_bos && ids.bos < 0)
    fail(keys.subject(), "tokenizer.ggml.add_bos_token without bos_token_id", "wanted both");
  id_or(keys, "unknown_token_id", vocabulary, defaults.unknown);
  for (const int32_t id :
       {id_or(keys, "eos_token_id", vocabulary, defaults.eos),
        keys.id("eot_token_id", vocabulary.size()), keys.id("eom_token_id", vocabulary.size())})
    if (id >= 0) ids.ends.insert(id);
  for (const std::string_view text : kEndTexts)
    if (const auto found = vocabulary.ids.find(text);
        found != vocabulary.ids.end() &&
        is_special(vocabulary.types[static_cast<size_t>(found->second)]))
      ids.ends.insert(found->second);
  return ids;
}

}  // namespace dendrokv
