// Suite over the table of commands.

#include "cli/commands.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>

#include "cli/program.h"

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

TEST(Commands, HaveATranscriptEach) {
  for (const CommandRow& row : command_table()) {
    std::string name(row.name);
    std::replace(name.begin(), name.end(), ' ', '_');
    const auto file =
        std::filesystem::path(DENDROKV_SOURCE_DIR) / "tests/cli" / (name + ".test");
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
