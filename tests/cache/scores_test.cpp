// What the rivals score and keep, against closed forms and plain loops.

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <set>

#include "cache/lane_inputs.h"
#include "cache/pooling.h"
#include "cache/rotation.h"
#include "cache/scored.h"
#include "tests/cache/lane_run.h"

namespace dendrokv::testing {
namespace {

std::vector<Position> gone_at(const LaneRun& lane, uint32_t step) {
  std::vector<Position> gone;
  for (const Eviction& eviction : lane.all)
    if (eviction.step == Step(step)) gone.push_back(eviction.victim);
  return gone;
}

/// The `count` positions of [first, last) with the lowest scores, of equals the oldest.
std::vector<Position> lowest(const std::vector<double>& scores, size_t first, size_t last,
                             size_t count) {
  std::vector<size_t> order(last - first);
  std::iota(order.begin(), order.end(), first);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  order.resize(count);
  std::sort(order.begin(), order.end());
  return {order.begin(), order.end()};
}

// --- the cut

TEST(Cut, NamesTheLowestAndTheirFirstSurvivor) {
  Cut cut;
  const std::vector<double> scores{0, 5, 2, 2, 7, 1, 0};
  const auto found = cut.lowest(scores, 1, 6, 2, Tie::LeftLeaves);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].victim, Slot(2));
  EXPECT_EQ(found[0].rival, Slot(3));
  EXPECT_EQ(found[0].reason, Reason::Tie);
  EXPECT_EQ(found[1].victim, Slot(5));
  EXPECT_EQ(found[1].rival, Slot(3));
  EXPECT_EQ(found[1].reason, Reason::Lost);
  EXPECT_EQ(cut.lowest(scores, 1, 6, 2, Tie::RightLeaves)[0].victim, Slot(3));
  const auto all = cut.lowest(scores, 1, 3, 2, Tie::LeftLeaves);
  EXPECT_FALSE(all[0].rival);
  EXPECT_TRUE(cut.lowest(scores, 1, 3, 0, Tie::LeftLeaves).empty());
}

TEST(Pool, MeanCountsZerosBeyondTheEndsAndMaxDoesNot) {
  std::vector<double> mean{3, 6, -9, 0};
  pool(mean, Pool::Mean, 3);
  EXPECT_EQ(mean, (std::vector<double>{3, 0, -1, -3}));
  std::vector<double> most{3, 6, -9, -8};
  pool(most, Pool::Max, 3);
  EXPECT_EQ(most, (std::vector<double>{6, 6, 6, -8}));
  std::vector<double> same{3, 6};
  pool(same, Pool::None, 3);
  EXPECT_EQ(same, (std::vector<double>{3, 6}));
}

// --- by attention

/// Sum over the steps [first, last] of a position's weight, 0 before it came.
double votes(uint64_t seed, Position position, uint32_t first, uint32_t last) {
  double sum = 0;
  for (uint32_t step = std::max(first, position.value); step <= last; ++step)
    sum += static_cast<double>(random_weight(seed, 0, Step(step), position));
  return sum;
}

TEST(SnapKv, TheWindowsVotesChooseAtTheEndOfThePrompt) {
  const LaneRun lane =
      run_lane(PolicyChoice("snapkv:capacity=20,recent=8,prompt=100,every=0,pool=avg,kernel=5"),
               120, random_weights(51));
  std::vector<double> scores;
  for (uint32_t position = 0; position < 92; ++position)
    scores.push_back(votes(51, Position(position), 92, 99));
  const std::vector<double> plain = scores;
  for (size_t at = 0; at < scores.size(); ++at) {
    scores[at] = 0;
    for (size_t near = at < 2 ? 0 : at - 2; near < std::min<size_t>(at + 3, 92); ++near)
      scores[at] += plain[near] / 5;
  }
  EXPECT_EQ(gone_at(lane, 99), lowest(scores, 0, 92, 72));
  EXPECT_EQ(lane.all.size(), 72u);  // nothing leaves after the prompt
  EXPECT_EQ(lane.table.size(), 48u);
}

