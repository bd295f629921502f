// TreeKV against the paper's example, worked examples by hand, the laws of its passes, and a slow
// literal transcription.

#include <algorithm>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "tests/cache/lane_run.h"

namespace dendrokv::testing {
namespace {

PolicyChoice whole_tree(uint32_t capacity, const std::string& more = "") {
  return PolicyChoice("treekv:sinks=0,recent=0,capacity=" + std::to_string(capacity) + more);
}

/// "1 2 3 4": the cursor while nothing is protected.
std::string cursor_sequence(const PolicyChoice& choice, uint32_t evictions) {
  const auto capacity = static_cast<uint32_t>(choice.shape().budget);
  const LaneRun lane = run_lane(choice, capacity + evictions, random_weights(1));
  std::string text;
  for (const size_t cursor : cursors(lane, 0))
    text += (text.empty() ? "" : " ") + std::to_string(cursor);
  return text;
}

// --- the paper's figure 3
// -------------------------------------------------------------------------------------------------

TEST(TreeKv, SeventeenTokensInFourRows) {
  const auto final_cache = [](const std::string& more) {
    return run_lane(whole_tree(4, more), 17, random_weights(1)).cache();
  };
  EXPECT_EQ(final_cache(",score=keep-left"), "0 12 14 16");
  EXPECT_EQ(final_cache(",score=keep-right"), "11 13 15 16");
  EXPECT_EQ(final_cache(",score=keep-left,cursor=printed"), "0 13 15 16");
  EXPECT_EQ(final_cache(",score=keep-right,cursor=printed"), "12 14 15 16");
}

TEST(TreeKv, FirstEvictionOfKeepRightIsTheFirstToken) {
  const LaneRun lane = run_lane(whole_tree(4, ",score=keep-right"), 5, random_weights(1));
  ASSERT_TRUE(lane.evictions[4]);
  EXPECT_EQ(lane.evictions[4]->victim, Position(0));
  EXPECT_EQ(lane.evictions[4]->rival, 1);
}

TEST(TreeKv, CursorVisitsEveryRowInTurn) {
  EXPECT_EQ(cursor_sequence(whole_tree(4), 9), "1 2 3 4 1 2 3 4 1");
  EXPECT_EQ(cursor_sequence(whole_tree(1), 3), "1 1 1");
  EXPECT_EQ(cursor_sequence(whole_tree(5), 6), "1 2 3 4 5 1");
}

TEST(TreeKv, PrintedCursorSkipsOneRow) {
  EXPECT_EQ(cursor_sequence(whole_tree(4, ",cursor=printed"), 4), "1 3 1 3");
  EXPECT_EQ(cursor_sequence(whole_tree(5, ",cursor=printed"), 6), "1 3 5 2 4 1");
  EXPECT_EQ(cursor_sequence(whole_tree(6, ",cursor=printed"), 4), "1 3 5 1");
  EXPECT_EQ(cursor_sequence(whole_tree(7, ",cursor=printed"), 8), "1 3 5 7 2 4 6 1");
  EXPECT_EQ(cursor_sequence(whole_tree(1, ",cursor=printed"), 2), "1 1");
}

// --- worked examples
// ------------------------------------------------------------------------------------------------------

struct WorkedStep {
  uint32_t step;
  uint32_t left, right;
  double left_mean, right_mean;
  uint32_t victim;
  std::string cache, levels;
};

void expect_step(const WorkedStep& wanted, const LaneRun& lane) {
  SCOPED_TRACE("step " + std::to_string(wanted.step));
  ASSERT_TRUE(lane.evictions[wanted.step]);
  const Eviction& found = *lane.evictions[wanted.step];
  const bool left_leaves = wanted.victim == wanted.left;
  EXPECT_EQ(found.victim, Position(wanted.victim));
  EXPECT_EQ(found.step, Step(wanted.step));
  EXPECT_EQ(found.rival, static_cast<int32_t>(left_leaves ? wanted.right : wanted.left));
  // 5e-7: the tables are printed with six decimals
  EXPECT_NEAR(found.score, left_leaves ? wanted.left_mean : wanted.right_mean, 5.1e-7);
  EXPECT_NEAR(found.rival_score, left_leaves ? wanted.right_mean : wanted.left_mean, 5.1e-7);
  EXPECT_EQ(found.reason, Reason::Lost);
  EXPECT_EQ(lane.cache(), wanted.cache);
  EXPECT_EQ(lane.levels(), wanted.levels);
}

void expect_worked_example(const PolicyChoice& choice, const std::vector<float>& attractions,
                           const std::vector<WorkedStep>& steps) {
  size_t next = 0;
  const auto tokens = static_cast<uint32_t>(attractions.size());
  run_lane(choice, tokens, attraction(attractions), [&](Step step, const LaneRun& lane) {
    if (next < steps.size() && steps[next].step == step.value)
      expect_step(steps[next++], lane);
    else
      EXPECT_FALSE(lane.evictions[step.index()]) << "step " << step.value;
  });
  EXPECT_EQ(next, steps.size());
}

const std::vector<float> kTwelve{5, 1, 3, 2, 4, 1, 2, 6, 1, 3, 2, 5};

TEST(TreeKv, WorkedExampleWithoutProtection) {
  expect_worked_example(whole_tree(4), kTwelve,
                        {{4, 0, 1, 0.635354, 0.108838, 1, "0 2 3 4", "1 0 0 0"},
                         {5, 2, 3, 0.251515, 0.149495, 3, "0 2 4 5", "1 1 0 0"},
                         {6, 4, 5, 0.266667, 0.066667, 5, "0 2 4 6", "1 1 1 0"},
                         {7, 6, 7, 0.116667, 0.300000, 6, "0 2 4 7", "1 1 1 1"},
                         {8, 0, 2, 0.484066, 0.216279, 2, "0 4 7 8", "2 1 1 0"},
                         {9, 4, 7, 0.236842, 0.310526, 4, "0 7 8 9", "2 2 0 0"},
                         {10, 8, 9, 0.054696, 0.167183, 8, "0 7 9 10", "2 2 1 0"},
                         {11, 10, 11, 0.106443, 0.238095, 10, "0 7 9 11", "2 2 1 1"}});
}

TEST(TreeKv, WorkedExampleEndsWithTheseSumsAndCounts) {
  const LaneRun lane = run_lane(whole_tree(4), 12, attraction(kTwelve));
  const LaneView view = lane.table.view(Layer(0), Lane(0), Step(11));
  const std::vector<double> sums{5.151963, 1.570234, 0.477222, 0.238095};
  for (size_t slot = 0; slot < 4; ++slot) EXPECT_NEAR(view.weight_sum[slot], sums[slot], 5.1e-7);
  EXPECT_TRUE(std::ranges::equal(view.steps, std::vector<uint32_t>{12, 5, 3, 1}));
}

TEST(TreeKv, WorkedExampleWithProtection) {
  expect_worked_example(PolicyChoice("treekv:sinks=1,recent=2,capacity=2"),
                        {5, 1, 3, 2, 4, 1, 2, 6, 1, 3},
                        {{5, 1, 2, 0.099571, 0.248390, 1, "0 2 3 4 5", "0 1 0 0 0"},
                         {6, 3, 4, 0.139450, 0.250654, 3, "0 2 4 5 6", "0 1 1 0 0"},
                         {7, 2, 4, 0.218815, 0.235609, 2, "0 4 5 6 7", "0 2 0 0 0"},
                         {8, 5, 6, 0.055394, 0.106049, 5, "0 4 6 7 8", "0 2 1 0 0"},
                         {9, 4, 6, 0.223907, 0.103347, 6, "0 4 7 8 9", "0 3 0 0 0"}});
}

TEST(TreeKv, ATieGoesToTheRuleAndSaysSo) {
  const RowWeights equal = [](Step, std::span<const Position> positions) {
    return std::vector<float>(positions.size(), 0.25f);
  };
  const auto first = [&](const std::string& more) {
    return *run_lane(whole_tree(2, more), 3, equal).evictions[2];
  };
  EXPECT_EQ(first("").victim, Position(0));
  EXPECT_EQ(first("").rival, 1);
  EXPECT_EQ(first(",tie=right").victim, Position(1));
  EXPECT_EQ(first(",tie=right").rival, 0);
  for (const std::string more : {"", ",tie=right"}) {
    EXPECT_EQ(first(more).reason, Reason::Tie);
    EXPECT_EQ(first(more).score, 0.25f);
    EXPECT_EQ(first(more).rival_score, 0.25f);
  }
}

TEST(TreeKv, KeepLeftAndKeepRightCompareNothingButNameTheRival) {
  for (const std::string score : {"keep-left", "keep-right"}) {
    const LaneRun lane = run_lane(whole_tree(2, ",score=" + score), 3, random_weights(1));
    const Eviction eviction = *lane.evictions[2];
    EXPECT_EQ(eviction.reason, Reason::Rule);
    EXPECT_TRUE(std::isnan(eviction.score) && std::isnan(eviction.rival_score));
    EXPECT_EQ(eviction.victim, Position(score == "keep-left" ? 1 : 0));
    EXPECT_EQ(eviction.rival, score == "keep-left" ? 0 : 1);
  }
}

// --- what a pass does
// -----------------------------------------------------------------------------------------------------

/// Evictions number first .. first + count of a run without protection.
std::vector<Eviction> evictions_of(const LaneRun& lane, size_t first, size_t count) {
  std::vector<Eviction> all;
  for (const auto& eviction : lane.evictions)
    if (eviction) all.push_back(*eviction);
  return {all.begin() + static_cast<std::ptrdiff_t>(first),
          all.begin() + static_cast<std::ptrdiff_t>(first + count)};
}

TEST(TreeKv, OnePassComparesNeighboursOfTheSequenceOldThenNew) {
  for (const uint64_t seed : {1u, 2u, 3u})
    for (const uint32_t passes_before : {0u, 1u, 5u}) {
      const PolicyChoice choice = whole_tree(16);
      const uint32_t start = 16 + 16 * passes_before;
      const LaneRun before = run_lane(choice, start, random_weights(seed));
      std::vector<Position> sequence(before.table.positions().begin(),
                                     before.table.positions().end());
      for (uint32_t token = start; token < start + 16; ++token) sequence.push_back(Position(token));
      const LaneRun lane = run_lane(choice, start + 16, random_weights(seed));
      const auto evictions = evictions_of(lane, 16 * passes_before, 16);
      for (size_t pair = 0; pair < 16; ++pair) {
        const auto [left, right] =
            std::minmax({evictions[pair].victim, Position(evictions[pair].rival)});
        EXPECT_EQ(left, sequence[2 * pair]);
        EXPECT_EQ(right, sequence[2 * pair + 1]);
      }
    }
}

/// Level of each row after `passes` passes.
std::vector<int> levels_after(uint32_t capacity, uint32_t passes, uint64_t seed) {
  const LaneRun lane =
      run_lane(whole_tree(capacity), capacity * (1 + passes), random_weights(seed));
  std::map<int32_t, int> beaten;
  for (const auto& eviction : lane.evictions)
    if (eviction) ++beaten[eviction->rival];
  std::vector<int> levels;
  for (const Position position : lane.table.positions())
    levels.push_back(beaten[static_cast<int32_t>(position.value)]);
  return levels;
}

TEST(TreeKv, CensusAtPassEndsWhileTheTreeGrows) {
  for (const uint32_t capacity : {4u, 8u, 16u})
    for (uint32_t pass = 1; (1u << pass) <= capacity; ++pass) {
      std::map<int, uint32_t> wanted;
      for (uint32_t level = 1; level < pass; ++level)
        wanted[static_cast<int>(level)] = capacity >> level;
      wanted[static_cast<int>(pass)] += capacity >> (pass - 1);
      std::map<int, uint32_t> found;
      for (const int level : levels_after(capacity, pass, 11)) ++found[level];
      EXPECT_EQ(found, wanted) << "capacity " << capacity << ", pass " << pass;
    }
}

TEST(TreeKv, CensusAtPassEndsOfAGrownTree) {
  for (const uint32_t capacity : {4u, 8u, 16u}) {
    const int depth = std::countr_zero(capacity);
    for (uint32_t pass = static_cast<uint32_t>(depth) + 1; pass < 14; ++pass) {
      const std::vector<int> levels = levels_after(capacity, pass, 12);
      EXPECT_GT(levels[0], depth) << "the long-run champion";
      size_t slot = 1;
      for (int level = depth; level >= 1; --level)
        for (uint32_t count = 0; count < capacity >> level; ++count)
          EXPECT_EQ(levels[slot++], level) << "capacity " << capacity << ", pass " << pass;
      EXPECT_EQ(slot, capacity);
    }
  }
}

TEST(TreeKv, GenerationsHalveWhoeverWins) {
  constexpr uint32_t kCapacity = 16, kPasses = 9, kTokens = kCapacity * (1 + kPasses);
  for (const std::string more : {"", ",score=keep-left", ",score=keep-right", ",score=last"}) {
    const LaneRun lane = run_lane(whole_tree(kCapacity, more), kTokens, random_weights(5));
    std::vector<uint32_t> held(kPasses + 1);  // [generation], newest first
    for (const Position position : lane.table.positions())
      ++held[(kTokens - 1 - position.value) / kCapacity];
    for (uint32_t generation = 0; generation < 4; ++generation)
      EXPECT_EQ(held[generation], kCapacity >> (generation + 1)) << more;
  }
}

// --- a slow twin
// ----------------------------------------------------------------------------------------------------------

/// The algorithm as the paper prints it, on plain vectors with insert and erase. idx counts from 1.
struct SlowTree {
  size_t capacity, sinks, recent;
  std::string cursor, score, tie;
  std::vector<uint32_t> token;
  std::vector<double> S, C, last;
  size_t idx = 1;

