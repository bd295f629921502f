// Policies in the running model against recorded runs in float64: 512 tokens, 64 rows per lane, 30
// layers of 3 lanes.
//
// Policies that ignore attention must agree in every entry. The others decide near ties by the last
// bits, and a different victim changes all that follows: a lane is judged at its first difference,
// where the reference's own margin must be tiny, and by what is kept at the end. A wrong rule flips
// clear decisions, margins of 1e-3 and more.

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <string>

#include "cache/lane_replay.h"
#include "model/decoder.h"
#include "tests/model/collector.h"
#include "tests/model/reference_text.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::data_file;
using testing::read_npy;

constexpr uint32_t kTokens = 512;

struct ReferenceRun {
  std::string_view name, policy;
  double mean_loss;  // of tokens 1 to 511, nat
};

void PrintTo(const ReferenceRun& run, std::ostream* out) {
  *out << run.name;
}

// The position that left at each step, -1 = none.
using Victims = std::vector<int>;

std::vector<bool> kept_after(const Victims& victims) {
  std::vector<bool> kept(kTokens, true);
  for (const int victim : victims)
    if (victim >= 0) kept[static_cast<size_t>(victim)] = false;
  return kept;
}

// One run of the model, judged in one test: running it is what takes the time.
class ClosedLoop : public ::testing::TestWithParam<ReferenceRun> {
 protected:
  ClosedLoop()
      : decoder_(testing::default_model(Arithmetic::Exact), PolicyChoice(GetParam().policy), {}),
        evicted_(read_npy<int16_t>(file("evicted"))) {
    std::vector<float> nll(kTokens);
    decoder_.feed_and_score(testing::reference_text(kTokens), nll, nullptr);
    mean_loss_ = std::accumulate(nll.begin() + 1, nll.end(), 0.0) / (kTokens - 1);
    result_ = decoder_.run();
  }

  // One decision the other way would move the mean by some 1e-3.
  void expect_same_summary() const {
    EXPECT_EQ(result_.mode, RunMode::ClosedLoop);
    EXPECT_EQ(result_.budget, 64u);
    EXPECT_EQ(result_.policy, PolicyChoice(GetParam().policy).text());
    EXPECT_EQ(result_.retention.tokens(), kTokens);
    EXPECT_EQ(result_.retention.layers(), evicted_.shape[1]);
    EXPECT_NEAR(mean_loss_, GetParam().mean_loss, 2e-3);
  }

  std::filesystem::path file(const std::string& what) const {
    return data_file("policies/short/" + std::string(GetParam().name) + "." + what + ".npy");
  }
  size_t lanes() const { return evicted_.shape[1] * evicted_.shape[2]; }
  size_t place(size_t step, size_t lane) const { return step * lanes() + lane; }

  Victims found(size_t lane) const {
    Victims victims(kTokens, -1);
    // One cache per layer is that of each of the layer's KV heads.
    const size_t layer = lane / evicted_.shape[2], kv_head = lane % evicted_.shape[2];
    const bool shared = result_.retention.lanes() == 1;
    const auto steps = result_.retention.evict_step(Layer(layer), Lane(shared ? 0 : kv_head));
    for (size_t position = 0; position < kTokens; ++position)
      if (steps[position] >= 0)
        victims[static_cast<size_t>(steps[position])] = static_cast<int>(position);
    return victims;
  }
  Victims expected(size_t lane) const {
    Victims victims(kTokens);
    for (size_t step = 0; step < kTokens; ++step)
      victims[step] = evicted_.values[place(step, lane)];
    return victims;
  }

 private:
  Decoder decoder_;
  testing::Npy<int16_t> evicted_;  // [step, layer, kv_head]
  double mean_loss_ = 0;
  dendrokv::Run result_;  // Test::Run hides the name
};

class BlindPolicies : public ClosedLoop {};

TEST_P(BlindPolicies, EvictWhatTheReferenceEvicts) {
  expect_same_summary();
  for (size_t lane = 0; lane < lanes(); ++lane)
    EXPECT_EQ(found(lane), expected(lane)) << "lane " << lane;
}

class ScoredPolicies : public ClosedLoop {};