TEST(SnapKv, AStreamIsCutWhenEveryRowsHaveCome) {
  const LaneRun lane =
      run_lane(PolicyChoice("snapkv:capacity=20,recent=8,every=10"), 60, random_weights(52));
  for (uint32_t step = 0; step < 60; ++step)
    EXPECT_EQ(gone_at(lane, step).size(), step == 37 || step == 47 || step == 57 ? 10u : 0u);
}

/// Rows after a prompt in each layer of a model of four.
std::vector<size_t> pyramid(const std::string& spec, uint32_t prompt) {
  std::vector<size_t> rows;
  for (uint32_t layer = 0; layer < 4; ++layer)
    rows.push_back(run_lane(PolicyChoice(spec), prompt, random_weights(53), {},
                            {.layer = Layer(layer), .lane = {}, .layers = 4})
                       .table.size());
  return rows;
}

TEST(PyramidKv, BudgetsFallWithDepth) {
  // M = 40, beta = 20: least 2, most 78, steps of floor(76 / 3) = 25; a window of 8 beside
  EXPECT_EQ(pyramid("pyramidkv:capacity=40,recent=8,prompt=200", 200),
            (std::vector<size_t>{86, 61, 36, 11}));
  // q - w = 77 < 78: most 77, least 3, steps of 24
  EXPECT_EQ(pyramid("pyramidkv:capacity=40,recent=8,prompt=85", 85),
            (std::vector<size_t>{85, 61, 37, 13}));
  // q < 2 M: all the same
  EXPECT_EQ(pyramid("pyramidkv:capacity=40,recent=8,prompt=79", 79),
            (std::vector<size_t>{48, 48, 48, 48}));
}

TEST(GeoTopK, OlderPartsKeepFewerRows) {
  const LaneRun lane =
      run_lane(PolicyChoice("geo-topk:capacity=30,recent=8,prompt=408,every=0,chunks=4,pool=none"),
               408, random_weights(54));
  std::vector<size_t> kept(5);
  for (const Position position : lane.table.positions()) ++kept[position.value / 100];
  EXPECT_EQ(kept, (std::vector<size_t>{2, 4, 8, 16, 8}));
  // within a part the best of the votes
  std::vector<double> scores;
  for (uint32_t position = 0; position < 400; ++position)
    scores.push_back(votes(54, Position(position), 400, 407));
  std::vector<Position> oldest;
  for (const Position position : gone_at(lane, 407))
    if (position.value < 100) oldest.push_back(position);
  EXPECT_EQ(oldest, lowest(scores, 0, 100, 98));
}

TEST(GeoTopK, RowsThatAPartCannotFillGoToTheOthers) {
  const LaneRun lane =
      run_lane(PolicyChoice("geo-topk:capacity=30,recent=2,prompt=34,every=0,chunks=4,pool=none"),
               34, random_weights(55));
  EXPECT_EQ(lane.table.size(), 32u);  // parts of 8 rows for shares of 2, 4, 8, 16
}

TEST(NormSumBlocks, TheBlockWithTheLeastAttentionPerStepLeaves) {
  constexpr uint32_t kBudget = 2 + 12 + 3;
  const LaneRun lane =
      run_lane(PolicyChoice("norm-sum-blocks:sinks=2,recent=3,capacity=12,block=4,kernel=3"),
               kBudget + 1, random_weights(56));
  std::vector<double> mean(kBudget + 1);
  for (uint32_t step = 0; step <= kBudget; ++step)
    for (uint32_t row = 0; row <= step; ++row) {
      float most = 0;
      for (uint32_t ahead = row; ahead < std::min(row + 3, step + 1); ++ahead)
        most = std::max(most, random_weight(56, 0, Step(step), Position(ahead)));
      mean[row] += static_cast<double>(most) / (kBudget + 1 - row);
    }
  std::vector<double> blocks;
  for (uint32_t block = 0; block < 3; ++block)
    blocks.push_back(
        std::accumulate(mean.begin() + 2 + 4 * block, mean.begin() + 6 + 4 * block, 0.0) / 4);
  const auto loser = static_cast<uint32_t>(std::ranges::min_element(blocks) - blocks.begin());
  ASSERT_EQ(lane.all.size(), 4u);
  for (uint32_t row = 0; row < 4; ++row) {
    EXPECT_EQ(lane.all[row].victim, Position(2 + 4 * loser + row));
    EXPECT_NEAR(lane.all[row].score, blocks[loser], 1e-6);
  }
}

