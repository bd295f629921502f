#include "model/config_keys.h"

#include <algorithm>
#include <cmath>

#include "data/error.h"
#include "model/unicode.h"

namespace dendrokv {

namespace {

std::optional<uint64_t> whole_number(const GgufValue& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return *number;
  if (const auto* number = std::get_if<int64_t>(&value); number && *number >= 0)
    return static_cast<uint64_t>(*number);
  return std::nullopt;
}

// The number that all elements of an array are.
template <class T>
std::optional<uint64_t> repeated_number(const GgufValue& value) {
  const auto* numbers = std::get_if<std::vector<T>>(&value);
  if (!numbers || numbers->empty()) return std::nullopt;
  const T first = numbers->front();
  if (std::any_of(numbers->begin(), numbers->end(), [&](T number) { return number != first; }))
    return std::nullopt;
  return whole_number(first);
}

}  // namespace

std::optional<uint64_t> Keys::count(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto number = whole_number(*value)) return number;
  if (const auto number = repeated_number<uint64_t>(*value)) return number;
  if (const auto number = repeated_number<int64_t>(*value)) return number;
  fail_with(key, "not a whole number of 0 or more", "wanted one for all layers");
}

uint32_t Keys::needed(std::string_view key, uint64_t lowest, uint64_t highest) const {
  const auto number = count(key);
  if (!number) fail_with(key, "missing", "wanted a model with this key");
  return checked(key, *number, lowest, highest);
}

uint32_t Keys::checked(std::string_view key, uint64_t number, uint64_t lowest,
                       uint64_t highest) const {
  if (number < lowest || number > highest)
    fail_with(key, std::to_string(number),
              "wanted " + std::to_string(lowest) + " to " + std::to_string(highest));
  return static_cast<uint32_t>(number);
}

std::optional<double> Keys::real(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  const auto* number = std::get_if<double>(value);
  if (!number || !std::isfinite(*number)) fail_with(key, "not a finite number", "wanted one");
  return *number;
}

std::string Keys::text(std::string_view key, const std::string& otherwise) const {
  return text_of(gguf_, name(key), otherwise);
}

void Keys::fail_with(std::string_view key, const std::string& found, const std::string& wanted,
                     const std::string& remedy) const {
  fail(subject(), name(key) + " is " + found, wanted, remedy);
}

std::string text_of(const Gguf& gguf, const std::string& key, const std::string& otherwise) {
  constexpr size_t kLongest = 4096;
  const GgufValue* value = gguf.find(key);
  if (!value) return otherwise;
  const auto* text = std::get_if<std::string>(value);
  if (!text) fail(gguf.subject(), key + " is not a text", "wanted one");
  if (text->size() > kLongest || valid_utf8(*text) != *text)
    fail(gguf.subject(), key + " is '" + shown(*text) + "'", "wanted at most 4096 bytes of UTF-8");
  return *text;
}

}  // namespace dendrokv
