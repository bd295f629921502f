// Every transcript in this folder is a test case; the format is said in tests/cli/transcript.h. The
// commands find:
//   dendrokv        the program that was built, first in PATH
//   $TINY           a small model with random weights, which $DENDROKV_MODEL names too
//   $DEFAULT_MODEL  the model that scripts/fetch-model fetches
//   $DATA           tests/data
//   $SAMPLES        data/samples

#include "tests/cli/transcript.h"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <numeric>
#include <regex>

#include "tests/support/files.h"

namespace dendrokv::testing {
namespace {

namespace fs = std::filesystem;

std::string joined(const std::vector<std::string>& lines) {
  return std::accumulate(
      lines.begin(), lines.end(), std::string(),
      [](const std::string& all, const std::string& line) { return all + "  " + line + "\n"; });
}

std::vector<std::string> transcript_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(DENDROKV_TRANSCRIPTS))
    if (entry.path().extension() == ".test") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

void set_environment() {
  const fs::path program = DENDROKV_PROGRAM;
  const fs::path tiny = data_file("models/llama-gqa-tied/model.gguf");
  // Asked for once: it reads $DENDROKV_MODEL, which is set to another model below.
  static const fs::path standard = default_model();
  setenv("DEFAULT_MODEL", standard.c_str(), 1);
  static const std::string path = std::getenv("PATH");
  setenv("PATH", (program.parent_path().string() + ":" + path).c_str(), 1);
  setenv("TINY", tiny.c_str(), 1);
  setenv("DENDROKV_MODEL", tiny.c_str(), 1);
  setenv("DATA", DENDROKV_TEST_DATA, 1);
  setenv("SAMPLES", DENDROKV_SOURCE_DIR "/data/samples", 1);
}

/// Without the lines that tell how far a command is, which depend on how fast the machine is.
std::vector<std::string> without_progress(std::vector<std::string> lines) {
  static const std::regex progress(R"(.*: \d+ of \d+ .* left)");
  std::erase_if(lines, [](const std::string& line) { return std::regex_match(line, progress); });
  return lines;
}

class Transcript : public ::testing::TestWithParam<std::string> {};

TEST_P(Transcript, AnswersAsWritten) {
  set_environment();
  const TemporaryFolder folder;
  const fs::path work = folder / "work";
  fs::create_directory(work);
  const fs::path file = fs::path(DENDROKV_TRANSCRIPTS) / (GetParam() + ".test");
  const std::vector<Exchange> exchanges = parse_transcript(read_text(file));
  ASSERT_FALSE(exchanges.empty());
  for (const Exchange& exchange : exchanges) {
    const Answer answer = run_command(exchange.command, work);
    const std::string where =
        file.string() + ":" + std::to_string(exchange.line) + "\n$ " + exchange.command + "\n";
    EXPECT_EQ(answer.status, exchange.status) << where << joined(answer.error);
    EXPECT_TRUE(lines_match(exchange.output, answer.output)) << where << "printed\n"
                                                             << joined(answer.output) << "wanted\n"
                                                             << joined(exchange.output);
    EXPECT_TRUE(lines_match(exchange.error, without_progress(answer.error)))
        << where << "said on standard error\n"
        << joined(answer.error) << "wanted\n"
        << joined(exchange.error);
  }
}

INSTANTIATE_TEST_SUITE_P(Program, Transcript, ::testing::ValuesIn(transcript_names()),
                         [](const auto& parameter) { return parameter.param; });

TEST(TranscriptFormat, StarsAndDotsStandForAnything) {
  EXPECT_TRUE(line_matches("a*c*", "abbcd"));
  EXPECT_FALSE(line_matches("a*c", "abbcd"));
  EXPECT_TRUE(lines_match({"...", "b", "..."}, {"a", "b"}));
  EXPECT_FALSE(lines_match({"...", "b"}, {"b", "a"}));
  EXPECT_FALSE(lines_match({}, {"a"}));
}

TEST(TranscriptFormat, AMistakeInAFileIsAnError) {
  EXPECT_THROW(parse_transcript("> output before a command"), std::runtime_error);
  EXPECT_THROW(parse_transcript("$ true\n~ what"), std::runtime_error);
}

}  // namespace
}  // namespace dendrokv::testing
