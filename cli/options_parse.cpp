// Options over CLI11: CLI11 sorts the words of a command line into names and values; what a value
// means, its range and the words of every error are ours.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "cli/options.h"
#include "cli/options_words.h"

namespace dendrokv {
namespace {

constexpr std::string_view kHelp = "--help";

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
    reject_empty_values(arguments);
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
    parsed->type_size(1)
        ->expected(1, many ? kMany : 1)
        ->allow_extra_args(is_positional(option) && many);
    // Known to CLI11, so that an option with several values leaves the last word to it.
    parsed->required(option.need == Need::Required && is_positional(option));
    return parsed;
  }

  static std::string lower(std::string text) {
    for (char& letter : text)
      letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    return text;
  }

  /// Behind "--name=" CLI11 would take the next word, which may be another option.
  static void reject_empty_values(std::span<const std::string> arguments) {
    for (const std::string& word : arguments) {
      if (word == "--") return;
      if (word.starts_with("--") && word.find('=') == word.size() - 1)
        fail_usage(word.substr(0, word.size() - 1), "no value", "wanted one behind it");
    }
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

}  // namespace dendrokv
