#include "cli/manual.h"

#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/program.h"
#include "data/identity.h"
#include "data/split.h"

namespace dendrokv {
namespace {

/// Text for man: a backslash, a dash and a dot at the start of a line mean something there.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\\')
      out += "\\e";
    else if (letter == '-')
      out += "\\-";
    else
      out += letter;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

bool is_positional(const Option& option) {
  return option.kind == Option::Kind::Positional || option.kind == Option::Kind::Positionals ||
         option.kind == Option::Kind::Rest;
}

std::string entry(const Option& option) {
  std::string text = ".TP\n";
  if (is_positional(option)) {
    text += ".I " + escaped(option.names) + "\n";
  } else {
    std::string names;
    for (const std::string_view name : split(option.names, ','))
      names += (names.empty() ? "\\fB" : ", \\fB") + escaped(name) + "\\fR";
    if (!option.placeholder.empty()) names += " \\fI" + escaped(option.placeholder) + "\\fR";
    text += names + "\n";
  }
  std::string help = option.help;
  if (!option.standard.empty()) help += " (default: " + option.standard + ")";
  return text + escaped(help) + ".\n";
}

std::string entries(const Options& options, Option::Group group) {
  std::string text;
  for (const Option& option : options.declared())
    if (option.group == group) text += entry(option);
  return text;
}

std::string command_section(const Options& options) {
  std::string text = ".SS " + escaped(options.command()) + "\n" + escaped(options.summary()) +
                     ".\n.PP\n.B " + escaped(options.usage()) + "\n" +
                     entries(options, Option::Group::Own);
  for (const std::string& paragraph : options.paragraphs())
    text += ".PP\n" + escaped(paragraph) + "\n";
  for (const std::string& example : options.examples())
    text += ".PP\n.EX\n" + escaped(example) + "\n.EE\n";
  return text;
}

/// The words of a choice "f16|u8|f32"; nothing for other placeholders.
std::string choices_of(const Option& option) {
  std::string words = option.placeholder;
  if (words.find('|') == std::string::npos) return {};
  for (char& letter : words)
    if (letter == '|') letter = ' ';
  return words;
}

std::string completion_case(const CommandRow& row) {
  const Options options = declared_options(row.name);
  std::string words, choices;
  for (const Option& option : options.declared()) {
    if (is_positional(option)) continue;
    for (const std::string_view name : split(option.names, ','))
      words += (words.empty() ? "" : " ") + std::string(name);
    const std::string values = choices_of(option);
    if (!values.empty())
      choices += "        " + std::string(option.long_name()) + ") values=\"" + values + "\" ;;\n";
  }
  return "    '" + std::string(row.name) + "')\n      words=\"" + words +
         "\"\n      case $previous in\n" + choices + "      esac\n      ;;\n";
}

}  // namespace

std::string manual_page() {
  std::string text = ".TH DENDROKV 1 \"\" \"" + escaped(creator_name()) +
                     "\" \"User Commands\"\n.SH NAME\ndendrokv \\- look inside, measure and tune "
                     "the key\\-value cache of language models\n.SH SYNOPSIS\n.B dendrokv\n"
                     ".I COMMAND\n[options] [files]\n.SH COMMANDS\n";
  for (const CommandRow& row : command_table()) text += command_section(declared_options(row.name));
  text += ".SH COMMON OPTIONS\n" +
          entries(declared_options(command_table().front().name), Option::Group::Common);
  text +=
      ".SH EXIT STATUS\n"
      ".TP\n0\ndone.\n.TP\n1\nfailed, with one line on standard error.\n"
      ".TP\n2\nthe command line is at fault.\n"
      ".TP\n3\ndone, but a check that was asked for fell short.\n"
      ".TP\n75\nstopped early by SIGINT, SIGTERM, SIGUSR1 or SIGUSR2; the same command goes on.\n"
      ".SH ENVIRONMENT\n"
      ".TP\n.B DENDROKV_MODEL\nthe default of \\fB\\-\\-model\\fR.\n"
      ".TP\n.B XDG_CACHE_HOME\nfolder of caches (default: ~/.cache); the default model is looked "
      "for in its folder dendrokv, and packed weights that processes share lie there.\n"
      ".TP\n.B SOURCE_DATE_EPOCH\nthe time of creation that results of tasks say, in seconds since "
      "1970 (default: 0).\n"
      ".SH SEE ALSO\n.BR dendrokv\\-view (1)\n";
  return text;
}

std::string bash_completion() {
  std::string commands, cases, pairs;
  for (const CommandRow& row : command_table()) {
    const bool of_two_words = row.name.find(' ') != std::string_view::npos;
    if (of_two_words)
      pairs += (pairs.empty() ? "'" : "|'") + std::string(row.name) + "'";
    else
      commands += (commands.empty() ? "" : " ") + std::string(row.name);
    cases += completion_case(row);
  }
  return "# bash completion for dendrokv\n"
         "_dendrokv() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local words= values=\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W \"" +
         commands +
         " help --help --version\" -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  local command=${COMP_WORDS[1]}\n"
         "  case \"$command ${COMP_WORDS[2]}\" in\n    " +
         pairs +
         ") command+=\" ${COMP_WORDS[2]}\" ;;\n  esac\n"
         "  case $command in\n" +
         cases +
         "  esac\n"
         "  if [ -n \"$values\" ]; then\n"
         "    COMPREPLY=($(compgen -W \"$values\" -- \"$current\"))\n"
         "  elif [[ $current == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  else\n"
         "    compopt -o filenames 2>/dev/null\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  fi\n"
         "}\n"
         "complete -F _dendrokv dendrokv\n";
}

}  // namespace dendrokv