// --- without scores

TEST(ContextShift, HalfOfWhatIsBehindTheSinksLeaves) {
  const LaneRun lane =
      run_lane(PolicyChoice("context-shift:sinks=2,capacity=8"), 20, random_weights(1));
  EXPECT_EQ(join(gone_at(lane, 10)), "2 3 4 5");
  EXPECT_EQ(lane.all.size(), 12u);
  EXPECT_EQ(lane.cache(), "0 1 14 15 16 17 18 19");
}

std::string ladder(uint32_t layer, const std::string& spec, uint32_t tokens, uint32_t layers) {
  return run_lane(PolicyChoice(spec), tokens, random_weights(1), {},
                  {.layer = Layer(layer), .lane = {}, .layers = layers})
      .cache();
}

// Up to twice the span a rung is a pair: keep-left in even layers, keep-right in odd ones.
TEST(LaCache, TwoLayersKeepTheTwoHalvesOfEachPair) {
  EXPECT_EQ(ladder(0, "lacache:sinks=1,capacity=8,span=16", 13, 4), "0 1 3 5 7 9 10 11 12");
  EXPECT_EQ(ladder(1, "lacache:sinks=1,capacity=8,span=16", 13, 4), "0 2 4 6 8 9 10 11 12");
  EXPECT_EQ(ladder(2, "lacache:sinks=1,capacity=8,span=16", 13, 4),
            ladder(0, "lacache:sinks=1,capacity=8,span=16", 13, 4));
}

TEST(LaCache, WhatWasThinnedIsThinnedAgain) {
  // the fifth cut finds no room for a pair before the last four rows: back to the sinks
  EXPECT_EQ(ladder(0, "lacache:sinks=1,capacity=8,span=16", 14, 4), "0 1 5 7 9 10 11 12 13");
}

TEST(RandomSample, EveryPositionIsKeptAsOftenAsAnyOther) {
  constexpr uint32_t kTokens = 100, kRuns = 400;
  std::vector<uint32_t> kept(kTokens);
  for (uint32_t seed = 0; seed < kRuns; ++seed) {
    const LaneRun lane =
        run_lane(PolicyChoice("random:sinks=0,recent=0,capacity=25,seed=" + std::to_string(seed)),
                 kTokens, random_weights(1));
    for (const Position position : lane.table.positions()) ++kept[position.index()];
  }
  // binomial, mean 100, deviation 8.7: five of them over a hundred positions, one chance in 20,000
  for (const uint32_t count : kept) EXPECT_NEAR(count, kRuns / 4, 43);
}

// --- by keys and values

std::vector<float> key(uint32_t position) {
  return synthetic_row(7, SyntheticRow::Key, Position(position));
}

double cosine(const std::vector<float>& a, const std::vector<double>& b) {
  double product = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * b[i];
    aa += double{a[i]} * double{a[i]};
    bb += b[i] * b[i];
  }
  return product / std::sqrt(aa * bb);
}

TEST(KeyNorm, TheLargestKeysLeaveBehindTheSkippedLayers) {
  const PolicyChoice choice("knorm:capacity=30,prompt=50,every=0,skip=1");
  const LaneRun lane =
      run_lane(choice, 50, random_weights(1), {}, {.layer = Layer(1), .lane = {}, .layers = 2});
  std::vector<double> scores;
  for (uint32_t position = 0; position < 50; ++position)
    scores.push_back(-double{euclidean_norm(key(position))});
  EXPECT_EQ(gone_at(lane, 49), lowest(scores, 0, 50, 20));
  EXPECT_TRUE(run_lane(choice, 50, random_weights(1)).all.empty());
}

