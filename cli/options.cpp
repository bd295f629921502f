// Options over CLI11: CLI11 sorts the words of a command line into names and values; what a value means, its range and the words
// of every error are ours.

#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace dendrokv {
namespace {

constexpr std::string_view kHelp = "--help";
constexpr size_t kHelpWidth = 100;  // columns
constexpr size_t kNamesWidth = 30;  // columns of the names beside their explanation

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

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

void check_choice(const std::string& name, const std::string& choices, const std::string& value) {
  const std::vector<std::string_view> known = split(choices, '|');
  if (std::find(known.begin(), known.end(), value) == known.end())
    fail_usage(name, "'" + value + "'", "wanted " + choices);
}

std::string last_name(const std::string& names) {
  return names.substr(names.rfind(',') + 1);
}

bool is_positional(const Option& option) {
  return option.kind == Option::Kind::Positional || option.kind == Option::Kind::Positionals;
}

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

/// One parse: the CLI11 options beside our declarations, in the same order.
class Parser {
 public:
  explicit Parser(std::span<const Option> options) : options_(options) {
    app_.set_help_flag();
    app_.allow_extras();
    for (const Option& option : options) {
      parsed_.push_back(declare(option));
      if (option.long_name() == kHelp) help_ = parsed_.back();
    }
  }

  /// False: help was asked for.
  bool parse(std::span<const std::string> arguments) {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
      app_.parse(reversed);
    } catch (const CLI::RequiredError&) {
      if (help_asked()) return false;
      reject_extras();
    } catch (const CLI::ArgumentMismatch& error) {
      const std::string what = error.what();
      fail_usage(what.substr(0, what.find(':')), "no value", "wanted one behind it");
    } catch (const CLI::ParseError& error) {
      fail_usage("command line", error.what());
    }
    if (help_asked()) return false;
    reject_extras();
    require_needed();
    return true;
  }

  const std::vector<std::string>& values(size_t option) const { return parsed_[option]->results(); }

  void hand_over() const {
    for (size_t i = 0; i < options_.size(); ++i) {
      const Option& option = options_[i];
      const std::vector<std::string>& values = parsed_[i]->results();
      const bool one = option.kind == Option::Kind::Value;
      if (one && values.size() > 1)
        fail_usage(std::string(option.long_name()), std::to_string(values.size()) + " values",
                   "wanted one");
      for (const std::string& value : values) option.take(value);
    }
  }

 private:
  bool help_asked() const { return help_ != nullptr && help_->count() > 0; }

  CLI::Option* declare(const Option& option) {
    if (option.kind == Option::Kind::Flag) return app_.add_flag(option.names);
    // The needless help text selects the overload without a variable to write to.
    CLI::Option* parsed =
        app_.add_option(is_positional(option) ? lower(option.names) : option.names,
                        CLI::callback_t([](const CLI::results_t&) { return true; }));
    parsed->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    const bool many =
        option.kind == Option::Kind::Positionals || option.kind == Option::Kind::Repeated;
    parsed->type_size(1)->expected(1, many ? kMany : 1)->allow_extra_args(is_positional(option) && many);
    // Known to CLI11, so that an option with several values leaves the last word to it.
    parsed->required(option.need == Need::Required && is_positional(option));
    return parsed;
  }

  static std::string lower(std::string text) {
    for (char& letter : text)
      letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    return text;
  }

  void reject_extras() const {
    const std::vector<std::string> extras = app_.remaining();
    if (extras.empty()) return;
    const std::string& word = extras.front();
    if (word.size() < 2 || word.front() != '-')
      fail_usage("'" + word + "'", "one word too many", {}, "see --help");
    std::vector<std::string_view> known;
    for (const Option& option : options_)
      if (!is_positional(option)) known.push_back(option.long_name());
    const std::string name = word.substr(0, word.find('='));
    fail_usage("option '" + name + "'", "not known", did_you_mean(name, known), "see --help");
  }

  void require_needed() const {
    for (size_t i = 0; i < options_.size(); ++i) {
      const Option& option = options_[i];
      if (option.need == Need::Optional || parsed_[i]->count() > 0) continue;
      const std::string name(option.long_name());
      fail_usage(name, "missing", "wanted " + option.help, "see --help");
    }
  }

  static constexpr int kMany = 4096;
  std::span<const Option> options_;
  CLI::App app_;
  std::vector<CLI::Option*> parsed_;
  CLI::Option* help_ = nullptr;
};

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
  add({.kind = Option::Kind::Positional,
       .names = std::move(name),
       .placeholder = {},
       .help = std::move(help),
       .standard = {},
       .need = Need::Required,
       .take = [&target](const std::string& value) { target = value; }});
}

void Options::positionals(std::string name, std::vector<std::filesystem::path>& target,
                          std::string help) {
  add({.kind = Option::Kind::Positionals,
       .names = std::move(name),
       .placeholder = {},
       .help = std::move(help),
       .standard = {},
       .need = Need::Required,
       .take = [&target](const std::string& value) { target.emplace_back(value); }});
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
         if (value.empty()) fail_usage(name, "an empty name", "wanted the name of a file");
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

bool Options::parse(std::span<const std::string> arguments) {
  const auto rest = std::find_if(options_.begin(), options_.end(), [](const Option& option) {
    return option.kind == Option::Kind::Rest;
  });
  if (rest != options_.end()) {
    for (const std::string& word : arguments) {
      if (word == kHelp || word == "-h") return false;
      rest->take(word);
    }
    return true;
  }
  Parser parser(options_);
  if (!parser.parse(arguments)) return false;
  parser.hand_over();
  return true;
}

std::vector<Options::Given> Options::given(std::span<const std::string> arguments,
                                           std::span<const std::string_view> lists) const {
  std::vector<Option> options = options_;
  for (Option& option : options)
    if (option.kind == Option::Kind::Value && std::ranges::count(lists, option.long_name()) > 0)
      option.kind = Option::Kind::Repeated;
  Parser parser(options);
  if (!parser.parse(arguments)) return {};
  std::vector<Given> all;
  for (size_t i = 0; i < options.size(); ++i) {
    std::vector<std::string> values = parser.values(i);
    if (values.empty()) continue;
    if (options[i].kind == Option::Kind::Flag) values = {""};
    const bool file = options[i].placeholder == "FILE" || is_positional(options[i]);
    all.push_back({std::string(options[i].long_name()), options_[i].kind, file, std::move(values)});
  }
  return all;
}

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
