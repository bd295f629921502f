#include "model/tokenizer_keys.h"

#include "data/error.h"

namespace dendrokv {

template <class T>
const T* TokenizerKeys::value_of(std::string_view name) const {
  const GgufValue* value = gguf_.find(full(name));
  if (!value) return nullptr;
  const auto* typed = std::get_if<T>(value);
  if (!typed)
    fail(subject(), full(name) + " has another type", "wanted the type that GGUF defines for it");
  return typed;
}

const std::string* TokenizerKeys::text(std::string_view name) const {
  return value_of<std::string>(name);
}
const std::vector<std::string>* TokenizerKeys::texts(std::string_view name) const {
  return value_of<std::vector<std::string>>(name);
}
const std::vector<int64_t>* TokenizerKeys::numbers(std::string_view name) const {
  return value_of<std::vector<int64_t>>(name);
}
const std::vector<double>* TokenizerKeys::reals(std::string_view name) const {
  return value_of<std::vector<double>>(name);
}

bool TokenizerKeys::flag(std::string_view name, bool absent) const {
  const bool* value = value_of<bool>(name);
  return value ? *value : absent;
}

int32_t TokenizerKeys::id(std::string_view name, size_t vocabulary) const {
  const GgufValue* value = gguf_.find(full(name));
  if (!value) return -1;
  const auto* number = std::get_if<uint64_t>(value);
  const auto* with_sign = std::get_if<int64_t>(value);
  if (!number && !with_sign)
    fail(subject(), full(name) + " is not a whole number", "wanted a token id");
  const bool negative = with_sign && *with_sign < 0;
  const uint64_t id = number ? *number : static_cast<uint64_t>(*with_sign);
  if (negative || id >= vocabulary)
    fail(subject(),
         full(name) + " is " + (negative ? std::to_string(*with_sign) : std::to_string(id)),
         "wanted a token id less than " + std::to_string(vocabulary));
  return static_cast<int32_t>(id);
}

void TokenizerKeys::refuse_flag(std::string_view name, std::string_view where) const {
  if (flag(name, false))
    fail(subject(), full(name) + " is true", "wanted a model without it",
         "this feature is not supported" + std::string(where));
}

void TokenizerKeys::missing(std::string_view name) const {
  fail(subject(), full(name) + " is missing", "wanted a model with its tokenizer");
}

}  // namespace dendrokv
