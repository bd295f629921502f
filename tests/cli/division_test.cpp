// trace, eval, analyze and tune as several processes, killed and stopped at random and started
// again: the merged file has the bytes that one process makes.

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

#include "tests/cli/transcript.h"
#include "tests/support/files.h"

namespace dendrokv::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSignals[] = {"KILL", "TERM", "USR1", "USR2"};

class Division : public ::testing::TestWithParam<std::string> {
 protected:
  Division() : folder_(work_ / "work") {
    fs::create_directory(folder_);
    setenv("DENDROKV_MODEL", data_file("models/llama-gqa-tied/model.gguf").c_str(), 1);
    setenv("XDG_CACHE_HOME", (work_ / "cache").c_str(), 1);
    for (int text = 0; text < 6; ++text) {
      std::string words;
      for (int word = 0; word < 40 + 9 * text; ++word)
        words += "the " + std::to_string(word * (text + 3) % 17) + " ";
      std::ofstream(folder_ / (std::to_string(text) + ".txt")) << words;
    }
    std::ofstream(folder_ / "space.txt") << "policy treekv\nsinks 1\nrecent 1/4 1/2\nscope 2 4 8\n";
    if (GetParam().starts_with("analyze"))
      run_command(std::string(DENDROKV_PROGRAM) +
                      " trace --text 0.txt 1.txt 2.txt 3.txt 4.txt 5.txt --quiet -o traces.h5",
                  folder_);
  }

  Answer run(const std::string& before, const std::string& after) const {
    return run_command(
        before + std::string(DENDROKV_PROGRAM) + " " + GetParam() + " --quiet --threads 1 " + after,
        folder_);
  }

  void expect_merged(const std::string& name) const {
    const Answer merged = run_command(
        std::string(DENDROKV_PROGRAM) + " merge " + name + ".shard-*.h5 -o " + name + ".h5",
        folder_);
    ASSERT_EQ(merged.status, 0) << (merged.error.empty() ? "" : merged.error[0]);
    EXPECT_EQ(read_text(folder_ / (name + ".h5")), read_text(folder_ / "one.h5")) << name;
  }

  TemporaryFolder work_;
  fs::path folder_;
};

TEST_P(Division, OfOneTwoAndFourProcessesKilledAndResumedAtRandomGivesTheSameBytes) {
  ASSERT_EQ(run("", "-o one.h5 --shard 0/1").status, 0);
  ASSERT_EQ(
      run_command(std::string(DENDROKV_PROGRAM) + " merge one.shard-0-of-1.h5 -o one.h5", folder_)
          .status,
      0);
  std::mt19937 random(11);
  for (const int count : {1, 2, 4}) {
    const std::string name = "by" + std::to_string(count);
    for (int rank = 0; rank < count; ++rank) {
      const std::string shard =
          " -o " + name + ".h5 --shard " + std::to_string(rank) + "/" + std::to_string(count);
      for (int attempt = 0; attempt < 3; ++attempt) {
        const std::string signal = kSignals[random() % std::size(kSignals)];
        const std::string seconds = "0.0" + std::to_string(10 + random() % 90);
        const Answer answer = run("timeout -s " + signal + " " + seconds + " ", shard);
        // 124 and 137 are what timeout says: the signal came, before the program could catch it or
        // after.
        EXPECT_TRUE(answer.status == 0 || answer.status == 75 || answer.status == 124 ||
                    answer.status == 137 || answer.status > 128)
            << answer.status;
      }
      ASSERT_EQ(run("", shard).status, 0);
    }
    expect_merged(name);
  }
}

TEST_P(Division, AShardOfAnotherNumberOfProcessesFindsWhatWasDone) {
  ASSERT_EQ(run("", "-o one.h5 --shard 0/1").status, 0);
  ASSERT_EQ(
      run_command(std::string(DENDROKV_PROGRAM) + " merge one.shard-0-of-1.h5 -o one.h5", folder_)
          .status,
      0);
  ASSERT_EQ(run("", "-o mixed.h5 --shard 1/4").status, 0);
  ASSERT_EQ(run("", "-o mixed.h5 --shard 0/2").status, 0);
  ASSERT_EQ(run("", "-o mixed.h5 --shard 1/2").status, 0);
  expect_merged("mixed");
}

INSTANTIATE_TEST_SUITE_P(
    Of, Division,
    ::testing::Values("trace --text 0.txt 1.txt 2.txt 3.txt 4.txt 5.txt --policy full --policy "
                      "treekv:capacity=8,sinks=1,recent=4",
                      "eval --text 0.txt 1.txt 2.txt 3.txt 4.txt 5.txt --policy full --policy "
                      "treekv:capacity=8,sinks=1,recent=4",
                      "analyze traces.h5/item/0 traces.h5/item/1 traces.h5/item/2 traces.h5/item/3 "
                      "traces.h5/item/4 traces.h5/item/5 "
                      "--levels 2 --exclude-first 4 --exclude-last 4",
                      "tune --text 3.txt 4.txt 5.txt --space space.txt --budget 8000 --budget 9000 "
                      "--budget 10000 --budget 11000 --budget 12000 "
                      "--piece 40"),
    [](const auto& parameter) { return parameter.param.substr(0, parameter.param.find(' ')); });

}  // namespace
}  // namespace dendrokv::testing
