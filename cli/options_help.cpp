// What --help prints, from the declarations.

#include <utility>

#include "cli/options.h"
#include "cli/options_words.h"

namespace dendrokv {
namespace {

constexpr size_t kHelpWidth = 100;  // columns
constexpr size_t kNamesWidth = 30;  // columns of the names beside their explanation

/// Breaks `text` into lines of at most `width` columns between words; its own line breaks stay.
std::vector<std::string> wrapped(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  for (const std::string_view paragraph : split(text, '\n')) {
    lines.emplace_back();
    for (const std::string_view word : split(paragraph, ' ')) {
      const bool fits = lines.back().size() + 1 + word.size() <= width;
      if (!lines.back().empty() && !fits) lines.emplace_back();
      if (!lines.back().empty()) lines.back() += ' ';
      lines.back() += word;
    }
  }
  return lines;
}

std::string names_column(const Option& option) {
  std::string column = "  ";
  for (const std::string_view name : split(option.names, ',')) {
    if (column.size() > 2) column += ", ";
    column += name;
  }
  if (!option.placeholder.empty()) column += " " + option.placeholder;
  const bool several =
      option.kind == Option::Kind::Repeated || option.kind == Option::Kind::Positionals;
  return several ? column + "..." : column;
}

std::string help_lines(const Option& option) {
  std::string text = option.help;
  if (!option.standard.empty()) text += " (default: " + option.standard + ")";
  std::string lines = names_column(option);
  if (lines.size() + 2 > kNamesWidth)
    lines += "\n" + std::string(kNamesWidth, ' ');
  else
    lines.resize(kNamesWidth, ' ');
  bool first = true;
  for (const std::string& line : wrapped(text, kHelpWidth - kNamesWidth)) {
    if (!std::exchange(first, false)) lines += std::string(kNamesWidth, ' ');
    lines += line + "\n";
  }
  return lines;
}

std::string help_group(const std::string& title, std::span<const Option> options,
                       const std::function<bool(const Option&)>& member) {
  std::string text;
  for (const Option& option : options)
    if (member(option)) text += help_lines(option);
  return text.empty() ? text : "\n" + title + "\n" + text;
}

}  // namespace

std::string Options::usage() const {
  std::string line = "dendrokv " + command_;
  for (const Option& option : options_) {
    if (is_positional(option)) line += " " + option.names;
    if (option.kind == Option::Kind::Positionals || option.kind == Option::Kind::Rest)
      line += option.kind == Option::Kind::Rest ? " [" + option.names + "...]" : "...";
  }
  for (const Option& option : options_)
    if (option.need == Need::Required && !is_positional(option))
      line += " " + option.names.substr(0, option.names.find(',')) + " " + option.placeholder +
              (option.kind == Option::Kind::Repeated ? "..." : "");
  return line + " [options]";
}

std::string Options::help() const {
  std::string text = "dendrokv " + command_ + ": " + summary_ + "\n\nusage: " + usage() + "\n";
  text += help_group("arguments", options_, [](const Option& option) {
    return is_positional(option) || option.kind == Option::Kind::Rest;
  });
  text += help_group("options", options_, [](const Option& option) {
    return option.group == Option::Group::Own && !is_positional(option) &&
           option.kind != Option::Kind::Rest;
  });
  text += help_group("options of every command", options_, [](const Option& option) {
    return option.group == Option::Group::Common && option.kind != Option::Kind::Rest;
  });
  for (const std::string& paragraph : paragraphs_) {
    text += "\n";
    for (const std::string& line : wrapped(paragraph, kHelpWidth)) text += line + "\n";
  }
  if (!examples_.empty()) text += examples_.size() == 1 ? "\nexample\n" : "\nexamples\n";
  for (const std::string& example : examples_) text += "  " + example + "\n";
  return text;
}

}  // namespace dendrokv
