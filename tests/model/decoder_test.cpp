// The decoder on tiny models: bit equality over blocks, threads, instruction sets and idle
// policies; bad input.

#include "model/decoder.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <unistd.h>

#include "data/error.h"
#include "tests/model/collector.h"
#include "tests/support/files.h"
#include "tests/support/likelihood.h"

namespace dendrokv {
namespace {

constexpr size_t kTokens = 150;

const Model& tiny_model(Arithmetic arithmetic) {
  static const auto path = testing::data_file("models/llama-q4_1/model.gguf");
  static const Model fast = Model::load(path, LoadDepth::Run, Arithmetic::Fast);
  static const Model exact = Model::load(path, LoadDepth::Run, Arithmetic::Exact);
  return arithmetic == Arithmetic::Exact ? exact : fast;
}

// Three heads to a KV head, three KV heads.
const Model& grouped_model() {
  static const Model model = Model::load(testing::data_file("models/llama-gqa-tied/model.gguf"),
                                         LoadDepth::Run, Arithmetic::Exact);
  return model;
}

std::vector<int32_t> some_tokens(const Model& model, size_t count) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % model.config().vocabulary));
  return ids;
}

struct Outcome {
  std::vector<float> logits;
  std::vector<int32_t> evict_step;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome(const Model& model, std::string_view policy, const DecoderOptions& options,
                size_t tokens = kTokens) {
  Decoder decoder(model, PolicyChoice(policy), options);
  const auto logits = decoder.feed(some_tokens(model, tokens), LogitsOf::All, nullptr);
  return {{logits.data(), logits.data() + logits.rows() * logits.cols()},
          decoder.run().retention.arrays().evict_step};
}

class EveryPolicy : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryPolicy, BlocksOfAnySizeGiveTheSameBits) {
  for (const Arithmetic arithmetic : {Arithmetic::Fast, Arithmetic::Exact}) {
    const Model& model = tiny_model(arithmetic);
    const Outcome expected = outcome(model, GetParam(), {.threads = 1, .block_tokens = 64});
    EXPECT_EQ(outcome(model, GetParam(), {.threads = 1, .block_tokens = 1}), expected);
    EXPECT_EQ(outcome(model, GetParam(), {.threads = 1, .block_tokens = 7}), expected);
    EXPECT_EQ(outcome(model, GetParam(), {.threads = 1, .block_tokens = 4096}), expected);
  }
}

TEST_P(EveryPolicy, AnyNumberOfThreadsGivesTheSameBits) {
  const Outcome expected = outcome(grouped_model(), GetParam(), {.threads = 1});
  for (const unsigned threads : {2u, 3u, 5u})
    for (const uint32_t block : {1u, 64u})
      EXPECT_EQ(outcome(grouped_model(), GetParam(), {.threads = threads, .block_tokens = block}),
                expected);
}

