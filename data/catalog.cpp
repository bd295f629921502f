#include "data/catalog.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "data/error.h"
#include "data/split.h"

namespace dendrokv {
namespace {

std::string plain(double number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return {buffer, end};
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

void check_number(const std::string& subject, const OptionRow& option, std::string_view text) {
  double number = 0;
  uint64_t whole = 0;
  const bool is_count = option.type != OptionType::Real;
  bool readable = is_count ? read_number(text, whole) : read_number(text, number);
  if (is_count) number = static_cast<double>(whole);
  readable = readable && std::isfinite(number);
  if (!readable || number < option.lowest || number > option.highest)
    fail(subject, "'" + std::string(text) + "'",
         std::string("wanted a ") + (is_count ? "whole " : "") + "number from " +
             plain(option.lowest) + " to " + plain(option.highest) +
             (option.choices.empty() ? "" : ", or " + std::string(option.choices)));
}

void check_choice(const std::string& subject, const OptionRow& option, std::string_view text) {
  const auto choices = split(option.choices, '|');
  if (std::find(choices.begin(), choices.end(), text) == choices.end())
    fail(subject, "'" + std::string(text) + "'", "wanted " + std::string(option.choices),
         did_you_mean(text, choices));
}

const SpecRow& find_row(std::string_view kind, std::string_view name,
                        std::span<const SpecRow> table) {
  std::vector<std::string_view> known;
  for (const SpecRow& row : table) {
    if (row.name == name) return row;
    known.push_back(row.name);
  }
  fail(std::string(kind) + " '" + std::string(name) + "'", "not known",
       "wanted a name from the table", did_you_mean(name, known));
}

const OptionRow& find_option(const std::string& subject, const SpecRow& row, std::string_view key) {
  std::vector<std::string_view> known;
  for (const OptionRow& option : row.options) {
    if (option.name == key) return option;
    known.push_back(option.name);
  }
  if (known.empty()) fail(subject, "key '" + std::string(key) + "'", "wanted no keys");
  fail(subject, "key '" + std::string(key) + "' is not known", "wanted one of its options",
       did_you_mean(key, known));
}

void apply_pair(const std::string& subject, const SpecRow& row, std::string_view pair, Spec& spec) {
  const size_t equals = pair.find('=');
  if (equals == std::string_view::npos)
    fail(subject, "'" + std::string(pair) + "'", "wanted key=value");
  const std::string_view key = pair.substr(0, equals), value = pair.substr(equals + 1);
  const OptionRow& option = find_option(subject, row, key);
  if (spec.given(key)) fail(subject, "key '" + std::string(key) + "' twice", "wanted it once");
  const std::string option_subject = subject + " key " + std::string(key);
  if (option.type == OptionType::File) {
    if (value.empty()) fail(option_subject, "empty", "wanted the name of a file");
  } else if (option.type == OptionType::Choice ||
             (option.type == OptionType::CountOrWord && value == option.choices)) {
    check_choice(option_subject, option, value);
  } else {
    check_number(option_subject, option, value);
  }
  spec.set(key, std::string(value));
}

}  // namespace

Spec::Spec(std::string name, std::vector<Value> values)
    : name_(std::move(name)), values_(std::move(values)) {}

std::string Spec::text() const {
  std::string text = name_;
  char separator = ':';
  for (const Value& value : values_) {
    if (value.text.empty()) continue;
    text += separator + value.key + "=" + value.text;
    separator = ',';
  }
  return text;
}

const Spec::Value* Spec::find(std::string_view key) const {
  for (const Value& value : values_)
    if (value.key == key) return &value;
  return nullptr;
}

const Spec::Value& Spec::at(std::string_view key) const {
  const Value* value = find(key);
  DENDROKV_ASSERT(value != nullptr && !value->text.empty());
  return *value;
}

bool Spec::has(std::string_view key) const {
  const Value* value = find(key);
  return value != nullptr && !value->text.empty();
}

bool Spec::given(std::string_view key) const {
  const Value* value = find(key);
  return value != nullptr && value->given;
}

uint64_t Spec::count(std::string_view key) const {
  uint64_t number = 0;
  DENDROKV_ASSERT(read_number(at(key).text, number));
  return number;
}

double Spec::real(std::string_view key) const {
  double number = 0;
  DENDROKV_ASSERT(read_number(at(key).text, number));
  return number;
}

std::string_view Spec::choice(std::string_view key) const {
  return at(key).text;
}

std::string_view Spec::file(std::string_view key) const {
  return at(key).text;
}

bool Spec::is_word(std::string_view key) const {
  uint64_t number = 0;
  return !read_number(at(key).text, number);
}

void Spec::set(std::string_view key, std::string text) {
  for (Value& value : values_) {
    if (value.key != key) continue;
    value.text = std::move(text);
    value.given = true;
    return;
  }
  values_.push_back({std::string(key), std::move(text), true});
}

Spec parse_spec(std::string_view kind, std::string_view text, std::span<const SpecRow> table) {
  const size_t colon = text.find(':');
  const SpecRow& row = find_row(kind, text.substr(0, colon), table);
  std::vector<Spec::Value> values;
  for (const OptionRow& option : row.options)
    values.push_back({std::string(option.name), std::string(option.standard), false});
  Spec spec(std::string(row.name), std::move(values));
  if (colon == std::string_view::npos) return spec;
  const std::string subject = std::string(kind) + " '" + std::string(text) + "'";
  for (const std::string_view pair : split(text.substr(colon + 1), ','))
    apply_pair(subject, row, pair, spec);
  return spec;
}

}  // namespace dendrokv
