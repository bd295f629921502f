#pragma once
// What may stand on the command line of a command: one declaration per option gives parse, check,
// default and help.
//
// A command declares its options with the variables that take the values; the value that a variable
// holds then is the default. parse() fills them. The declarations also make the help, the manual
// page and the shell completion.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/error.h"

namespace dendrokv {

/// The command line is at fault: an unknown name, a missing or an impossible option. Exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};
[[noreturn]] void fail_usage(std::string subject, std::string found, std::string wanted = {},
                             std::string remedy = {});

enum class Need : uint8_t { Optional, Required };

/// Both ends included.
struct CountRange {
  uint64_t lowest = 0, highest = std::numeric_limits<uint64_t>::max();
};
struct RealRange {
  double lowest = 0, highest = 0;
};

/// One declaration, as the help shows it.
struct Option {
  enum class Kind : uint8_t { Flag, Value, Repeated, Positional, Positionals, Rest };
  enum class Group : uint8_t { Own, Common };

  Kind kind = Kind::Value;
  std::string names;        // "-o,--output"; of a positional the word that the help shows: "TRACE"
  std::string placeholder;  // of the value: "FILE", "N", "f16|u8|f32"
  std::string help;
  std::string standard;  // default, as text; empty = none
  Need need = Need::Optional;
  std::function<void(const std::string& value)> take;  // throws UsageError
  Group group = Group::Own;

  /// The last of `names`, the long form: "--output".
  std::string_view long_name() const;
};

class Options {
 public:
  /// `command` and `summary` as in the table of commands.
  Options(std::string command, std::string summary);

  // Each `target` must outlive the object.
  void positional(std::string name, std::filesystem::path& target, std::string help);
  /// One or more.
  void positionals(std::string name, std::vector<std::filesystem::path>& target, std::string help);
  /// Every word after the command, options too, untouched: for a command that hands them on.
  void rest(std::string name, std::vector<std::string>& target, std::string help);
  void flag(std::string names, bool& target, std::string help);
  void count(std::string names, uint64_t& target, CountRange range, std::string help,
             Need need = Need::Optional);
  void count(std::string names, std::optional<uint64_t>& target, CountRange range,
             std::string help);
  void real(std::string names, double& target, RealRange range, std::string help);
  void text(std::string names, std::string placeholder, std::string& target, std::string help,
            Need need = Need::Optional);
  /// May be given several times, or once with several values behind it.
  void texts(std::string names, std::string placeholder, std::vector<std::string>& target,
             std::string help, Need need = Need::Optional);
  void file(std::string names, std::filesystem::path& target, std::string help,
            Need need = Need::Optional);
  /// `choices` as "f16|u8|f32".
  void choice(std::string names, std::string choices, std::string& target, std::string help);

  /// What is declared from here on is shared by all commands.
  void begin_common();
  /// A paragraph of the help below the options.
  void explain(std::string paragraph);
  void example(std::string command_line);

  /// `arguments` are the words after the command. Throws UsageError. False: a declared --help is
  /// among them; nothing else was checked then.
  bool parse(std::span<const std::string> arguments);

  /// An option with its values as they stand on a command line, or a flag with one empty value.
  struct Given {
    std::string name;  // long name, or the word of a positional
    Option::Kind kind;
    bool takes_file = false;
    std::vector<std::string> values;
  };
  /// What parse() would hand over, in the order of the declarations, without ranges and without the
  /// limit of one value per option. Those of `lists` take several values behind one name. Throws
  /// UsageError: an unknown name, a missing value.
  std::vector<Given> given(std::span<const std::string> arguments,
                           std::span<const std::string_view> lists) const;

  std::string help() const;
  std::span<const Option> declared() const { return options_; }
  const std::string& command() const { return command_; }
  const std::string& summary() const { return summary_; }
  std::span<const std::string> paragraphs() const { return paragraphs_; }
  std::span<const std::string> examples() const { return examples_; }
  /// "dendrokv trace --text FILE -o FILE [options]"
  std::string usage() const;

 private:
  void add(Option option);

  std::string command_, summary_;
  std::vector<Option> options_;
  std::vector<std::string> paragraphs_, examples_;
  Option::Group group_ = Option::Group::Own;
};

}  // namespace dendrokv
