#pragma once
// JSON out: objects with snake_case names and units in the names (seconds, bytes). A number that is
// not finite becomes null, text that is not UTF-8 gets replacement characters. JSON in: arrays of
// token ids.

#include <cstdint>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

namespace dendrokv {

class Json {
 public:
  static Json object();
  static Json array();
  static Json null();
  /// What text() gave. Null when it is not JSON.
  static Json parse(std::string_view text);

  Json(std::string_view text);
  Json(const std::string& text) : Json(std::string_view(text)) {}
  Json(const char* text) : Json(std::string_view(text)) {}
  Json(bool truth);
  Json(double number);
  Json(uint64_t number);
  Json(int64_t number);
  Json(uint32_t number) : Json(uint64_t{number}) {}
  Json(int32_t number) : Json(int64_t{number}) {}
  template <std::ranges::range Range>
  requires(!std::convertible_to<Range, std::string_view>) Json(const Range& values)
      : Json(array()) {
    for (const auto& value : values) add(Json(value));
  }

  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(Json other) noexcept;
  ~Json();

  /// Of an object; fields keep the order in which they are set.
  Json& set(std::string_view name, Json value);
  /// Adds the fields of another object.
  Json& merge(const Json& other);
  /// Of an array.
  Json& add(Json value);
  /// One line.
  std::string text() const;

 private:
  struct Value;
  explicit Json(std::unique_ptr<Value> value);
  std::unique_ptr<Value> value_;
};

/// A named part of a text as a user says it: words that stand in it, or, without words, tokens
/// [first, end).
struct SpanWords {
  std::string name, text = {};
  uint32_t first = 0, end = 0;
};
/// Reads {"system": [0, 24], "question": "What is"}. Throws Error naming `subject`.
std::vector<SpanWords> parse_spans(const std::string& subject, std::string_view json);

/// Reads "[1, 2, 3]". Throws Error naming `subject`: not JSON, not an array, an element that is not
/// a whole number of int32.
std::vector<int32_t> parse_token_ids(const std::string& subject, std::string_view json);

}  // namespace dendrokv
