#include "cli/manual.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "cli/commands.h"
#include "tests/cli/transcript.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::Answer;
using testing::run_command;

/// What bash offers behind `words`, by the completion in `script`; a trailing space asks for the
/// next word.
std::vector<std::string> offered(const testing::TemporaryFolder& folder, const std::string& words) {
  std::ofstream(folder / "completion") << bash_completion();
  std::ofstream(folder / "ask") << "source ../completion\nread -r -a COMP_WORDS <<<'" + words +
                                       "'\n[[ '" + words +
                                       "' == *' ' ]] && COMP_WORDS+=('')\n"
                                       "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_dendrokv\n"
                                       "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
  std::filesystem::create_directory(folder / "work");
  return run_command("bash ../ask", folder / "work").output;
}

TEST(ManualPage, HasASectionForEveryCommand) {
  const std::string page = manual_page();
  for (const CommandRow& row : command_table())
    EXPECT_NE(page.find("\n.SS " + std::string(row.name) + "\n"), std::string::npos) << row.name;
  EXPECT_NE(page.find("\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIFILE\\fR\n"), std::string::npos);
}

TEST(BashCompletion, OffersCommandsOptionsAndChoices) {
  using Words = std::vector<std::string>;
  const testing::TemporaryFolder folder;
  EXPECT_EQ(offered(folder, "dendrokv tok"), Words{"tokenize"});
  EXPECT_EQ(offered(folder, "dendrokv trace --enc"), Words{"--encoding"});
  EXPECT_EQ(offered(folder, "dendrokv trace --encoding "), (Words{"f16", "u8", "f32"}));
  EXPECT_EQ(offered(folder, "dendrokv info --isa avx5"), Words{"avx512"});
}

}  // namespace
}  // namespace dendrokv
