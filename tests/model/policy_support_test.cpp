// Every policy of the table in a running model: what it may do, and that it leaves no trace until it does.

#include "model/policy_support.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "model/decoder.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

constexpr uint32_t kTokens = 90;

// Three query heads to a KV head, three KV heads.
const Model& model() {
  static const Model model = Model::load(testing::data_file("models/llama-gqa-tied/model.gguf"),
                                         LoadDepth::Run, Arithmetic::Exact);
  return model;
}

struct Outcome {
  std::vector<float> logits;
  std::vector<int32_t> evict_step;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome(std::string_view policy, const DecoderOptions& options = {.threads = 1}) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < kTokens; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % model().config().vocabulary));
  Decoder decoder(model(), PolicyChoice(policy), options);
  const auto logits = decoder.feed(ids, LogitsOf::All, nullptr);
  return {{logits.data(), logits.data() + logits.rows() * logits.cols()},
          decoder.run().retention.arrays().evict_step};
}

std::string error_of(std::string_view policy) {
  try {
    require_engine_support(PolicyChoice(policy), model().config());
  } catch (const Error& error) {
    return error.found();
  }
  return "no error";
}

/// A policy of the table with room for `budget` rows, its other options after it.
std::string with_budget(const std::string& policy, uint32_t budget) {
  const char separator = policy.find(':') == std::string::npos ? ':' : ',';
  return policy + separator + "budget=" + std::to_string(budget);
}

class EnginePolicies : public ::testing::TestWithParam<const char*> {};

TEST_P(EnginePolicies, WithRoomForAllAreFullBitForBit) {
  const Outcome found = outcome(with_budget(GetParam(), kTokens));
  EXPECT_EQ(found.logits, outcome("full").logits);
  EXPECT_EQ(std::count(found.evict_step.begin(), found.evict_step.end(), -1),
            static_cast<std::ptrdiff_t>(found.evict_step.size()));
}

TEST_P(EnginePolicies, KeepTheirBudgetAndGiveTheSameBitsWhateverTheThreadsAndBlocks) {
  const std::string policy = with_budget(GetParam(), 24);
  const Outcome expected = outcome(policy, {.threads = 1, .block_tokens = 1});
  EXPECT_NE(expected.logits, outcome("full").logits);
  for (const unsigned threads : {1u, 3u})
    EXPECT_EQ(outcome(policy, {.threads = threads, .block_tokens = 32}), expected);
  const size_t lanes = expected.evict_step.size() / kTokens;
  const auto kept =
      static_cast<size_t>(std::count(expected.evict_step.begin(), expected.evict_step.end(), -1));
  EXPECT_LE(kept, lanes * 32);  // 24, and at most 8 that wait for their cut
  EXPECT_GE(kept, lanes * 10);
}

INSTANTIATE_TEST_SUITE_P(
    Table, EnginePolicies,
    ::testing::Values("sliding", "streaming", "random:recent=8", "context-shift", "lacache",
                      "treekv:recent=8", "treekv:recent=8,score=value", "treekv:recent=8,group=max",
                      "treekv:recent=8,score=ema,scope=4", "treekv:recent=8,score=random",
                      "treekv:recent=8,prompt=60,block=4", "h2o:recent=8", "h2o-avg:recent=8",
                      "tova", "tova:share=kv-head", "treekv:recent=8,share=query-head",
                      "treekv:recent=8,share=layer", "treekv:recent=8,share=layer,score=value",
                      "snapkv:recent=4,every=8", "snapkv:recent=4,prompt=82,positions=rank",
                      "pyramidkv:recent=4,every=8,beta=3", "geo-topk:recent=4,every=8",
                      "norm-sum-blocks:sinks=2,recent=4,block=4,share=kv-head",
                      "r-kv:recent=4,every=8", "knorm:skip=0", "keydiff:every=8",
                      "lagkv:recent=4,every=8,lag=4", "expected-attention:every=8"));

TEST(PolicySupport, WhatTheEngineLacksIsRefusedByName) {
  EXPECT_EQ(error_of("oracle"), "needs the attention of later steps");
  EXPECT_EQ(error_of("adakv"), "decides for the lanes of a layer together");
  EXPECT_EQ(error_of("quest"), "reads some of the rows that it holds");
  EXPECT_EQ(error_of("expected-attention"), "no error");
}

}  // namespace
}  // namespace dendrokv
