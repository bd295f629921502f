// The declarations: what a value means, its range and the words of its errors.
// cli/options_parse.cpp reads a command line with them, cli/options_help.cpp shows them.

#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "cli/options_words.h"

namespace dendrokv {
namespace {

template <class Number>
bool read_whole(const std::string& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::string plain(double number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return {buffer, end};
}

std::string range_words(CountRange range) {
  const std::string lowest = std::to_string(range.lowest);
  if (range.highest == std::numeric_limits<uint64_t>::max())
    return "wanted a whole number of at least " + lowest;
  return "wanted a whole number from " + lowest + " to " + std::to_string(range.highest);
}

uint64_t read_count(const std::string& name, CountRange range, const std::string& value) {
  uint64_t number = 0;
  if (!read_whole(value, number) || number < range.lowest || number > range.highest)
    fail_usage(name, "'" + value + "'", range_words(range));
  return number;
}

double read_real(const std::string& name, RealRange range, const std::string& value) {
  double number = 0;
  if (!read_whole(value, number) || !(number >= range.lowest && number <= range.highest))
    fail_usage(name, "'" + value + "'",
               "wanted a number from " + plain(range.lowest) + " to " + plain(range.highest));
  return number;
}

void check_choice(const std::string& name, const std::string& choices, const std::string& value) {
  const std::vector<std::string_view> known = split(choices, '|');
  if (std::find(known.begin(), known.end(), value) == known.end())
    fail_usage(name, "'" + value + "'", "wanted " + choices);
}

void refuse_empty(const std::string& name, const std::string& value) {
  if (value.empty()) fail_usage(name, "an empty name", "wanted the name of a file");
}

std::string last_name(const std::string& names) {
  return names.substr(names.rfind(',') + 1);
}

}  // namespace

void fail_usage(std::string subject, std::string found, std::string wanted, std::string remedy) {
  throw UsageError(std::move(subject), std::move(found), std::move(wanted), std::move(remedy));
}

std::string_view Option::long_name() const {
  return std::string_view(names).substr(names.rfind(',') + 1);
}

Options::Options(std::string command, std::string summary)
    : command_(std::move(command)), summary_(std::move(summary)) {}

void Options::add(Option option) {
  option.group = group_;
  options_.push_back(std::move(option));
}

void Options::positional(std::string name, std::filesystem::path& target, std::string help) {
  const std::string subject = name;
  add({.kind = Option::Kind::Positional,
       .names = std::move(name),
       .placeholder = {},
       .help = std::move(help),
       .standard = {},
       .need = Need::Required,
       .take = [&target, subject](const std::string& value) {
         refuse_empty(subject, value);
         target = value;
       }});
}

void Options::positionals(std::string name, std::vector<std::filesystem::path>& target,
                          std::string help) {
  const std::string subject = name;
  add({.kind = Option::Kind::Positionals,
       .names = std::move(name),
       .placeholder = {},
       .help = std::move(help),
       .standard = {},
       .need = Need::Required,
       .take = [&target, subject](const std::string& value) {
         refuse_empty(subject, value);
         target.emplace_back(value);
       }});
}

void Options::rest(std::string name, std::vector<std::string>& target, std::string help) {
  add({.kind = Option::Kind::Rest,
       .names = std::move(name),
       .placeholder = {},
       .help = std::move(help),
       .standard = {},
       .take = [&target](const std::string& value) { target.push_back(value); }});
}

void Options::flag(std::string names, bool& target, std::string help) {
  add({.kind = Option::Kind::Flag,
       .names = std::move(names),
       .placeholder = {},
       .help = std::move(help),
       .standard = {},
       .take = [&target](const std::string&) { target = true; }});
}

void Options::count(std::string names, uint64_t& target, CountRange range, std::string help,
                    Need need) {
  const std::string name = last_name(names);
  add({.names = std::move(names),
       .placeholder = "N",
       .help = std::move(help),
       .standard = need == Need::Required ? "" : std::to_string(target),
       .need = need,
       .take = [&target, range, name](const std::string& value) {
         target = read_count(name, range, value);
       }});
}

void Options::count(std::string names, std::optional<uint64_t>& target, CountRange range,
                    std::string help) {
  const std::string name = last_name(names);
  add({.names = std::move(names),
       .placeholder = "N",
       .help = std::move(help),
       .standard = target ? std::to_string(*target) : "",
       .take = [&target, range, name](const std::string& value) {
         target = read_count(name, range, value);
       }});
}

void Options::real(std::string names, double& target, RealRange range, std::string help) {
  const std::string name = last_name(names);
  add({.names = std::move(names),
       .placeholder = "X",
       .help = std::move(help),
       .standard = plain(target),
       .take = [&target, range, name](const std::string& value) {
         target = read_real(name, range, value);
       }});
}

void Options::text(std::string names, std::string placeholder, std::string& target,
                   std::string help, Need need) {
  add({.names = std::move(names),
       .placeholder = std::move(placeholder),
       .help = std::move(help),
       .standard = target,
       .need = need,
       .take = [&target](const std::string& value) { target = value; }});
}

void Options::texts(std::string names, std::string placeholder, std::vector<std::string>& target,
                    std::string help, Need need) {
  add({.kind = Option::Kind::Repeated,
       .names = std::move(names),
       .placeholder = std::move(placeholder),
       .help = std::move(help),
       .standard = {},
       .need = need,
       .take = [&target](const std::string& value) { target.push_back(value); }});
}

void Options::file(std::string names, std::filesystem::path& target, std::string help, Need need) {
  const std::string name = last_name(names);
  add({.names = std::move(names),
       .placeholder = "FILE",
       .help = std::move(help),
       .standard = target.string(),
       .need = need,
       .take = [&target, name](const std::string& value) {
         refuse_empty(name, value);
         target = value;
       }});
}

void Options::choice(std::string names, std::string choices, std::string& target,
                     std::string help) {
  const std::string name = last_name(names);
  add({.names = std::move(names),
       .placeholder = choices,
       .help = std::move(help),
       .standard = target,
       .take = [&target, choices, name](const std::string& value) {
         check_choice(name, choices, value);
         target = value;
       }});
}

void Options::begin_common() {
  group_ = Option::Group::Common;
}

void Options::explain(std::string paragraph) {
  paragraphs_.push_back(std::move(paragraph));
}

void Options::example(std::string command_line) {
  examples_.push_back(std::move(command_line));
}

}  // namespace dendrokv
