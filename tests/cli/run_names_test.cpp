#include "cli/run_names.h"

#include <gtest/gtest.h>

namespace dendrokv {
namespace {

std::vector<std::string> names_of(std::vector<std::pair<std::string, RunMode>> specs) {
  std::vector<Run> runs;
  for (auto& [policy, mode] : specs) {
    runs.emplace_back();
    runs.back().policy = std::move(policy);
    runs.back().mode = mode;
  }
  return run_names(runs);
}

using Names = std::vector<std::string>;

TEST(RunNames, ArePoliciesWhereThoseDiffer) {
  EXPECT_EQ(names_of({{"treekv:capacity=8,sinks=2,score=mean", RunMode::OpenLoop},
                      {"treekv:capacity=8,sinks=2,score=keep-left", RunMode::OpenLoop},
                      {"full", RunMode::OpenLoop}}),
            (Names{"treekv", "treekv score=keep-left", "full"}));
}

TEST(RunNames, NameTheOptionsThatTell) {
  EXPECT_EQ(names_of({{"h2o:capacity=8,recent=4,seed=1", RunMode::OpenLoop},
                      {"full", RunMode::OpenLoop},
                      {"h2o:capacity=8,recent=6,seed=1", RunMode::OpenLoop},
                      {"h2o:capacity=9,recent=6,seed=1", RunMode::OpenLoop}}),
            (Names{"h2o capacity=8 recent=4", "full", "h2o capacity=8 recent=6",
                   "h2o capacity=9 recent=6"}));
}

// The budget says it all where it differs, and is in some specs only.
TEST(RunNames, TheBudgetComesFirst) {
  EXPECT_EQ(names_of({{"treekv:capacity=8,sinks=2,budget=64", RunMode::OpenLoop},
                      {"treekv:capacity=9,sinks=2,budget=65", RunMode::OpenLoop}}),
            (Names{"treekv budget=64", "treekv budget=65"}));
  EXPECT_EQ(names_of({{"treekv:capacity=8,budget=64", RunMode::OpenLoop},
                      {"treekv:capacity=8", RunMode::OpenLoop}}),
            (Names{"treekv budget=64", "treekv"}));
}

TEST(RunNames, ThenTheLoopAndThenANumber) {
  EXPECT_EQ(names_of({{"treekv:capacity=8", RunMode::ClosedLoop},
                      {"treekv:capacity=8", RunMode::OpenLoop},
                      {"treekv:capacity=8", RunMode::OpenLoop}}),
            (Names{"treekv closed loop", "treekv open loop", "treekv open loop (2)"}));
}

// A key that begins like another one is not it.
TEST(RunNames, KeysAreWhole) {
  EXPECT_EQ(names_of({{"treekv:budget-map=a,budget=64", RunMode::OpenLoop},
                      {"treekv:budget-map=b,budget=64", RunMode::OpenLoop}}),
            (Names{"treekv budget-map=a", "treekv budget-map=b"}));
}

}  // namespace
}  // namespace dendrokv
