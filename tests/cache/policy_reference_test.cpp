// Every decision of independent reference runs on synthetic weights (tests/data/policies): small
// integers, so that sums are exact and ties happen. Any correct implementation must agree in every
// entry.

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cache/lane_replay.h"
#include "tests/cache/lane_run.h"
#include "tests/support/files.h"

namespace dendrokv::testing {
namespace {

std::string with_dashes(std::string text) {
  for (char& letter : text)
    if (letter == '_') letter = '-';
  return text;
}

std::string number_option(const nlohmann::json& settings, const char* key,
                          std::string_view option) {
  return std::string(option) + "=" + std::to_string(settings.value(key, 0));
}

std::string word_options(const nlohmann::json& settings) {
  std::string text;
  for (const char* key : {"cursor", "tie", "score"})
    if (settings.contains(key))
      text += std::string(",") + key + "=" + with_dashes(settings[key].get<std::string>());
  return text;
}

std::string spec_of(const nlohmann::json& settings) {
  const std::string sinks = number_option(settings, "sinks", "sinks");
  const std::string recent = number_option(settings, "recent", "recent");
  if (settings["policy"] == "sliding")
    return "sliding:" + number_option(settings, "window", "capacity");
  if (settings["policy"] == "streaming") return "streaming:" + sinks + "," + recent;
  if (settings["policy"] == "tova")
    return "tova:" + number_option(settings, "capacity", "capacity");
  if (settings["policy"] == "h2o")
    return "h2o:" + number_option(settings, "heavy", "capacity") + "," + sinks + "," + recent;
  return "treekv:" + number_option(settings, "tree", "capacity") + "," + sinks + "," + recent +
         word_options(settings);
}

struct ReferenceCase {
  std::string name;
  nlohmann::json expected;
};

class PolicyReference : public ::testing::TestWithParam<ReferenceCase> {
 protected:
  LaneRun run() const {
    const Npy<float> weights = read_npy<float>(data_file("policies/unit_weights.npy"));
    return run_lane(choice_, static_cast<uint32_t>(weights.shape[0]),
                    matrix_weights(weights.values, weights.shape[1]));
  }
  const nlohmann::json& expected() const { return GetParam().expected; }
  const PolicyChoice choice_{spec_of(GetParam().expected)};
};

TEST_P(PolicyReference, EveryVictimAndRivalAgrees) {
  const LaneRun lane = run();
  ASSERT_EQ(lane.evictions.size(), expected()["evicted"].size());
  for (size_t step = 0; step < lane.evictions.size(); ++step) {
    const auto& eviction = lane.evictions[step];
    EXPECT_EQ(eviction ? static_cast<int>(eviction->victim.value) : -1,
              expected()["evicted"][step].get<int>())
        << "step " << step;
    if (expected().contains("rival")) {
      EXPECT_EQ(eviction ? eviction->rival : -1, expected()["rival"][step].get<int>());
    }
  }
}

TEST_P(PolicyReference, TheFinalCacheAgrees) {
  std::vector<Position> wanted;
  for (const auto& position : expected()["final"]) wanted.push_back(Position(position.get<int>()));
  EXPECT_EQ(run().cache(), join(wanted));
}

TEST_P(PolicyReference, TheCursorVisitsTheSameSlots) {
  if (!expected().contains("cursor_before")) {
    EXPECT_NE(expected()["policy"], "treekv");
    return;
  }
  std::vector<size_t> wanted;
  for (size_t step = 0; step < expected()["evicted"].size(); ++step)
    if (expected()["evicted"][step].get<int>() >= 0)
      wanted.push_back(expected()["cursor_before"][step].get<size_t>());
  EXPECT_EQ(cursors(run(), choice_.shape().sinks), wanted);
}

std::vector<ReferenceCase> reference_cases() {
  std::vector<ReferenceCase> cases;
  const auto all = nlohmann::json::parse(read_text(data_file("policies/unit_evicted.json")));
  for (const auto& [name, expected] : all.items()) cases.push_back({name, expected});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Unit, PolicyReference, ::testing::ValuesIn(reference_cases()),
                         [](const auto& tested) { return tested.param.name; });

/// Victims of a policy that looks at nothing, -1 = none.
std::vector<int> blind_victims(const std::string& spec, uint32_t tokens) {
  LaneReplay lane(PolicyChoice(spec), Layer(0), Lane(0), tokens);
  std::vector<int> victims;
  for (uint32_t step = 0; step < tokens; ++step) {
    const auto left = lane.step({});
    victims.push_back(left.empty() ? -1 : static_cast<int>(left[0].victim.value));
  }
  return victims;
}

// 4096 tokens with 4 + 508 + 512 rows; the same in all 90 lanes of the model.
TEST(PolicyReferenceFile, LongRunsThatReadNoAttentionAgree) {
  const auto wanted = [](const std::string& name) {
    const auto file = read_npy<int16_t>(data_file("policies/long/" + name + ".evicted.npy"));
    return std::vector<int>(file.values.begin(), file.values.end());
  };
  EXPECT_EQ(blind_victims("treekv:score=keep-left", 4096), wanted("treekv_keep_left"));
  EXPECT_EQ(blind_victims("streaming", 4096), wanted("streaming"));
}

TEST(PolicyReferenceFile, AllCasesAreThere) {
  EXPECT_EQ(reference_cases().size(), 13u);
}

}  // namespace
}  // namespace dendrokv::testing
