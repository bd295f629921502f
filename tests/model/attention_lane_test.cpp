// Lanes of one KV head, of one query head and of a whole layer: the same attention, differently
// shared.

#include "model/attention_lane.h"

#include <gtest/gtest.h>
#include <random>

#include "cache/policies.h"
#include "tests/model/collector.h"

namespace dendrokv {
namespace {

constexpr size_t kHeads = 6, kKvHeads = 2, kHeadDim = 32, kTokens = 20;

class SharedLanes : public ::testing::Test {
 protected:
  SharedLanes()
      : rotary_(10000, std::vector<float>(kHeadDim / 2, 1.0f)),
        qkv_(kTokens, (kHeads + 2 * kKvHeads) * kHeadDim) {
    rotary_.grow(kTokens);
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (float& value : qkv_.all()) value = normal(random);
  }

  struct Outcome {
    std::vector<float> out;                 // [token, heads * head_dim]
    std::vector<std::vector<float>> means;  // [lane][slot], of the last token
    testing::Collector seen;
  };

  // All tokens through the lanes of one layer, `together` at a time.
  void run(LaneKind kind, size_t together, Outcome& outcome) {
    Activations out(kTokens, kHeads * kHeadDim, Arithmetic::Exact);
    out.shape(kTokens, kHeads * kHeadDim);
    const AttentionBlock block{Layer(0), Step(0), qkv_.view(), out, &outcome.seen};
    for (const LaneHeads& heads : lanes_of_layer(kind, kHeads, kKvHeads)) {
      const KvShape shape{kHeadDim, CachePrecision::F32, PositionMode::Rank, 0, heads.kv_heads};
      AttentionLane lane(heads, shape, {.scale = 0.2f}, kernels_for(best_isa()), rotary_,
                         PolicyShape{}, PolicyChoice("full").make());
      lane.rows().reserve(kTokens);
      for (size_t token = 0; token < kTokens; ++token) lane.append(block, token);
      const size_t queries = heads.heads * together;
      LaneWork work{Grid<float>(queries, kTokens), Grid<float>(queries, kHeadDim), {}};
      Grid<float> rotated(queries, kHeadDim);
      std::vector<float> mean(kTokens);
      for (size_t first = 0; first < kTokens; first += together) {
        const TokenRange tokens{first, first + together};
        lane.score(block, tokens, first + 1, {0, first + together}, rotated, work);
        lane.soften(tokens, first + 1, work);
        lane.show(block, tokens, first + 1, work);
        lane.sum(block, tokens, first + 1, 0, 16, work);
        lane.sum(block, tokens, first + 1, 16, kHeadDim - 16, work);
        lane.reduce_weights(tokens, together - 1, work, std::span(mean).first(first + together));
      }
      outcome.means.push_back(mean);
    }
    for (size_t token = 0; token < kTokens; ++token)
      outcome.out.insert(outcome.out.end(), out.floats(token).begin(), out.floats(token).end());
  }

  RotaryTable rotary_;
  Grid<float> qkv_;  // [token, heads of head_dim]
};

TEST_F(SharedLanes, GiveTheSameBitsHoweverSharedAndHoweverManyTokensTogether) {
  Outcome expected;
  run(LaneKind::PerKvHead, 1, expected);
  for (const LaneKind kind : {LaneKind::PerKvHead, LaneKind::PerQueryHead, LaneKind::PerLayer})
    for (const size_t together : {1, 2, 5, 20}) {
      Outcome found;
      run(kind, together, found);
      EXPECT_EQ(found.out, expected.out) << lane_kind_name(kind) << ", " << together << " tokens";
      EXPECT_EQ(found.seen.keys, expected.seen.keys);
      EXPECT_EQ(found.seen.values, expected.seen.values);
      ASSERT_EQ(found.seen.attention.size(), kHeads * kTokens);
      for (const auto& [place, row] : expected.seen.attention)
        EXPECT_EQ(found.seen.attention.at(place).weights, row.weights);
    }
}

TEST_F(SharedLanes, MeanIsOverTheHeadsOfTheLane) {
  for (const LaneKind kind : {LaneKind::PerKvHead, LaneKind::PerQueryHead, LaneKind::PerLayer}) {
    Outcome found;
    run(kind, 4, found);
    const auto lanes = lanes_of_layer(kind, kHeads, kKvHeads);
    ASSERT_EQ(found.means.size(), lanes.size());
    for (size_t lane = 0; lane < lanes.size(); ++lane)
      for (size_t slot = 0; slot < kTokens; ++slot) {
        double sum = 0;
        for (size_t head = 0; head < lanes[lane].heads; ++head)
          sum += double{found.seen.attention
                            .at({Layer(0), Head(lanes[lane].first_head + head), Step(kTokens - 1)})
                            .weights[slot]};
        EXPECT_FLOAT_EQ(found.means[lane][slot],
                        static_cast<float>(sum / static_cast<double>(lanes[lane].heads)));
      }
  }
}

TEST(LanesOfLayer, CoverEveryHeadOnce) {
  for (const LaneKind kind : {LaneKind::PerKvHead, LaneKind::PerQueryHead, LaneKind::PerLayer}) {
    std::vector<int> lanes_of_head(kHeads);
    for (const LaneHeads& lane : lanes_of_layer(kind, kHeads, kKvHeads))
      for (size_t head = lane.first_head; head < lane.first_head + lane.heads; ++head) {
        ++lanes_of_head[head];
        const size_t kv_head = head / (kHeads / kKvHeads);
        EXPECT_GE(kv_head, lane.first_kv_head);
        EXPECT_LT(kv_head, lane.first_kv_head + lane.kv_heads);
      }
    EXPECT_EQ(lanes_of_head, std::vector<int>(kHeads, 1));
  }
}

}  // namespace
}  // namespace dendrokv
