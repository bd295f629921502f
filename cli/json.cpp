// JSON over nlohmann-json, which is included here only.

#include "cli/json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "data/error.h"

namespace dendrokv {

using Tree = nlohmann::ordered_json;

struct Json::Value {
  Tree tree;
};

Json::Json(std::unique_ptr<Value> value) : value_(std::move(value)) {}
Json::Json(const Json& other) : value_(std::make_unique<Value>(*other.value_)) {}
Json::Json(Json&& other) noexcept = default;
Json::~Json() = default;

Json& Json::operator=(Json other) noexcept {
  value_ = std::move(other.value_);
  return *this;
}

Json Json::object() {
  return Json(std::make_unique<Value>(Tree::object()));
}
Json Json::array() {
  return Json(std::make_unique<Value>(Tree::array()));
}
Json Json::null() {
  return Json(std::make_unique<Value>(Tree(nullptr)));
}

Json Json::parse(std::string_view text) {
  Tree tree = Tree::parse(text, nullptr, false);
  return Json(std::make_unique<Value>(tree.is_discarded() ? Tree(nullptr) : std::move(tree)));
}

Json::Json(std::string_view text) : Json(std::make_unique<Value>(Tree(std::string(text)))) {}
Json::Json(bool truth) : Json(std::make_unique<Value>(Tree(truth))) {}
Json::Json(uint64_t number) : Json(std::make_unique<Value>(Tree(number))) {}
Json::Json(int64_t number) : Json(std::make_unique<Value>(Tree(number))) {}
Json::Json(double number)
    : Json(std::make_unique<Value>(std::isfinite(number) ? Tree(number) : Tree(nullptr))) {}

Json& Json::set(std::string_view name, Json value) {
  value_->tree[std::string(name)] = std::move(value.value_->tree);
  return *this;
}

Json& Json::merge(const Json& other) {
  value_->tree.update(other.value_->tree);
  return *this;
}

Json& Json::add(Json value) {
  value_->tree.push_back(std::move(value.value_->tree));
  return *this;
}

std::string Json::text() const {
  return value_->tree.dump(-1, ' ', false, Tree::error_handler_t::replace);
}

std::vector<int32_t> parse_token_ids(const std::string& subject, std::string_view json) {
  const Tree tree = Tree::parse(json, nullptr, false);
  const std::string wanted = "wanted an array of token ids such as [1, 2, 3]";
  if (tree.is_discarded()) fail(subject, "not JSON", wanted);
  if (!tree.is_array()) fail(subject, std::string("JSON of type ") + tree.type_name(), wanted);
  std::vector<int32_t> ids;
  for (const Tree& element : tree) {
    const std::string where = "element " + std::to_string(ids.size());
    constexpr auto kMost = std::numeric_limits<int32_t>::max();
    const bool whole = element.is_number_unsigned();
    if (!whole || element.get<uint64_t>() > uint64_t{kMost})
      fail(subject, where + " is " + element.dump(-1, ' ', false, Tree::error_handler_t::replace),
           "wanted a token id, a whole number from 0");
    ids.push_back(element.get<int32_t>());
  }
  return ids;
}

std::vector<SpanWords> parse_spans(const std::string& subject, std::string_view json) {
  const Tree tree = Tree::parse(json, nullptr, false);
  const std::string wanted =
      "wanted an object such as {\"system\": [0, 24], \"question\": \"What is\"}";
  if (tree.is_discarded()) fail(subject, "not JSON", wanted);
  if (!tree.is_object()) fail(subject, std::string("JSON of type ") + tree.type_name(), wanted);
  std::vector<SpanWords> spans;
  for (const auto& [name, value] : tree.items()) {
    SpanWords span{.name = name};
    const auto is_place = [](const Tree& place) {
      return place.is_number_unsigned() &&
             place.get<uint64_t>() <= std::numeric_limits<uint32_t>::max();
    };
    if (value.is_string() && !value.get<std::string>().empty())
      span.text = value.get<std::string>();
    else if (value.is_array() && value.size() == 2 && is_place(value[0]) && is_place(value[1]))
      std::tie(span.first, span.end) =
          std::pair(value[0].get<uint32_t>(), value[1].get<uint32_t>());
    else
      fail(subject,
           "'" + name + "' is " + value.dump(-1, ' ', false, Tree::error_handler_t::replace),
           wanted);
    spans.push_back(std::move(span));
  }
  return spans;
}

}  // namespace dendrokv