  double mean(size_t row) const {
    if (score == "sum") return S[row];
    if (score == "last") return last[row];
    return S[row] / C[row];
  }

  bool left_leaves(size_t left) const {
    if (score == "keep-left") return false;
    if (score == "keep-right") return true;
    if (mean(left) == mean(left + 1)) return tie == "left";
    return !(mean(left) > mean(left + 1));
  }

  std::optional<uint32_t> step(uint32_t t, const std::vector<float>& a) {
    token.push_back(t);
    C.push_back(0);
    S.push_back(0);
    last.assign(a.begin(), a.end());
    for (size_t row = 0; row < token.size(); ++row) {
      C[row] += 1;
      S[row] += static_cast<double>(a[row]);
    }
    if (token.size() <= sinks + capacity + recent) return std::nullopt;
    const size_t left = sinks + idx - 1;
    const size_t victim = left_leaves(left) ? left : left + 1;
    const uint32_t gone = token[victim];
    const auto at = static_cast<std::ptrdiff_t>(victim);
    token.erase(token.begin() + at);
    C.erase(C.begin() + at);
    S.erase(S.begin() + at);
    idx = (cursor == "printed" ? (idx + 1) % capacity : idx % capacity) + 1;
    return gone;
  }
};

void expect_twins_agree(SlowTree slow, const std::string& spec, uint32_t tokens) {
  const RowWeights weights = random_weights(21, 3);  // of three values: many ties
  std::vector<Position> present;
  const LaneRun lane =
      run_lane(PolicyChoice(spec), tokens, weights, [&](Step step, const LaneRun& run) {
        present.clear();
        for (const uint32_t token : slow.token) present.push_back(Position(token));
        present.push_back(Position(step.value));
        const auto gone = slow.step(step.value, weights(step, present));
        const auto& eviction = run.evictions[step.index()];
        ASSERT_EQ(eviction.has_value(), gone.has_value());
        if (gone) {
          ASSERT_EQ(eviction->victim, Position(*gone)) << spec << " step " << step.value;
        }
        const LaneView view = run.table.view(Layer(0), Lane(0), step);
        ASSERT_TRUE(std::equal(slow.S.begin(), slow.S.end(), view.weight_sum.begin(),
                               view.weight_sum.end()));
        ASSERT_TRUE(std::equal(slow.C.begin(), slow.C.end(), view.steps.begin(), view.steps.end()));
        for (size_t slot = 0; slot < view.steps.size(); ++slot)
          ASSERT_EQ(view.steps[slot], step.value - view.position[slot].value + 1);
      });
  EXPECT_EQ(lane.table.size(), slow.token.size());
}

TEST(TreeKv, AgreesWithALiteralTranscriptionForEverySwitch) {
  struct Rows {
    size_t capacity, sinks, recent;
  };
  for (const Rows rows : {Rows{16, 4, 12}, Rows{7, 0, 0}, Rows{1, 0, 1}, Rows{24, 1, 0}})
    for (const std::string cursor : {"advance", "printed"})
      for (const std::string score : {"mean", "sum", "last", "keep-left", "keep-right"})
        for (const std::string tie : {"left", "right"}) {
          const std::string spec = "treekv:capacity=" + std::to_string(rows.capacity) +
                                   ",sinks=" + std::to_string(rows.sinks) +
                                   ",recent=" + std::to_string(rows.recent) + ",cursor=" + cursor +
                                   ",score=" + score + ",tie=" + tie;
          expect_twins_agree(
              {rows.capacity, rows.sinks, rows.recent, cursor, score, tie, {}, {}, {}, {}}, spec,
              3000);
        }
}

}  // namespace
}  // namespace dendrokv::testing