TEST_P(EveryPolicy, EveryInstructionSetGivesTheSameBits) {
  for (const Arithmetic arithmetic : {Arithmetic::Fast, Arithmetic::Exact}) {
    const Model& model = tiny_model(arithmetic);
    const Outcome expected = outcome(model, GetParam(), {.threads = 2, .isa = Isa::Scalar});
    for (const Isa isa : {Isa::Avx2, Isa::Avx512}) {
      if (isa > best_isa()) continue;
      EXPECT_EQ(outcome(model, GetParam(), {.threads = 2, .isa = isa}), expected) << isa_name(isa);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Policies, EveryPolicy,
    ::testing::Values("full", "sliding:capacity=20", "sliding:capacity=100,positions=rank",
                      "streaming:sinks=2,recent=18", "treekv:sinks=2,recent=6,capacity=12",
                      "treekv:sinks=0,recent=0,capacity=20,cursor=printed,positions=original"),
    [](const auto& policy) { return "n" + std::to_string(policy.index); });

// Enough rows that one token's lanes are cut for several threads, and that blocks run abreast
// before and in sequence after the first eviction.
class LongLanes : public ::testing::TestWithParam<const char*> {};

TEST_P(LongLanes, AnyThreadsAndBlocksGiveTheSameBits) {
  constexpr size_t kLong = 420;
  const Outcome expected =
      outcome(grouped_model(), GetParam(), {.threads = 1, .block_tokens = 1}, kLong);
  for (const unsigned threads : {1u, 2u, 4u, 7u})
    for (const uint32_t block : {1u, 37u, 256u})
      EXPECT_EQ(
          outcome(grouped_model(), GetParam(), {.threads = threads, .block_tokens = block}, kLong),
          expected)
          << threads << " threads, blocks of " << block;
}

INSTANTIATE_TEST_SUITE_P(Policies, LongLanes,
                         ::testing::Values("treekv:sinks=4,recent=100,capacity=200",
                                           "streaming:sinks=4,recent=300",
                                           "treekv:sinks=0,recent=0,capacity=1000"),
                         [](const auto& policy) { return "n" + std::to_string(policy.index); });

class IdlePolicies : public ::testing::TestWithParam<const char*> {};

TEST_P(IdlePolicies, GiveTheBitsOfTheFullCache) {
  for (const Arithmetic arithmetic : {Arithmetic::Fast, Arithmetic::Exact}) {
    const Model& model = tiny_model(arithmetic);
    const DecoderOptions options{.threads = 2};
    EXPECT_EQ(outcome(model, GetParam(), options), outcome(model, "full", options));
  }
}

INSTANTIATE_TEST_SUITE_P(CapacityOfAllTokens, IdlePolicies,
                         ::testing::Values("treekv:sinks=0,recent=0,capacity=150",
                                           "treekv:sinks=4,recent=0,capacity=146",
                                           "streaming:sinks=4,recent=146", "sliding:capacity=150",
                                           "sliding:capacity=150,positions=rank"),
                         [](const auto& policy) { return "n" + std::to_string(policy.index); });

// Files whose matrices are stored in each of the layouts, or in several: the logits do not depend
// on how they are computed.
class EveryLayout : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryLayout, GivesTheSameBitsOnAnyInstructionSetThreadsAndBlocks) {
  const Model model =
      Model::load(testing::data_file(std::string("models/") + GetParam() + "/model.gguf"),
                  LoadDepth::Run, Arithmetic::Fast);
  const auto with = [&](unsigned threads, Isa isa, uint32_t block) {
    return outcome(model, "full", {.threads = threads, .isa = isa, .block_tokens = block}, 70);
  };
  const Outcome expected = with(1, Isa::Scalar, 64);
  for (const Isa isa : {Isa::Scalar, Isa::Avx2, Isa::Avx512}) {
    if (isa > best_isa()) continue;
    for (const unsigned threads : {1u, 2u})
      for (const uint32_t block : {1u, 16u, 64u})
        EXPECT_EQ(with(threads, isa, block), expected)
            << isa_name(isa) << ", " << threads << " threads, blocks of " << block;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, EveryLayout,
                         ::testing::Values("llama-f16", "llama-q4_0", "llama-q4_1", "llama-q4_k_m",
                                           "llama-q5_1", "llama-q6_k", "llama-q8_0"),
                         [](const auto& file) { return "n" + std::to_string(file.index); });

TEST(Decoder, FedPieceByPieceEqualsFedAtOnce) {
  const Model& model = tiny_model(Arithmetic::Fast);
  const auto ids = some_tokens(model, kTokens);
  Decoder whole(model, PolicyChoice("full"), {}), pieces(model, PolicyChoice("full"), {});
  const auto expected = whole.feed(ids, LogitsOf::Last, nullptr);
  EXPECT_EQ(pieces.feed(std::span(ids).first(70), LogitsOf::None, nullptr).rows(), 0u);
  EXPECT_EQ(pieces.feed({}, LogitsOf::Last, nullptr).rows(), 0u);
  const auto found = pieces.feed(std::span(ids).subspan(70), LogitsOf::Last, nullptr);
  ASSERT_EQ(found.rows(), 1u);
  EXPECT_TRUE(std::ranges::equal(found.row(0), expected.row(0)));
  EXPECT_EQ(pieces.next_step(), Step(kTokens));
}

TEST(Decoder, LossesAreThoseOfTheLogits) {
  const Model& model = tiny_model(Arithmetic::Fast);
  const auto ids = some_tokens(model, kTokens);
  Decoder decoder(model, PolicyChoice("full"), {}), scorer(model, PolicyChoice("full"), {});
  const auto logits = decoder.feed(ids, LogitsOf::All, nullptr);
  std::vector<float> nll(ids.size());
  scorer.feed_and_score(std::span(ids).first(1), std::span(nll).first(1), nullptr);
  scorer.feed_and_score(std::span(ids).subspan(1, 79), std::span(nll).subspan(1, 79), nullptr);
  scorer.feed_and_score(std::span(ids).subspan(80), std::span(nll).subspan(80), nullptr);
  EXPECT_TRUE(std::isnan(nll[0]));
  // float, from 10
  for (size_t i = 1; i < ids.size(); ++i)
    EXPECT_NEAR(nll[i], testing::negative_log_likelihood(logits.row(i - 1), ids[i]), 2e-6);
}

TEST(Decoder, ObserverSeesEveryRowOnceAndEachLaneInOrder) {
  const Model& model = grouped_model();
  const Config& config = model.config();
  const auto ids = some_tokens(model, 40);
  Decoder decoder(model, PolicyChoice("treekv:sinks=1,recent=2,capacity=4"),
                  {.threads = 2, .block_tokens = 16});
  testing::Collector seen;
  decoder.feed(ids, LogitsOf::None, &seen);
  EXPECT_EQ(seen.blocks,
            (std::vector<std::pair<Step, uint32_t>>{{Step(0), 16}, {Step(16), 16}, {Step(32), 8}}));
  ASSERT_EQ(seen.attention.size(), size_t{config.layers} * config.heads * ids.size());
  const Retention retention = decoder.run().retention;
  const uint32_t group = config.heads / config.kv_heads;
  for (const auto& [place, row] : seen.attention) {
    const auto [layer, head, step] = place;
    std::vector<Position> expected;
    for (uint32_t position = 0; position < ids.size(); ++position)
      if (retention.seen_by(layer, Lane(head.value / group), Position(position), step))
        expected.emplace_back(position);
    EXPECT_EQ(row.positions, expected);
    double sum = 0;
    for (const float weight : row.weights) sum += static_cast<double>(weight);
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  EXPECT_EQ(seen.values.size(), size_t{config.layers} * config.kv_heads);
  for (const auto& [lane, rows] : seen.values) EXPECT_EQ(rows.size(), ids.size() * config.head_dim);
}

TEST(Decoder, MemoryOfABoundedPolicyStaysFlatOnALongStream) {
  const Model& model = grouped_model();
  Decoder decoder(model, PolicyChoice("streaming:sinks=4,recent=12"),
                  {.threads = 1, .evictions = EvictionLog::Discard});
  const auto ids = some_tokens(model, 4 * size_t{model.config().context_length});
  decoder.feed(std::span(ids).first(64), LogitsOf::None, nullptr);
  const uint64_t bytes = decoder.kv_bytes();
  decoder.feed(std::span(ids).subspan(64), LogitsOf::None, nullptr);
  EXPECT_EQ(decoder.kv_bytes(), bytes);
  // Un-rotated and rotated keys, values; 17 rows and 2 gaps of floats.
  const Config& config = model.config();
  EXPECT_EQ(bytes, uint64_t{config.layers} * config.kv_heads * (17 + 2) * config.head_dim * 3 * 4);
}

size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  size_t pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// Far beyond the model's context, as an endless generation does.
TEST(Decoder, MemoryIsFlatAndLogitsFiniteAfterAHundredThousandTokens) {
  const Model& model = grouped_model();
  Decoder decoder(model, PolicyChoice("treekv:capacity=32,sinks=4,recent=28"),
                  {.threads = 1, .evictions = EvictionLog::Discard});
  const auto ids = some_tokens(model, 1000);
  for (size_t fed = 0; fed < 2'000; fed += ids.size()) decoder.feed(ids, LogitsOf::Last, nullptr);
  const size_t early = resident_bytes();
  for (size_t fed = 2'000; fed < 100'000; fed += ids.size())
    decoder.feed(ids, LogitsOf::Last, nullptr);
  EXPECT_LT(resident_bytes(), early + (size_t{1} << 20));
  const auto logits = decoder.feed(ids, LogitsOf::Last, nullptr);
  for (const float logit : logits.row(0)) EXPECT_TRUE(std::isfinite(logit));
}

TEST(Decoder, RefusesWhatItCannotFeedBeforeFeedingAnything) {
  const Model& model = tiny_model(Arithmetic::Fast);
  Decoder decoder(model, PolicyChoice("full"), {});
  const auto vocabulary = static_cast<int32_t>(model.config().vocabulary);
  EXPECT_THROW(decoder.feed(std::vector<int32_t>{1, vocabulary}, LogitsOf::Last, nullptr), Error);
  EXPECT_THROW(decoder.feed(std::vector<int32_t>{1, -1}, LogitsOf::Last, nullptr), Error);
  const auto too_many = some_tokens(model, size_t{model.config().context_length} + 1);
  EXPECT_THROW(decoder.feed(too_many, LogitsOf::None, nullptr), Error);
  EXPECT_EQ(decoder.next_step(), Step(0));
  decoder.feed(std::span(too_many).subspan(1), LogitsOf::None, nullptr);
  EXPECT_THROW(decoder.feed(std::span(too_many).first(1), LogitsOf::None, nullptr), Error);
}

TEST(Decoder, RefusesOptionsOutOfRange) {
  const Model& model = tiny_model(Arithmetic::Fast);
  const PolicyChoice full("full");
  EXPECT_THROW(Decoder(model, full, {.block_tokens = 0}), Error);
  EXPECT_THROW(Decoder(model, full, {.block_tokens = 1u << 20}), Error);
  EXPECT_THROW(Decoder(model, full, {.threads = 1u << 20}), Error);
}

}  // namespace
}  // namespace dendrokv