TEST(KeyDiff, TheKeysMostLikeTheAnchorLeave) {
  const LaneRun lane =
      run_lane(PolicyChoice("keydiff:capacity=30,prompt=50,every=0"), 50, random_weights(1));
  std::vector<double> anchor(kSyntheticHeadDim);
  for (uint32_t position = 0; position < 50; ++position)
    for (size_t i = 0; i < anchor.size(); ++i)
      anchor[i] += double{key(position)[i]} / double{euclidean_norm(key(position))} / 50;
  std::vector<double> scores;
  for (uint32_t position = 0; position < 50; ++position)
    scores.push_back(-cosine(key(position), anchor));
  EXPECT_EQ(gone_at(lane, 49), lowest(scores, 0, 50, 20));
}

/// Standard deviation over the channels of a row, scaled by the range of the rows of the next
/// partition.
double spread(SyntheticRow what, uint32_t position, uint32_t next, uint32_t lag) {
  const auto row = synthetic_row(7, what, Position(position));
  std::vector<double> scaled;
  for (size_t i = 0; i < row.size(); ++i) {
    double low = 1e9, high = -1e9;
    for (uint32_t other = next; other < next + lag; ++other) {
      const auto x = double{synthetic_row(7, what, Position(other))[i]};
      low = std::min(low, x);
      high = std::max(high, x);
    }
    scaled.push_back((double{row[i]} - low) / (high - low));
  }
  const double mean =
      std::accumulate(scaled.begin(), scaled.end(), 0.0) / static_cast<double>(row.size());
  double squares = 0;
  for (const double x : scaled) squares += (x - mean) * (x - mean);
  return std::sqrt(squares / static_cast<double>(row.size()));
}

TEST(LagKv, EveryPartitionKeepsWhatStandsOutFromTheNext) {
  // 2 sinks, partitions 2..11, 12..21, 22..31; the last one and the remainder stay
  const LaneRun lane =
      run_lane(PolicyChoice("lagkv:sinks=2,recent=4,capacity=19,lag=10,prompt=35,every=0"), 35,
               random_weights(1));
  std::vector<Position> wanted;
  for (const uint32_t first : {2u, 12u}) {
    std::vector<double> of_keys, of_values, scores(35);
    double key_total = 0, value_total = 0;
    for (uint32_t row = first; row < first + 10; ++row) {
      of_keys.push_back(std::exp(spread(SyntheticRow::Key, row, first + 10, 10)));
      of_values.push_back(std::exp(spread(SyntheticRow::Value, row, first + 10, 10)));
      key_total += of_keys.back();
      value_total += of_values.back();
    }
    for (uint32_t row = 0; row < 10; ++row)
      scores[first + row] = of_keys[row] / key_total + of_values[row] / value_total;
    for (const Position position : lowest(scores, first, first + 10, 5)) wanted.push_back(position);
  }
  EXPECT_EQ(gone_at(lane, 34), wanted);
}

TEST(ReasoningKv, LambdaGoesFromRedundancyToImportance) {
  const auto gone = [](const std::string& lambda) {
    return gone_at(run_lane(PolicyChoice("r-kv:capacity=20,recent=8,prompt=60,every=0,kernel=1,"
                                         "lambda=" +
                                         lambda),
                            60, random_weights(57)),
                   59);
  };
  std::vector<double> importance, redundancy;
  for (uint32_t position = 0; position < 52; ++position) {
    importance.push_back(votes(57, Position(position), 52, 59));
    double sum = 0, newest = 0;
    for (uint32_t other = 0; other < 52; ++other) {
      if (other == position) continue;
      const auto second = key(other);
      const double likeness = cosine(key(position), {second.begin(), second.end()});
      sum += likeness;
      if (likeness > 0.5) newest = likeness;
    }
    redundancy.push_back(-(sum - newest));
  }
  EXPECT_EQ(gone("1"), lowest(importance, 0, 52, 32));
  EXPECT_EQ(gone("0"), lowest(redundancy, 0, 52, 32));
}

