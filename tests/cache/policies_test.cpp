// The table of policies: specs and their errors, and a conformance suite over every row.

#include "cache/policies.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "cache/row_bounds.h"
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
// -----------------------------------------------------------------------------------------------

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
  EXPECT_EQ(tree.scores, ScoreUse::Sums);
  EXPECT_EQ(PolicyChoice("tova").shape().scores, ScoreUse::Weights);
  EXPECT_EQ(PolicyChoice("treekv:score=keep-left").shape().scores, ScoreUse::Ignored);
  const PolicyShape sliding = PolicyChoice("sliding:capacity=9,positions=rank").shape();
  EXPECT_EQ(sliding.budget, 9u);
  EXPECT_EQ(sliding.recent, 9u);
  EXPECT_EQ(sliding.positions, PositionMode::Rank);
  const PolicyShape full = PolicyChoice("full").shape();
  EXPECT_EQ(full.budget, 0u);
  EXPECT_EQ(full.positions, PositionMode::Original);
}

TEST(PolicyChoice, ShapeSaysWhatACutLeaves) {
  struct Case {
    const char* spec;
    uint64_t fewest, most;
  };
  for (const Case& of : {Case{"treekv:capacity=12,sinks=3,recent=5", 20, 20},
                         Case{"h2o:capacity=12,sinks=3,recent=5", 20, 20},
                         Case{"snapkv:capacity=12,recent=8,every=7", 20, 20},
                         // of the 18 rows behind the sinks of a full lane 9 leave
                         Case{"context-shift:capacity=17,sinks=3", 12, 20},
                         Case{"norm-sum-blocks:capacity=12,sinks=3,recent=5,block=4", 17, 20},
                         Case{"lacache:capacity=17,sinks=3", 3, 20},
                         Case{"pyramidkv:capacity=12,sinks=3,recent=5", 9, 32},
                         Case{"adakv:capacity=12,sinks=3,recent=5", 8, 20},
                         Case{"treekv:capacity=12,sinks=3,recent=5,prompt=40,block=4", 8, 20}}) {
    const PolicyShape shape = PolicyChoice(of.spec).shape();
    EXPECT_EQ(shape.budget, 20u) << of.spec;
    EXPECT_EQ(shape.fewest_kept, of.fewest) << of.spec;
    EXPECT_EQ(shape.most_kept, of.most) << of.spec;
  }
}

TEST(PolicyChoice, ShapeSaysWhatIsCompared) {
  const auto contest = [](const char* spec) { return PolicyChoice(spec).shape().contest; };
  EXPECT_EQ(contest("treekv"), Contest::CursorPair);
  EXPECT_EQ(contest("treekv:pick=gap"), Contest::Pair);
  EXPECT_EQ(contest("treekv:scope=3"), Contest::Ranking);
  EXPECT_EQ(contest("treekv:capacity=1,scope=all"), Contest::CursorPair);
  EXPECT_EQ(contest("h2o"), Contest::Ranking);
  EXPECT_EQ(contest("geo-topk"), Contest::Parts);
  const auto growth = [](const char* spec) { return PolicyChoice(spec).shape().growth; };
  for (const char* spec : {"h2o", "adakv:base=h2o", "treekv:score=sum", "treekv:life=0.5"})
    EXPECT_EQ(growth(spec), ScoreGrowth::WithLife) << spec;
  for (const char* spec : {"h2o-avg", "adakv:base=h2o-avg", "treekv", "snapkv", "tova"})
    EXPECT_EQ(growth(spec), ScoreGrowth::None) << spec;
  for (const PolicyRow& row : policy_table())
    EXPECT_EQ(PolicyChoice(row.spec.name).shape().keeps_and_reads_all(), row.spec.name == "full");
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
  for (const char* spec : {"treekv:capacity=0", "treekv:capacity=1,sinks=0,recent=0",
                           "sliding:budget=1", "streaming:sinks=0,recent=1", "treekv:capacity=-1",
                           "treekv:capacity=1.5", "treekv:capacity=", "treekv:capacity=99999999999",
                           "streaming:recent=0", "sliding:capacity=0", "sliding:budget=0",
                           "treekv:sinks=4,sinks=4", "treekv:", "treekv:capacity", ""})
    EXPECT_NE(error_of(spec), "no error") << spec;
}

// --- every row of the table
// -----------------------------------------------------------------------------------------------

