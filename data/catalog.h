#pragma once
// Specs: the text form "name:key=value,key=value" of a policy (or of anything else that is chosen
// from a table of rows).
//
// A table is an array of SpecRow. Options are declared in the row once: type, default, range.
// parse_spec() checks a text against the table; an unknown name or key is an Error that lists the
// nearest known ones, a value out of range one that states the range. The result always holds every
// option of the row, defaults filled in.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dendrokv {

enum class OptionType {
  Count,        // whole number
  Real,         // decimal number
  Choice,       // one word of `choices`
  CountOrWord,  // either
  File,         // the name of one, without a comma
};

struct OptionRow {
  std::string_view name;
  std::string_view summary;
  OptionType type = OptionType::Count;
  std::string_view standard;       // default, as text; empty = not set unless given
  double lowest = 0, highest = 0;  // of a Count or Real, both included
  std::string_view choices = {};   // of a Choice: "mean|sum|last"; of a CountOrWord: "all"
};

struct SpecRow {
  std::string_view name;
  std::string_view summary;
  std::span<const OptionRow> options;
};

/// A checked spec: the row's name and a value for each of its options that has a default or was
/// given.
class Spec {
 public:
  struct Value {
    std::string key, text;
    bool given = false;  // said by the user, not a default
  };
  Spec(std::string name, std::vector<Value> values);

  const std::string& name() const { return name_; }
  /// "treekv:capacity=512,sinks=4,..." with every value, in the order of the row.
  std::string text() const;
  bool has(std::string_view key) const;
  bool given(std::string_view key) const;
  /// The key must exist in the row and have a value (asserted).
  uint64_t count(std::string_view key) const;
  double real(std::string_view key) const;
  std::string_view choice(std::string_view key) const;
  std::string_view file(std::string_view key) const;
  /// Of a CountOrWord: whether the value is a word rather than a number.
  bool is_word(std::string_view key) const;
  /// Replaces or adds a value; for derived ones, such as the capacity that a budget implies.
  void set(std::string_view key, std::string text);

 private:
  const Value* find(std::string_view key) const;
  const Value& at(std::string_view key) const;
  std::string name_;
  std::vector<Value> values_;
};

/// `kind` names the table in errors ("policy"). Throws Error.
Spec parse_spec(std::string_view kind, std::string_view text, std::span<const SpecRow> table);

}  // namespace dendrokv
