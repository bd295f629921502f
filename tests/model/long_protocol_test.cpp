// The paper's sizes, 4 + 508 + 512 rows (TreeKV, section 4), in the running model as it is used:
// default kernels, all policies in one pass. Reference: closed-loop runs in float32 with weights
// dequantised and activations never quantised, of which the means over tokens 1024 to 1535 are
// here. A fast engine, with 8-bit activations, is 0.02 nat from them at most; the whole protocol of
// 4,096 tokens is in docs/results.md. And the evictions of every lane, in exact arithmetic: all
// 3,072 under TreeKV.

#include <algorithm>
#include <gtest/gtest.h>
#include <optional>
#include <string>

#include "model/decoder.h"
#include "model/stream_scorer.h"
#include "tests/model/reference_text.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

constexpr size_t kTokens = 1536, kFrom = 1024;

struct ReferenceMean {
  const char* policy;
  double loss;  // of tokens 1024 to 1535, nat
};
constexpr ReferenceMean kMeans[] = {
    {"full", 3.45877},
    {"treekv:capacity=512,sinks=4,recent=508", 3.46926},
    {"treekv:capacity=512,sinks=4,recent=508,cursor=printed", 3.46661},
    {"treekv:capacity=512,sinks=4,recent=508,score=keep-left", 3.46779},
    {"h2o:capacity=512,sinks=4,recent=508", 3.46990},
    {"tova:capacity=1024,positions=rank", 3.47446},
    {"streaming:sinks=4,recent=1020", 3.45869},
};

TEST(LongProtocol, MeanLossesAreThoseOfTheReference) {
  std::vector<PolicyChoice> policies;
  for (const ReferenceMean& mean : kMeans) policies.emplace_back(mean.policy);
  StreamScorer scorer(testing::default_model(Arithmetic::Fast), policies, 0,
                      {.evictions = EvictionLog::Discard});
  Grid<float> nll(policies.size(), kTokens), kl(policies.size(), kTokens);
  Grid<int32_t> top1(policies.size(), kTokens);
  scorer.feed(testing::reference_text(kTokens), {nll.view(), top1.view(), kl.view()});
  for (size_t policy = 0; policy < policies.size(); ++policy) {
    double loss = 0, divergence = 0;
    for (size_t t = kFrom; t < kTokens; ++t) {
      loss += static_cast<double>(nll(policy, t));
      divergence += static_cast<double>(kl(policy, t));
    }
    EXPECT_NEAR(loss / (kTokens - kFrom), kMeans[policy].loss, 0.02) << kMeans[policy].policy;
    EXPECT_LT(divergence / (kTokens - kFrom), 0.06) << kMeans[policy].policy;
    EXPECT_EQ(divergence > 0, policy != 0) << kMeans[policy].policy;
    // Nothing leaves before there are more rows than the budget.
    for (size_t t = 1; t <= 1024; ++t) EXPECT_EQ(kl(policy, t), 0.0f) << t;
  }
}

// ---- victims

struct ReferenceLog {
  const char *name, *policy;
};
constexpr double kNearTie = 5e-5;  // of the score; sums of a thousand floats on either side
constexpr ReferenceLog kLogs[] = {
    {"treekv_advance", "treekv:capacity=512,sinks=4,recent=508"},
    {"treekv_printed", "treekv:capacity=512,sinks=4,recent=508,cursor=printed"},
    {"h2o", "h2o:capacity=512,sinks=4,recent=508"},
    {"tova_b", "tova:capacity=1024,positions=rank"},
};
void PrintTo(const ReferenceLog& log, std::ostream* out) {
  *out << log.name;
}

class LongLogs : public ::testing::TestWithParam<ReferenceLog> {
 protected:
  // The victims of steps 1024 onwards, [step, layer, lane].
  testing::Npy<int16_t> wanted_ = testing::read_npy<int16_t>(
      testing::data_file("policies/long/" + std::string(GetParam().name) + ".evicted.npy"));

  struct Difference {
    size_t step = 0, wanted = 0, found = 0;
  };
  /// The first of a lane, which decides on its own stream from there on.
  std::optional<Difference> first_difference(const Retention& retention, Layer layer,
                                             Lane lane) const {
    const auto evict_step = retention.evict_step(layer, lane);
    for (size_t step = 0; step < wanted_.shape[0]; ++step) {
      const size_t place =
          (step * wanted_.shape[1] + layer.index()) * wanted_.shape[2] + lane.index();
      const auto now = static_cast<int32_t>(kFrom + step);
      const auto victim = static_cast<size_t>(wanted_.values[place]);
      if (evict_step[victim] == now) continue;
      const auto other = std::ranges::find(evict_step, now);
      return Difference{static_cast<size_t>(now), victim,
                        static_cast<size_t>(other - evict_step.begin())};
    }
    return std::nullopt;
  }
};

// Both sides add up in float32, in another order each. So a lane may decide a near tie the other
// way, and from there on it and the layers behind it decide on another stream: each is compared up
// to its first difference, where the scores must be next to equal and the row that the reference
// dropped must be the one that would have gone next. TreeKV has no such difference in 3,072
// evictions. H2O, whose lowest of 512 sums are close, has one in 14 of 90 lanes by step 1535, and
// more lanes after that, as the layers behind them see another stream; TOVA has its first at step
// 1875, after which most of its lanes go their own ways: so their logs stop at 512 and 880
// evictions, and the printed cursor's at 128, for the time that it takes. docs/results.md compares
// all.
TEST_P(LongLogs, VictimsDifferFromTheReferenceAtNearTiesOnly) {
  const size_t steps = wanted_.shape[0], layers = wanted_.shape[1], lanes = wanted_.shape[2];
  Decoder decoder(testing::default_model(Arithmetic::Exact), PolicyChoice(GetParam().policy), {});
  decoder.feed(testing::reference_text(kFrom + steps), LogitsOf::None, nullptr);
  const Retention retention = decoder.run().retention;
  ASSERT_EQ(retention.lanes(), lanes);
  size_t differ = 0;
  for (Layer layer; layer.value < layers; layer = layer.next())
    for (Lane lane; lane.value < lanes; lane = lane.next()) {
      const auto difference = first_difference(retention, layer, lane);
      if (!difference) continue;
      ++differ;
      SCOPED_TRACE("layer " + std::to_string(layer.value) + ", lane " + std::to_string(lane.value) +
                   ", step " + std::to_string(difference->step));
      const size_t victim = difference->found;
      EXPECT_EQ(retention.rival(layer, lane)[victim], static_cast<int32_t>(difference->wanted));
      const double score = double{retention.score(layer, lane)[victim]},
                   rival = double{retention.rival_score(layer, lane)[victim]};
      EXPECT_LE(rival - score, kNearTie * rival);
    }
  EXPECT_LE(differ, layers * lanes / 5);
  EXPECT_TRUE(differ == 0 || GetParam().name != std::string("treekv_advance"));
  ::testing::Test::RecordProperty("differ", static_cast<int>(differ));
}

INSTANTIATE_TEST_SUITE_P(Reference, LongLogs, ::testing::ValuesIn(kLogs),
                         [](const auto& log) { return std::string(log.param.name); });

}  // namespace
}  // namespace dendrokv