TEST_P(ScoredPolicies, DifferFromTheReferenceAtNearTiesOnly) {
  expect_same_summary();
  const auto margin = read_npy<float>(file("margin"));
  size_t same = 0;
  for (size_t lane = 0; lane < lanes(); ++lane) {
    const Victims found = this->found(lane), expected = this->expected(lane);
    const auto step = static_cast<size_t>(
        std::mismatch(found.begin(), found.end(), expected.begin()).first - found.begin());
    const float margin_there = step < kTokens ? margin.values[place(step, lane)] : 0;
    EXPECT_LE(margin_there, 1e-5f) << "lane " << lane << ", step " << step;
    const auto kept = kept_after(found), wanted = kept_after(expected);
    EXPECT_EQ(std::count(kept.begin(), kept.end(), true), 64);
    for (size_t position = 0; position < kTokens; ++position)
      same += kept[position] && wanted[position] ? 1 : 0;
  }
  EXPECT_GE(static_cast<double>(same), 0.98 * 64 * static_cast<double>(lanes()));
}

// The first layer's inputs do not depend on the cache: with original positions a replay of its full
// attention is the closed loop.
class FirstLayer final : public testing::Collector {
 public:
  bool wants_attention(Layer layer, Head, Step) const override { return layer == Layer(0); }
  bool wants_rows(Layer) const override { return false; }
};

TEST(OpenLoop, OfTheFirstLayerWithOriginalPositionsIsTheClosedLoop) {
  const Model& model = testing::default_model(Arithmetic::Exact);
  Decoder decoder(model, PolicyChoice("full"), {});
  FirstLayer first_layer;
  decoder.feed(testing::reference_text(kTokens), LogitsOf::None, &first_layer);
  const auto evicted = read_npy<int16_t>(data_file("policies/short/tova_a.evicted.npy"));
  const auto margin = read_npy<float>(data_file("policies/short/tova_a.margin.npy"));
  const size_t stride = evicted.shape[1] * evicted.shape[2], heads = model.config().heads;
  LaneReplay lane(PolicyChoice("tova:capacity=64"), Layer(0), Lane(0), kTokens);
  size_t same = 0;
  for (Step step; step.value < kTokens; step = step.next(), ++same) {
    Grid<float> weights(heads, step.index() + 1);
    for (Head head; head.value < heads; head = head.next())
      std::ranges::copy(first_layer.attention.at({Layer(0), head, step}).weights,
                        weights.row(head.index()).begin());
    const auto left = lane.step(weights.view());
    const int victim = left.empty() ? -1 : static_cast<int>(left[0].victim.value);
    if (victim == evicted.values[step.index() * stride]) continue;
    EXPECT_LE(margin.values[step.index() * stride], 1e-5f) << "step " << step.value;
    break;
  }
  EXPECT_GT(same, 64u);
}

constexpr ReferenceRun kBlind[] = {
    {"treekv_keep_left", "treekv:capacity=32,sinks=4,recent=28,score=keep-left", 3.5401318},
    {"streaming", "streaming:sinks=4,recent=60", 3.5396209},
    {"sliding_a", "sliding:capacity=64,positions=original", 4.3603366},
};
constexpr ReferenceRun kScored[] = {
    {"treekv_advance", "treekv:capacity=32,sinks=4,recent=28", 3.4965140},
    {"treekv_printed", "treekv:capacity=32,sinks=4,recent=28,cursor=printed", 3.5063052},
    {"treekv_whole", "treekv:capacity=64,sinks=0,recent=0", 3.5677696},
    {"h2o", "h2o:capacity=32,sinks=4,recent=28,positions=rank", 3.5480216},
    {"tova_a", "tova:capacity=64,positions=original", 3.4960164},
    {"tova_b", "tova:capacity=64,positions=rank", 3.4996184},
};
const auto name_of = [](const auto& run) { return std::string(run.param.name); };
INSTANTIATE_TEST_SUITE_P(Reference, BlindPolicies, ::testing::ValuesIn(kBlind), name_of);
INSTANTIATE_TEST_SUITE_P(Reference, ScoredPolicies, ::testing::ValuesIn(kScored), name_of);

}  // namespace
}  // namespace dendrokv
