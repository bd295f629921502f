// Suite over the table of commands.

#include "cli/commands.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <regex>
#include <set>

#include "cache/policies.h"
#include "cli/program.h"
#include "data/error.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

TEST(Commands, HaveNamesAndSummariesOfTheirOwn) {
  std::set<std::string_view> names, summaries;
  for (const CommandRow& row : command_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(summaries.insert(row.summary).second) << row.name;
    EXPECT_FALSE(row.summary.ends_with('.')) << row.name;
    EXPECT_LE(row.summary.size(), 80u) << row.name;
    EXPECT_EQ(&find_command(row.name), &row);
  }
}

TEST(Commands, DeclareOptionsThatDoNotClash) {
  for (const CommandRow& row : command_table()) {
    std::set<std::string> seen;
    const Options options = declared_options(row.name);
    for (const Option& option : options.declared()) {
      EXPECT_FALSE(option.help.empty()) << row.name << " " << option.names;
      EXPECT_FALSE(option.help.ends_with('.')) << row.name << " " << option.names;
      for (size_t begin = 0; begin < option.names.size();) {
        const size_t end = std::min(option.names.find(',', begin), option.names.size());
        EXPECT_TRUE(seen.insert(option.names.substr(begin, end - begin)).second)
            << row.name << " " << option.names;
        begin = end + 1;
      }
    }
  }
}

TEST(Commands, GiveAnExampleEach) {
  for (const CommandRow& row : command_table()) {
    const Options options = declared_options(row.name);
    ASSERT_FALSE(options.examples().empty()) << row.name;
    for (const std::string& example : options.examples())
      EXPECT_NE(example.find("dendrokv " + std::string(row.name)), std::string::npos) << example;
  }
}

/// As a shell cuts a line, up to what ends the command; quotes go.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  for (const char letter : line + " ") {
    if (quote == 0 && std::string_view("#|;>").find(letter) != std::string_view::npos) break;
    if (letter == quote || (quote == 0 && (letter == '"' || letter == '\''))) {
      quote = quote == 0 ? letter : '\0';
    } else if (letter == ' ' && quote == 0) {
      if (!word.empty()) words.push_back(word);
      word.clear();
    } else {
      word += letter;
    }
  }
  return words;
}

/// Command lines in backquotes and in blocks.
std::vector<std::string> command_lines_of(const std::filesystem::path& page) {
  const std::string text = testing::read_text(page);
  std::vector<std::string> lines;
  static const std::regex pattern("(?:`|\\n *)(dendrokv [a-z][^`\\n]*)");
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
    lines.push_back((*match)[1]);
  return lines;
}

void expect_runnable(const std::string& line) {
  std::vector<std::string> words = words_of(line);
  words.erase(words.begin());
  const size_t named = words_of_command(words);
  const std::string name = named == 1 ? words[0] : words[0] + " " + words[1];
  if (name == "view") return;  // hands its options on to the viewer, which has tests of its own
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(named));
  try {
    for (const Options::Given& given : declared_options(name).given(words, {}))
      for (const std::string& spec : given.values)
        if ((given.name == "--policy" || given.name == "--candidate") &&
            spec.find("budget-map=") == std::string::npos) {
          const bool without_budget = name == "tune budgets";  // which shares it out
          PolicyChoice choice(spec + (without_budget ? ",budget=1024" : ""));
        }
  } catch (const Error& error) {
    ADD_FAILURE() << line << "\n" << error.what();
  }
}

TEST(Commands, ExamplesAndTheReadmeHaveOptionsThatThereAreAndPoliciesThatCanRun) {
  for (const CommandRow& row : command_table()) {
    const Options options = declared_options(row.name);
    for (const std::string& example : options.examples())
      if (example.starts_with("dendrokv ")) expect_runnable(example);
  }
  const std::vector<std::string> lines =
      command_lines_of(std::filesystem::path(DENDROKV_SOURCE_DIR) / "README.md");
  EXPECT_GT(lines.size(), 15u);
  for (const std::string& line : lines) expect_runnable(line);
}

TEST(Commands, HaveATranscriptEach) {
  for (const CommandRow& row : command_table()) {
    std::string name(row.name);
    std::replace(name.begin(), name.end(), ' ', '_');
    const auto file = std::filesystem::path(DENDROKV_SOURCE_DIR) / "tests/cli" / (name + ".test");
    EXPECT_TRUE(std::filesystem::exists(file)) << file;
  }
}

TEST(Commands, AnUnknownNameListsTheNearest) {
  try {
    find_command("tokenise");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean tokenize"), std::string::npos);
  }
}

}  // namespace
}  // namespace dendrokv
