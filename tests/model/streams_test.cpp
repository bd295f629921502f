// Several caches side by side on tiny models: each gives the bits that it gives alone, over block
// sizes, threads and instruction sets; what each held and read; bad input.

#include "model/streams.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "model/decoder.h"
#include "tests/model/collector.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

constexpr size_t kTokens = 100;

// Three heads to a KV head, three KV heads.
const Model& model_of(Arithmetic arithmetic) {
  static const auto path = testing::data_file("models/llama-gqa-tied/model.gguf");
  static const Model fast = Model::load(path, LoadDepth::Run, Arithmetic::Fast);
  static const Model exact = Model::load(path, LoadDepth::Run, Arithmetic::Exact);
  return arithmetic == Arithmetic::Exact ? exact : fast;
}

std::vector<int32_t> some_tokens(const Model& model, size_t count) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % model.config().vocabulary));
  return ids;
}

// Evicting and not, by scores of the weights, keys and windows of them, with lanes of every kind.
const std::vector<PolicyChoice>& policies() {
  static const std::vector<PolicyChoice> policies = [] {
    std::vector<PolicyChoice> choices;
    for (const char* spec :
         {"treekv:sinks=2,recent=6,capacity=12", "full", "streaming:sinks=2,recent=18",
          "h2o:sinks=2,recent=6,capacity=12,positions=rank", "tova:capacity=20",
          "treekv:sinks=2,recent=6,capacity=12,share=query-head", "full",
          "treekv:sinks=4,recent=60,capacity=36"})
      choices.emplace_back(spec);
    return choices;
  }();
  return policies;
}

struct Outcome {
  std::vector<float> logits;
  std::vector<int32_t> evict_step;
  bool operator==(const Outcome&) const = default;
};

Outcome alone(const Model& model, const PolicyChoice& policy) {
  Decoder decoder(model, policy, {.threads = 1});
  const auto logits = decoder.feed(some_tokens(model, kTokens), LogitsOf::All, nullptr);
  return {{logits.data(), logits.data() + logits.rows() * logits.cols()},
          decoder.run().retention.arrays().evict_step};
}

std::vector<Outcome> together(const Model& model, const DecoderOptions& options) {
  Streams streams(model, policies(), options);
  std::vector<Outcome> outcomes(streams.count());
  streams.feed(some_tokens(model, kTokens), {}, [&](const Streams::Block& block) {
    for (size_t stream = 0; stream < streams.count(); ++stream) {
      Grid<float> logits(block.tokens, model.config().vocabulary);
      streams.logits(block.of(stream), logits.view());
      auto& all = outcomes[stream].logits;
      all.insert(all.end(), logits.all().begin(), logits.all().end());
    }
  });
  for (size_t stream = 0; stream < streams.count(); ++stream)
    outcomes[stream].evict_step = streams.run(stream).retention.arrays().evict_step;
  return outcomes;
}

TEST(Streams, EachGivesTheBitsThatItGivesAlone) {
  for (const Arithmetic arithmetic : {Arithmetic::Fast, Arithmetic::Exact}) {
    const Model& model = model_of(arithmetic);
    std::vector<Outcome> expected;
    for (const PolicyChoice& policy : policies()) expected.push_back(alone(model, policy));
    for (const Isa isa : {Isa::Scalar, Isa::Avx2, Isa::Avx512}) {
      if (isa > best_isa()) continue;
      for (const unsigned threads : {1u, 3u})
        for (const uint32_t block : {1u, 7u, 64u}) {
          if (isa == Isa::Scalar && block != 64) continue;  // minutes in a debug build
          const auto found =
              together(model, {.threads = threads, .isa = isa, .block_tokens = block});
          for (size_t stream = 0; stream < found.size(); ++stream)
            EXPECT_EQ(found[stream], expected[stream])
                << policies()[stream].text() << ", " << isa_name(isa) << ", " << threads
                << " threads, blocks of " << block;
        }
    }
  }
}

TEST(Streams, ObserversWatchTheirOwnCache) {
  const Model& model = model_of(Arithmetic::Exact);
  const PolicyChoice choices[] = {PolicyChoice("full"), PolicyChoice("streaming:sinks=1,recent=3")};
  Streams streams(model, choices, {.threads = 2, .block_tokens = 16});
  testing::Collector full, bounded;
  Observer* const observers[] = {&full, &bounded};
  streams.feed(some_tokens(model, 20), observers, [](const Streams::Block&) {});
  EXPECT_EQ(full.attention.at({Layer(1), Head(4), Step(19)}).positions.size(), 20u);
  EXPECT_EQ(bounded.attention.at({Layer(1), Head(4), Step(19)}).positions.size(), 5u);
  EXPECT_EQ(full.blocks, (std::vector<std::pair<Step, uint32_t>>{{Step(0), 16}, {Step(16), 4}}));
}

TEST(Streams, UseCountsRowsThatLanesHeldAndQueriesRead) {
  const Model& model = model_of(Arithmetic::Fast);
  const Config& config = model.config();
  const PolicyChoice choices[] = {PolicyChoice("full"),
                                  PolicyChoice("streaming:sinks=4,recent=12")};
  const uint64_t lanes = uint64_t{config.layers} * config.kv_heads;
  const uint64_t row = 2 * config.head_dim;  // bytes of a key or a value
  for (const uint32_t block : {1u, 64u}) {
    Streams streams(model, choices, {.block_tokens = block});
    streams.feed(some_tokens(model, kTokens), {}, [](const Streams::Block&) {});
    const CacheUse full = streams.use(0), bounded = streams.use(1);
    EXPECT_EQ(full.lanes, lanes);
    EXPECT_EQ(full.most_rows, lanes * kTokens);
    EXPECT_EQ(full.most_bytes, lanes * kTokens * 2 * row);
    EXPECT_EQ(full.rows_read, lanes * kTokens * (kTokens + 1) / 2);
    EXPECT_EQ(full.bytes_read, full.rows_read * 2 * row);
    // 16 rows and this step's own; keys by rank are kept un-rotated, too.
    EXPECT_EQ(bounded.most_rows, lanes * 17);
    EXPECT_EQ(bounded.most_bytes, lanes * 17 * 3 * row);
    EXPECT_EQ(bounded.rows_read, lanes * (17 * 18 / 2 + (kTokens - 17) * 17));
  }
}

TEST(Streams, WhatOneOfThemCannotTakeIsRefusedBeforeAnythingIsFed) {
  const Model& model = model_of(Arithmetic::Fast);
  const PolicyChoice choices[] = {PolicyChoice("streaming:sinks=4,recent=12"),
                                  PolicyChoice("full")};
  Streams streams(model, choices, {});
  const auto nothing = [](const Streams::Block&) { FAIL(); };
  const auto too_many = some_tokens(model, size_t{model.config().context_length} + 1);
  EXPECT_THROW(streams.feed(too_many, {}, nothing), Error);
  EXPECT_THROW(streams.check_room(too_many.size()), Error);
  streams.check_room(too_many.size() - 1);
  EXPECT_THROW(streams.feed(std::vector<int32_t>{1, -1}, {}, nothing), Error);
  EXPECT_EQ(streams.next_step(), Step(0));
}

}  // namespace
}  // namespace dendrokv