/// Small specs that between them reach every policy and every option that changes a decision.
std::vector<std::string> conformance_specs() {
  std::vector<std::string> specs{"full",
                                 "sliding:capacity=2",
                                 "sliding:budget=20",
                                 "streaming:sinks=1,recent=1",
                                 "streaming:budget=20",
                                 "context-shift:capacity=17,sinks=3",
                                 "context-shift:capacity=2,sinks=0",
                                 "lacache:capacity=20,sinks=3",
                                 "lacache:capacity=9,sinks=0,span=5,overlap=2",
                                 "quest:read=32"};
  const std::vector<std::string> shapes = {
      "sinks=3,recent=5,capacity=12", "sinks=0,recent=0,capacity=20", "sinks=2,recent=0,capacity=1",
      "sinks=0,recent=1,capacity=1"};
  for (const std::string& rows : shapes) {
    for (const std::string rule : {"score=mean",
                                   "score=sum",
                                   "score=last",
                                   "score=ema",
                                   "score=ema,decay=0.5,origin=entry",
                                   "score=value",
                                   "score=keep-left",
                                   "score=keep-right",
                                   "score=random,seed=3",
                                   "cursor=printed",
                                   "tie=right",
                                   "life=0.5",
                                   "origin=entry",
                                   "scope=all",
                                   "scope=all,score=sum",
                                   "pick=random",
                                   "pick=gap",
                                   "group=max",
                                   "share=layer",
                                   "share=query-head",
                                   "positions=original",
                                   "prompt=0"})
      specs.push_back("treekv:" + rows + "," + rule);
    for (const std::string policy :
         {"h2o", "h2o-avg", "tova", "oracle", "random", "knorm:skip=0", "keydiff:every=1"})
      specs.push_back(policy + (policy.find(':') == std::string::npos ? ":" : ",") + rows);
  }
  for (const std::string rule :
       {"scope=4", "scope=4,stride=pass", "scope=13", "scope=5,pick=gap", "scope=3,score=keep-left",
        "scope=3,score=keep-right", "scope=3,score=random", "scope=3,tie=right",
        "scope=4,score=value,life=0"})
    specs.push_back("treekv:" + shapes[0] + "," + rule);
  for (const std::string block :
       {"block=4", "block=5,ragged=oldest", "block=8,window=competes", "block=3,start=all",
        "block=4,score=keep-left", "block=4,score=value", "block=4,score=random"})
    specs.push_back("treekv:" + shapes[0] + ",prompt=90," + block);
  for (const std::string policy :
       {"snapkv", "snapkv:pool=max", "snapkv:pool=none,group=max", "pyramidkv", "pyramidkv:beta=4",
        "adakv", "adakv:base=h2o", "adakv:base=tova", "adakv:base=knorm", "adakv:base=keydiff",
        "adakv:base=h2o-avg,alpha=1", "adakv:base=expected-attention", "geo-topk",
        "geo-topk:chunks=2", "r-kv", "lagkv:lag=4", "expected-attention", "keydiff",
        "knorm:skip=0,every=7"})
    for (const std::string cuts : {"", ",every=10", ",prompt=100", ",prompt=100,every=0"}) {
      if (policy.find("every=") != std::string::npos && !cuts.empty()) continue;
      specs.push_back(policy + (policy.find(':') == std::string::npos ? ":" : ",") + shapes[0] +
                      cuts);
    }
  specs.push_back("norm-sum-blocks:sinks=3,recent=5,capacity=12,block=4");
  specs.push_back("norm-sum-blocks:sinks=0,recent=0,capacity=20,block=10,tie=right,kernel=3");
  return specs;
}

class Conformance : public ::testing::TestWithParam<std::string> {
 protected:
  const PolicyChoice choice_{GetParam()};
  const PolicyShape& shape() const { return choice_.shape(); }
  const Spec& spec() const { return choice_.spec(); }
  LaneRun run(uint64_t seed = 3, uint32_t values = 0) const {
    return run_lane(choice_, kTokens, random_weights(seed, values));
  }
  static constexpr uint32_t kTokens = 300;
};

TEST_P(Conformance, HoldsItsBudgetFromTheMomentItIsFull) {
  run_lane(choice_, kTokens, random_weights(3), [&](Step step, const LaneRun& lane) {
    const uint64_t arrived = step.value + 1, rows = lane.table.size();
    const RowBounds bounds = row_bounds(choice_.lane_shape(Layer(0), Lane(0)), arrived);
    ASSERT_GE(rows, bounds.fewest) << "step " << step.value;
    ASSERT_LE(rows, bounds.most) << "step " << step.value;
    if (shape().budget == 0 || arrived <= shape().budget || arrived < shape().prompt) {
      ASSERT_EQ(rows, arrived) << "step " << step.value;
    } else if (shape().every > 0) {
      ASSERT_LT(rows, shape().budget + shape().every) << "step " << step.value;
    }
    if (shape().most_rows > 0) {
      ASSERT_LT(rows, shape().most_rows);
    }
  });
}

TEST_P(Conformance, ProtectedRowsNeverLeave) {
  for (const Eviction& eviction : run().all) {
    EXPECT_GE(eviction.victim.value, shape().sinks);
    EXPECT_LE(eviction.victim.value + shape().recent, eviction.step.value);
  }
}

TEST_P(Conformance, RowsStayInTimeOrder) {
  run_lane(choice_, kTokens, random_weights(3), [&](Step, const LaneRun& lane) {
    ASSERT_EQ(std::ranges::adjacent_find(lane.table.positions(), std::greater_equal<>()),
              lane.table.positions().end());
  });
}