TEST(Rotation, TurnsPairsAndKeepsLengths) {
  const std::vector<double> turns{0.5, 0.01};
  const std::vector<float> row{1, 0, 0, 2};
  std::vector<double> out(4);
  TurnTable(turns).apply(3, row, out);
  EXPECT_NEAR(out[0], std::cos(1.5), 1e-15);
  EXPECT_NEAR(out[1], std::sin(1.5), 1e-15);
  EXPECT_NEAR(out[2], -2 * std::sin(0.03), 1e-15);
  EXPECT_NEAR(out[3], 2 * std::cos(0.03), 1e-15);
  TurnTable({}).apply(3, row, out);
  EXPECT_EQ(out, (std::vector<double>{1, 0, 0, 2}));
}

// Without a rotation the expected weight of a key is the mean of exp(q . k / sqrt(d)) over a normal
// distribution with the queries' mean and covariance: exp(mu . k / sqrt(d) + k^T Sigma k / 2 d).
TEST(ExpectedAttention, IsTheMeanOverANormalDistribution) {
  const LaneRun lane =
      run_lane(PolicyChoice("expected-attention:capacity=20,sinks=4,prompt=50,every=0"), 50,
               random_weights(1));
  constexpr size_t kDim = kSyntheticHeadDim;
  std::vector<double> mean(kDim);
  std::vector<std::vector<double>> products(kDim, std::vector<double>(kDim));
  for (uint32_t position = 4; position < 50; ++position) {
    const auto q = synthetic_row(7, SyntheticRow::Query, Position(position));
    for (size_t i = 0; i < kDim; ++i) {
      mean[i] += double{q[i]} / 46;
      for (size_t j = 0; j < kDim; ++j) products[i][j] += double{q[i]} * double{q[j]} / 46;
    }
  }
  std::vector<double> scores;
  for (uint32_t position = 0; position < 50; ++position) {
    const auto k = key(position);
    double logit = 0;
    for (size_t i = 0; i < kDim; ++i) {
      logit += mean[i] * double{k[i]} / std::sqrt(double{kDim});
      for (size_t j = 0; j < kDim; ++j)
        logit += double{k[i]} * double{k[j]} * (products[i][j] - mean[i] * mean[j]) / (2.0 * kDim);
    }
    const auto value = synthetic_row(7, SyntheticRow::Value, Position(position));
    scores.push_back(std::exp(logit) * double{euclidean_norm(value)});
  }
  EXPECT_EQ(gone_at(lane, 49), lowest(scores, 4, 50, 26));
}

// --- reads fewer

TEST(Quest, ReadsThePagesWithTheLargestBounds) {
  const PolicyChoice choice("quest:read=12,page=4,skip=0");
  EXPECT_EQ(choice.shape().reads, 12u);
  const std::unique_ptr<Policy> policy = choice.make();
  SlotTable table;
  LaneInputs inputs(choice.shape(), 1, kSyntheticHeadDim, 50);
  for (uint32_t step = 0; step < 50; ++step) {
    table.append(Position(step));
    inputs.append(key(step), {}, 0);
    const auto query = synthetic_row(7, SyntheticRow::Query, Position(step));
    inputs.add_queries(Step(step), {query.data(), 1, query.size()});
    LaneView view = table.view(Layer(0), Lane(0), Step(step));
    inputs.complete(view);
    const auto reads = policy->reads(view);
    if (step < 12) {
      EXPECT_TRUE(reads.empty());
      continue;
    }
    std::vector<double> bounds;  // of pages
    for (uint32_t page = 0; page <= step / 4; ++page) {
      double bound = 0;
      for (size_t i = 0; i < query.size(); ++i) {
        double most = -1e9;
        for (uint32_t row = 4 * page; row < std::min(4 * page + 4, step + 1); ++row)
          most = std::max(most, double{query[i]} * double{key(row)[i]});
        bound += most;
      }
      bounds.push_back(bound);
    }
    const auto skipped = lowest(bounds, 0, bounds.size(), bounds.size() - 3);
    for (uint32_t row = 0; row <= step; ++row)
      EXPECT_EQ(
          std::ranges::any_of(
              reads, [&](const SlotRange& range) { return range.first <= row && row < range.end; }),
          std::ranges::count(skipped, Position(row / 4)) == 0);
    EXPECT_TRUE(policy->step(view).empty());
  }
}

}  // namespace
}  // namespace dendrokv::testing
