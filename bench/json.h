#pragma once
// Results as one JSON object, or as lines for people.

#include <iosfwd>
#include <memory>
#include <string_view>

namespace dendrokv::bench {

class JsonObject {
 public:
  JsonObject();
  JsonObject(JsonObject&&) noexcept;
  ~JsonObject();

  /// Not finite: null.
  JsonObject& set(std::string_view name, double number);
  JsonObject& set(std::string_view name, size_t number);
  JsonObject& set(std::string_view name, std::string_view text);
  /// Adds to the array `name`, which it starts when there is none.
  JsonObject& append(std::string_view name, JsonObject element);

  void write_json(std::ostream& out) const;
  /// "name value" per line; an array as one line per element.
  void write_lines(std::ostream& out) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv::bench