TEST_P(Conformance, TheSameWeightsGiveTheSameVictims) {
  const LaneRun first = run(3, 4), second = run(3, 4);
  ASSERT_EQ(first.all.size(), second.all.size());
  for (size_t at = 0; at < first.all.size(); ++at) {
    EXPECT_EQ(first.all[at].victim, second.all[at].victim);
    EXPECT_EQ(first.all[at].step, second.all[at].step);
    EXPECT_EQ(first.all[at].rival, second.all[at].rival);
  }
}

TEST_P(Conformance, WeightsThatAreNotLookedAtDecideNothing) {
  const LaneRun given = run();
  const LaneRun spoilt = run_lane(choice_, kTokens, random_weights(3), {}, {}, Unread::Spoilt);
  ASSERT_EQ(given.all.size(), spoilt.all.size());
  for (size_t at = 0; at < given.all.size(); ++at) {
    EXPECT_EQ(given.all[at].victim, spoilt.all[at].victim);
    EXPECT_EQ(given.all[at].step, spoilt.all[at].step);
    EXPECT_EQ(given.all[at].score == spoilt.all[at].score, !std::isnan(given.all[at].score));
  }
}

// The first cut comes with 37 rows, and reads those of 5 steps.
TEST(Policies, LookAtTheWeightsOfTheirWindowAlone) {
  for (const std::string name : {"snapkv", "r-kv", "geo-topk", "pyramidkv", "adakv"}) {
    const PolicyChoice choice(name + ":capacity=12,recent=5,every=20");
    const auto policies = choice.make_layer({});  // adakv's decide together
    size_t looked = 0;
    for (uint32_t step = 0; step < 37; ++step)
      looked += policies[0]->looks_at_weights(Step(step), step + 1) ? 1 : 0;
    EXPECT_EQ(looked, 5u) << name;
  }
}

TEST_P(Conformance, ABudgetAsLargeAsTheTextEvictsNothing) {
  if (shape().budget == 0) return;
  const auto tokens = static_cast<uint32_t>(shape().budget);
  const LaneRun lane = run_lane(choice_, tokens, random_weights(3));
  EXPECT_TRUE(lane.all.empty());
  EXPECT_EQ(lane.table.size(), tokens);
}

// The record alone gives the cache and the scores at the end, from first principles.
TEST_P(Conformance, ARecountFromTheRecordAgreesWithTheRunningState) {
  const LaneRun lane = run(3, 4);
  std::map<Position, Step> gone;
  for (const Eviction& eviction : lane.all) {
    EXPECT_TRUE(gone.emplace(eviction.victim, eviction.step).second) << "left twice";
    if (eviction.rival < 0) continue;
    const Position rival(eviction.rival);
    EXPECT_FALSE(gone.contains(rival) && gone[rival] < eviction.step)
        << "lost to one that had left";
    EXPECT_NE(rival, eviction.victim);
  }
  std::vector<Position> kept;
  for (Position position; position.value < kTokens; position = position.next())
    if (!gone.contains(position)) kept.push_back(position);
  EXPECT_EQ(lane.cache(), join(kept));
  const LaneView view = lane.table.view(Layer(0), Lane(0), Step(kTokens - 1));
  for (size_t slot = 0; slot < kept.size(); ++slot) {
    EXPECT_EQ(view.steps(slot), kTokens - kept[slot].value);
    if (shape().scores != ScoreUse::Sums) continue;
    double sum = 0;
    for (Step step(kept[slot].value); step.value < kTokens; step = step.next())
      sum += static_cast<double>(random_weight(3, 4, step, kept[slot]));
    EXPECT_EQ(view.weight_sum[slot], sum);
  }
}

std::string victims(const LaneRun& lane) {
  std::vector<Position> positions;
  for (const Eviction& eviction : lane.all) positions.push_back(eviction.victim);
  return join(positions);
}

TEST_P(Conformance, ScoresMatterWhereTheShapeSaysSoAndNowhereElse) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 16 && outcomes.size() < 2; ++seed)
    outcomes.insert(victims(run(seed)));
  EXPECT_EQ(outcomes.size() > 1, shape().scores != ScoreUse::Ignored);
}

TEST_P(Conformance, ReasonAndScoresFitTogether) {
  const bool compares = shape().scores != ScoreUse::Ignored || !shape().inputs.empty();
  for (const Eviction& eviction : run(3, 2).all) {
    if (compares && eviction.rival >= 0) {
      EXPECT_NE(eviction.reason, Reason::Rule);
      EXPECT_FALSE(std::isnan(eviction.score) || std::isnan(eviction.rival_score));
    }
    if (!compares) {
      EXPECT_EQ(eviction.reason, Reason::Rule);
      EXPECT_TRUE(std::isnan(eviction.score) && std::isnan(eviction.rival_score));
    }
    if (eviction.reason == Reason::Lost) {
      EXPECT_LE(eviction.score, eviction.rival_score);  // equal in float, less in double
    }
    if (eviction.reason == Reason::Tie) {
      EXPECT_EQ(eviction.score, eviction.rival_score);
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
