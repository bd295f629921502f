// The table of policies: specs and their errors, and a conformance suite over every row.

#include "cache/policies.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <set>

#include "data/error.h"
#include "tests/cache/lane_run.h"

namespace dendrokv::testing {
namespace {

std::string error_of(std::string_view spec) {
  try {
    PolicyChoice choice(spec);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// --- specs
// ----------------------------------------------------------------------------------------------------------------

TEST(PolicyChoice, DefaultsAreWrittenOut) {
  EXPECT_EQ(PolicyChoice("full").text(), "full");
  EXPECT_EQ(PolicyChoice("sliding").text(), "sliding:capacity=1024,positions=original");
  EXPECT_EQ(PolicyChoice("streaming").text(), "streaming:sinks=4,recent=1020,positions=rank");
  EXPECT_EQ(PolicyChoice("treekv").text(),
            "treekv:capacity=512,sinks=4,recent=508,cursor=advance,score=mean,tie=left,scope=2,"
            "stride=1,pick=cursor,life=1,decay=0.98,origin=insertion,prompt=0,block=16,"
            "ragged=newest,window=exempt,start=window,seed=1,positions=rank,share=kv-head,"
            "group=mean");
}

TEST(PolicyChoice, AFullTextGivesItselfBack) {
  for (const PolicyRow& row : policy_table()) {
    const std::string text = PolicyChoice(row.spec.name).text();
    EXPECT_EQ(PolicyChoice(text).text(), text);
  }
}

TEST(PolicyChoice, EqualPoliciesHaveEqualTexts) {
  EXPECT_EQ(PolicyChoice("treekv:recent=0508,sinks=4").text(), PolicyChoice("treekv").text());
}

TEST(PolicyChoice, RivalsHoldTheSameRowsUnlessTold) {
  for (const PolicyRow& row : policy_table()) {
    const PolicyShape shape = PolicyChoice(row.spec.name).shape();
    EXPECT_EQ(shape.budget, row.budget_key.empty() ? 0u : 1024u) << row.spec.name;
  }
}

TEST(PolicyChoice, ShapeSaysWhatIsProtected) {
  const PolicyShape tree = PolicyChoice("treekv:capacity=3,sinks=1,recent=2").shape();
  EXPECT_EQ(tree.budget, 6u);
  EXPECT_EQ(tree.sinks, 1u);
  EXPECT_EQ(tree.recent, 2u);
  EXPECT_EQ(tree.positions, PositionMode::Rank);
  EXPECT_EQ(tree.scores, ScoreUse::Needed);
  EXPECT_EQ(PolicyChoice("treekv:score=keep-left").shape().scores, ScoreUse::Ignored);
  const PolicyShape sliding = PolicyChoice("sliding:capacity=9,positions=rank").shape();
  EXPECT_EQ(sliding.budget, 9u);
  EXPECT_EQ(sliding.recent, 9u);
  EXPECT_EQ(sliding.positions, PositionMode::Rank);
  const PolicyShape full = PolicyChoice("full").shape();
  EXPECT_EQ(full.budget, 0u);
  EXPECT_EQ(full.positions, PositionMode::Original);
}

TEST(PolicyChoice, BudgetFillsTheRowsThatAreLeft) {
  EXPECT_EQ(PolicyChoice("treekv:budget=64,recent=28").text(),
            PolicyChoice("treekv:capacity=32,sinks=4,recent=28").text());
  EXPECT_EQ(PolicyChoice("treekv:budget=1024").text(), PolicyChoice("treekv").text());
  EXPECT_EQ(PolicyChoice("streaming:budget=64").text(),
            PolicyChoice("streaming:sinks=4,recent=60").text());
  EXPECT_EQ(PolicyChoice("sliding:budget=64").text(), PolicyChoice("sliding:capacity=64").text());
}

TEST(PolicyChoice, BudgetBesideTheRowsThatItFillsMustAgree) {
  EXPECT_EQ(PolicyChoice("treekv:capacity=32,recent=28,budget=64").shape().budget, 64u);
  EXPECT_EQ(error_of("treekv:capacity=16,recent=28,budget=64"),
            "policy 'treekv:capacity=16,recent=28,budget=64': budget=64 and capacity=16 do not "
            "agree, wanted capacity=32, leave out one of the two");
  EXPECT_EQ(error_of("sliding:capacity=5,budget=6"),
            "policy 'sliding:capacity=5,budget=6': budget=6 and capacity=5 do not agree, wanted "
            "capacity=6, leave out one of the two");
}

TEST(PolicyChoice, ABudgetTooSmallForTheProtectedRowsIsRefused) {
  EXPECT_EQ(error_of("treekv:budget=512"),
            "policy 'treekv:budget=512': budget=512 leaves no row for capacity beside sinks=4 + "
            "recent=508, wanted at least 513, raise the budget or protect fewer rows");
  EXPECT_EQ(error_of("streaming:budget=4"),
            "policy 'streaming:budget=4': budget=4 leaves no row for recent beside sinks=4, wanted "
            "at least 5, raise the budget or protect fewer rows");
  EXPECT_EQ(PolicyChoice("treekv:budget=513").spec().count("capacity"), 1u);
}

TEST(PolicyChoice, UnknownNamesKeysAndValuesListTheNearest) {
  EXPECT_NE(error_of("treevk").find("did you mean treekv"), std::string::npos);
  EXPECT_NE(error_of("treekv:sink=4").find("did you mean sinks"), std::string::npos);
  EXPECT_NE(error_of("treekv:score=keepleft").find("did you mean keep-left"), std::string::npos);
  EXPECT_NE(error_of("full:capacity=4").find("wanted no keys"), std::string::npos);
  EXPECT_NE(error_of("treekv:share=head").find("wanted kv-head|layer"), std::string::npos);
}

TEST(PolicyChoice, ValuesOutOfRangeAreRefused) {
  for (const char* spec : {"treekv:capacity=0", "treekv:capacity=-1", "treekv:capacity=1.5",
                           "treekv:capacity=", "treekv:capacity=99999999999", "streaming:recent=0",
                           "sliding:capacity=0", "sliding:budget=0", "treekv:sinks=4,sinks=4",
                           "treekv:", "treekv:capacity", ""})
    EXPECT_NE(error_of(spec), "no error") << spec;
}

// --- every row of the table
// -----------------------------------------------------------------------------------------------

/// Small specs that between them reach every policy and every option that changes a decision.
std::vector<std::string> conformance_specs() {
  std::vector<std::string> specs{"full", "sliding:capacity=1", "sliding:budget=20",
                                 "streaming:sinks=0,recent=1", "streaming:budget=20"};
  for (const std::string rows : {"sinks=3,recent=5,capacity=12", "sinks=0,recent=0,capacity=20",
                                 "sinks=2,recent=0,capacity=1", "sinks=0,recent=1,capacity=1"})
    for (const std::string rule : {"score=mean", "score=sum", "score=last", "score=keep-left",
                                   "score=keep-right", "cursor=printed", "tie=right"})
      specs.push_back("treekv:" + rows + "," + rule);
  return specs;
}

class Conformance : public ::testing::TestWithParam<std::string> {
 protected:
  const PolicyChoice choice_{GetParam()};
  const PolicyShape& shape() const { return choice_.shape(); }
};

constexpr uint32_t kTokens = 300;

TEST_P(Conformance, HoldsItsBudgetFromTheMomentItIsFull) {
  run_lane(choice_, kTokens, random_weights(3), [&](Step step, const LaneRun& lane) {
    const uint64_t arrived = step.value + 1;
    const uint64_t wanted = shape().budget ? std::min(arrived, shape().budget) : arrived;
    ASSERT_EQ(lane.table.size(), wanted) << "step " << step.value;
  });
}

TEST_P(Conformance, ProtectedRowsNeverLeave) {
  const LaneRun lane = run_lane(choice_, kTokens, random_weights(3));
  for (const auto& eviction : lane.evictions) {
    if (!eviction) continue;
    EXPECT_GE(eviction->victim.value, shape().sinks);
    EXPECT_LE(eviction->victim.value + shape().recent, eviction->step.value);
  }
}

TEST_P(Conformance, RowsStayInTimeOrder) {
  run_lane(choice_, kTokens, random_weights(3), [&](Step, const LaneRun& lane) {
    ASSERT_EQ(std::ranges::adjacent_find(lane.table.positions(), std::greater_equal<>()),
              lane.table.positions().end());
  });
}

TEST_P(Conformance, TheSameWeightsGiveTheSameVictims) {
  const LaneRun first = run_lane(choice_, kTokens, random_weights(3, 4));
  const LaneRun second = run_lane(choice_, kTokens, random_weights(3, 4));
  for (uint32_t step = 0; step < kTokens; ++step) {
    ASSERT_EQ(first.evictions[step].has_value(), second.evictions[step].has_value());
    if (!first.evictions[step]) continue;
    EXPECT_EQ(first.evictions[step]->victim, second.evictions[step]->victim);
    EXPECT_EQ(first.evictions[step]->rival, second.evictions[step]->rival);
  }
}

TEST_P(Conformance, ABudgetAsLargeAsTheTextEvictsNothing) {
  if (shape().budget == 0) return;
  const auto tokens = static_cast<uint32_t>(shape().budget);
  const LaneRun lane = run_lane(choice_, tokens, random_weights(3));
  for (const auto& eviction : lane.evictions) EXPECT_FALSE(eviction);
  EXPECT_EQ(lane.table.size(), tokens);
}

// The record alone gives the cache and the scores at the end, from first principles.
TEST_P(Conformance, ARecountFromTheRecordAgreesWithTheRunningState) {
  const LaneRun lane = run_lane(choice_, kTokens, random_weights(3, 4));
  std::set<Position> gone;
  for (const auto& eviction : lane.evictions)
    if (eviction) {
      EXPECT_TRUE(gone.insert(eviction->victim).second) << "left twice";
      EXPECT_FALSE(eviction->rival >= 0 && gone.contains(Position(eviction->rival)));
    }
  std::vector<Position> kept;
  for (Position position; position.value < kTokens; position = position.next())
    if (!gone.contains(position)) kept.push_back(position);
  EXPECT_EQ(lane.cache(), join(kept));
  const LaneView view = lane.table.view(Layer(0), Lane(0), Step(kTokens - 1));
  for (size_t slot = 0; slot < kept.size(); ++slot) {
    double sum = 0;
    for (Step step(kept[slot].value); step.value < kTokens; step = step.next())
      sum += static_cast<double>(random_weight(3, 4, step, kept[slot]));
    EXPECT_EQ(view.weight_sum[slot], sum);
    EXPECT_EQ(view.steps[slot], kTokens - kept[slot].value);
  }
}

std::string victims(const LaneRun& lane) {
  std::vector<Position> positions;
  for (const auto& eviction : lane.evictions)
    if (eviction) positions.push_back(eviction->victim);
  return join(positions);
}

TEST_P(Conformance, ScoresMatterWhereTheShapeSaysSoAndNowhereElse) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 16; ++seed)
    outcomes.insert(victims(run_lane(choice_, kTokens, random_weights(seed))));
  EXPECT_EQ(outcomes.size() > 1, shape().scores == ScoreUse::Needed);
}

TEST_P(Conformance, ReasonAndScoresFitTogether) {
  const LaneRun lane = run_lane(choice_, kTokens, random_weights(3, 2));
  for (const auto& eviction : lane.evictions) {
    if (!eviction) continue;
    const bool compared = shape().scores == ScoreUse::Needed;
    EXPECT_EQ(eviction->reason == Reason::Rule, !compared);
    EXPECT_EQ(std::isnan(eviction->score), !compared);
    EXPECT_EQ(std::isnan(eviction->rival_score), !compared);
    if (eviction->reason == Reason::Lost) {
      EXPECT_LT(eviction->score, eviction->rival_score);
    }
    if (eviction->reason == Reason::Tie) {
      EXPECT_EQ(eviction->score, eviction->rival_score);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Conformance, ::testing::ValuesIn(conformance_specs()));

TEST(ConformanceSpecs, ReachEveryRowOfTheTable) {
  std::set<std::string> reached;
  for (const std::string& spec : conformance_specs())
    reached.insert(PolicyChoice(spec).spec().name());
  for (const PolicyRow& row : policy_table())
    EXPECT_TRUE(reached.contains(std::string(row.spec.name))) << row.spec.name;
}

}  // namespace
}  // namespace dendrokv::testing
