// Every policy of the table in a running model: what it may do, and that it leaves no trace until
// it does.

#include "model/policy_support.h"

#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <set>

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

std::vector<int32_t> some_ids() {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < kTokens; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % model().config().vocabulary));
  return ids;
}

Outcome outcome(std::string_view policy, const DecoderOptions& options = {.threads = 1}) {
  const std::vector<int32_t> ids = some_ids();
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
                      "lagkv:recent=4,every=8,lag=4", "expected-attention:every=8",
                      "adakv:recent=4,every=8", "adakv:recent=4,every=8,base=h2o",
                      "adakv:recent=4,every=8,base=keydiff", "adakv:recent=4,prompt=82,alpha=1",
                      "adakv:recent=4,every=8,base=tova,share=query-head,positions=rank"));

/// Rows that a layer's heads saw at a step, positions and weights.
class LastStep final : public Observer {
 public:
  bool wants_attention(Layer, Head, Step step) const override { return step.value == kTokens - 1; }
  bool wants_rows(Layer) const override { return false; }
  void on_attention(std::span<const AttentionRow> rows) override {
    const std::lock_guard lock(mutex_);
    for (const AttentionRow& row : rows)
      weights[{row.layer, row.head}] = {row.weights.begin(), row.weights.end()};
  }
  void on_row(Layer, KvHead, Position, std::span<const float>, std::span<const float>) override {}
  void on_steps_done(Step, uint32_t) override {}
  std::map<std::pair<Layer, Head>, std::vector<float>> weights;

 private:
  std::mutex mutex_;
};

std::map<std::pair<Layer, Head>, std::vector<float>> last_weights(std::string_view policy,
                                                                  const DecoderOptions& options,
                                                                  CacheRows* rows = nullptr) {
  Decoder decoder(model(), PolicyChoice(policy), options);
  LastStep last;
  decoder.feed(some_ids(), LogitsOf::None, &last);
  if (rows != nullptr) *rows = decoder.rows();
  return last.weights;
}

// The first layer's queries and keys are those of full: its weights, of the rows read, up to their
// sum.
TEST(QuestInTheEngine, ReadsPagesAndHoldsAll) {
  CacheRows rows;
  const auto full = last_weights("full", {.threads = 1});
  const auto some = last_weights("quest:read=48,skip=0", {.threads = 1}, &rows);
  const uint64_t lanes = 6;
  EXPECT_EQ(rows.lanes, lanes);
  EXPECT_EQ(rows.held, lanes * kTokens);
  EXPECT_LE(rows.read, lanes * 48);
  EXPECT_GE(rows.read, lanes * 42);  // the page of the newest row may be short
  for (const auto& [place, weights] : some) {
    ASSERT_EQ(weights.size(), kTokens);
    double mass = 0;
    for (size_t page = 0; page < kTokens; page += 16) {
      const size_t end = std::min<size_t>(page + 16, kTokens);
      const bool read = weights[page] > 0;
      for (size_t slot = page; slot < end; ++slot) {
        EXPECT_EQ(weights[slot] > 0, read) << "whole pages, slot " << slot;
        if (read) mass += static_cast<double>(full.at(place)[slot]);
      }
    }
    if (place.first != Layer(0)) continue;
    for (size_t slot = 0; slot < kTokens; ++slot) {
      if (weights[slot] > 0) {
        EXPECT_NEAR(weights[slot], full.at(place)[slot] / mass, 1e-5);
      }
    }
  }
}

TEST(QuestInTheEngine, FirstLayersReadAllUnlessTold) {
  CacheRows rows;
  const auto some = last_weights("quest:read=48,skip=1", {.threads = 1}, &rows);
  EXPECT_EQ(some, last_weights("quest:read=48,skip=1", {.threads = 3, .block_tokens = 1}));
  EXPECT_GT(rows.read, 3 * kTokens);
  for (const auto& [place, weights] : some)
    if (place.first == Layer(0)) {
      EXPECT_EQ(std::count(weights.begin(), weights.end(), 0.0f), 0);
    }
}

TEST(QuestInTheEngine, GivesTheSameBitsWhateverTheThreadsAndBlocks) {
  const Outcome expected = outcome("quest:read=48", {.threads = 1, .block_tokens = 1});
  const Outcome some = outcome("quest:read=48,skip=0", {.threads = 1, .block_tokens = 1});
  EXPECT_EQ(expected.logits, outcome("full").logits);  // the model has two layers, both read all
  EXPECT_NE(some.logits, expected.logits);
  for (const unsigned threads : {1u, 2u, 3u})
    EXPECT_EQ(outcome("quest:read=48,skip=0", {.threads = threads, .block_tokens = 32}), some);
  EXPECT_EQ(outcome("quest:read=96,skip=0").logits, expected.logits);
}

TEST(AdaKvInTheEngine, SharesTheRowsOfALayerOut) {
  Decoder decoder(model(), PolicyChoice("adakv:budget=24,recent=4,every=1,alpha=0"),
                  {.threads = 2});
  decoder.feed(some_ids(), LogitsOf::None, nullptr);
  const Retention kept = decoder.run().retention;
  std::set<size_t> sizes;
  for (Layer layer; layer.value < kept.layers(); layer = layer.next()) {
    size_t together = 0;
    for (Lane lane; lane.value < kept.lanes(); lane = lane.next()) {
      const size_t rows = kept.kept_positions(layer, lane, Step(kTokens - 1)).size();
      sizes.insert(rows);
      together += rows;
    }
    EXPECT_LE(together, 3u * 24 + 2);
    EXPECT_GE(together, 3u * 24 - 3);
  }
  EXPECT_GT(sizes.size(), 1u) << "lanes are unequal";
}

TEST(PolicySupport, WhatTheEngineLacksIsRefusedByName) {
  EXPECT_EQ(error_of("oracle"), "needs the attention of later steps");
  EXPECT_EQ(error_of("adakv"), "no error");
  EXPECT_EQ(error_of("quest"), "no error");
  EXPECT_EQ(error_of("expected-attention"), "no error");
}

}  // namespace
}  // namespace dendrokv
