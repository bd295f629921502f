// The network against logits and attention weights of an independent float32 implementation, on
// tiny random models: one per architecture and tensor type, one with rotary divisors, one of the
// default model's shape.

#include "model/network.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <tuple>

#include "data/error.h"
#include "model/gguf.h"
#include "tests/model/collector.h"
#include "tests/model/gguf_file.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::data_file;
using testing::SeenRow;

struct Plan {
  std::string policy = "full";
  size_t block = 1000;  // tokens
  unsigned threads = 2;
  Isa isa = best_isa();
  size_t tokens = 0;  // the reference's over and over; 0: once
};

// A model without its tokenizer.
class TinyModel {
 public:
  TinyModel(const std::string& name, Arithmetic arithmetic)
      : TinyModel("models/" + name, "model.gguf", arithmetic) {}
  TinyModel(const std::string& folder, const std::string& model, Arithmetic arithmetic)
      : TinyModel(folder, testing::read_text(data_file(folder + "/" + model)), arithmetic, {}) {}
  /// `change` is done to the configuration before it is used.
  TinyModel(std::string folder, std::string bytes, Arithmetic arithmetic,
            const std::function<void(Config&)>& change)
      : folder_(std::move(folder)),
        bytes_(std::move(bytes)),
        gguf_(Gguf::parse(folder_, std::as_bytes(std::span(bytes_)))),
        config_(changed(read_config(gguf_), change)),
        weights_(checked_weights(gguf_, config_, arithmetic)),
        arithmetic_(arithmetic) {}

  std::filesystem::path file(const std::string& name) const {
    return data_file(folder_ + "/" + name);
  }
  const Config& config() const { return config_; }

  Grid<float> logits(Observer* observer, const Plan& plan = {}) const {
    auto ids = testing::read_npy<int32_t>(file("ids.npy")).values;
    for (size_t token = 0; ids.size() < plan.tokens; ++token) ids.push_back(ids[token]);
    const Kernels& kernels = kernels_for(plan.isa);
    ThreadPool pool(plan.threads);
    const CachePrecision precision =
        arithmetic_ == Arithmetic::Exact ? CachePrecision::F32 : CachePrecision::F16;
    Attention attention(config_, precision, PolicyChoice(plan.policy), EvictionLog::Keep, kernels,
                        pool);
    Network network(config_, weights_, arithmetic_, std::min(plan.block, ids.size()), kernels,
                    pool);
    const Stream streams[] = {{&attention, observer}};
    Grid<float> logits(ids.size(), config_.vocabulary);
    for (size_t first = 0; first < ids.size(); first += plan.block) {
      const auto block = std::span(ids).subspan(first, std::min(plan.block, ids.size() - first));
      attention.prepare(Step(first), block.size());
      network.logits(network.run(block, Step(first), streams),
                     logits.view().rows_from(first, block.size()));
    }
    return logits;
  }

 private:
  static Config changed(Config config, const std::function<void(Config&)>& change) {
    if (change) change(config);
    return config;
  }
  static Weights checked_weights(const Gguf& gguf, const Config& config, Arithmetic arithmetic) {
    check_tensors(gguf, config);
    return load_weights(gguf, config, arithmetic);
  }

  std::string folder_, bytes_;
  Gguf gguf_;
  Config config_;
  Weights weights_;
  Arithmetic arithmetic_;
};

bool same_bits(const Grid<float>& one, const Grid<float>& other) {
  return std::ranges::equal(one.all(), other.all(), [](float a, float b) {
    return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
  });
}

float largest_difference(std::span<const float> found, std::span<const float> expected) {
  EXPECT_EQ(found.size(), expected.size());
  float largest = 0;
  for (size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    EXPECT_TRUE(std::isfinite(found[i]));
    largest = std::max(largest, std::fabs(found[i] - expected[i]));
  }
  return largest;
}

float logit_difference(const std::string& name, Arithmetic arithmetic) {
  const TinyModel tiny(name, arithmetic);
  return largest_difference(tiny.logits(nullptr).all(),
                            testing::read_npy<float>(tiny.file("logits.npy")).values);
}

class TinyModels : public ::testing::TestWithParam<const char*> {};

// Two float32 implementations differ by 3e-5 here; the smallest honest mistakes cost 1e-3.
TEST_P(TinyModels, ExactLogitsEqualTheReference) {
  EXPECT_LT(logit_difference(GetParam(), Arithmetic::Exact), 2e-4f);
}

// 8-bit activations and an f16 cache move the logits of these models (spread 3) by 0.3 to 0.7
// elsewhere; a wrong block layout moves them by more than 5.
TEST_P(TinyModels, FastLogitsAreNearTheReference) {
  EXPECT_LT(logit_difference(GetParam(), Arithmetic::Fast), 0.8f);
}

INSTANTIATE_TEST_SUITE_P(Reference, TinyModels,
                         ::testing::Values("llama-gqa-tied", "llama-rope-llama3", "llama-f16",
                                           "llama-q4_0", "llama-q4_1", "llama-q5_1", "llama-q8_0",
                                           "llama-q4_k_m", "llama-q6_k", "llama-spm", "llama-yarn",
                                           "llama-yarn-factor", "llama-window", "qwen2", "qwen3",
                                           "gemma3"),
                         [](const auto& tiny) {
                           std::string name = tiny.param;
                           std::erase_if(name, [](char c) { return c == '-' || c == '_'; });
                           return name;
                         });

TEST_P(TinyModels, BlocksThreadsAndInstructionSetsGiveTheSameBits) {
  const TinyModel tiny(GetParam(), Arithmetic::Fast);
  const Grid<float> expected = tiny.logits(nullptr, {.block = 64, .threads = 1});
  for (const size_t block : {1u, 16u, 64u})
    for (const unsigned threads : {1u, 2u})
      EXPECT_TRUE(same_bits(tiny.logits(nullptr, {.block = block, .threads = threads}), expected))
          << block << " tokens, " << threads << " threads";
  for (const Isa isa : {Isa::Scalar, Isa::Avx2, Isa::Avx512}) {
    if (isa > best_isa()) continue;
    EXPECT_TRUE(same_bits(tiny.logits(nullptr, {.block = 16, .isa = isa}), expected))
        << isa_name(isa);
  }
}

// That these models would tell: one property of the file each, taken away.
TEST(Network, LogitsDependOnTheRampTheMagnitudeAndTheWindow) {
  const std::tuple<const char*, const char*, std::function<void(Config&)>> cases[] = {
      {"llama-yarn", "ramp", [](Config& config) { config.rotary.yarn.reset(); }},
      {"llama-yarn", "its first border", [](Config& config) { config.rotary.yarn->fast = 32; }},
      {"llama-yarn", "its second border", [](Config& config) { config.rotary.yarn->slow = 1; }},
      {"llama-yarn", "magnitude", [](Config& config) { config.rotary.magnitude = 1; }},
      {"llama-yarn-factor", "magnitude",
       [](Config& config) { config.rotary.magnitude = 1 + 0.1 * std::log(4.0); }},
      {"llama-window", "window", [](Config& config) { config.window = 25; }},
  };
  for (const auto& [name, what, change] : cases) {
    const std::string folder = std::string("models/") + name;
    const TinyModel tiny(folder, testing::read_text(data_file(folder + "/model.gguf")),
                         Arithmetic::Exact, change);
    EXPECT_GT(largest_difference(tiny.logits(nullptr).all(),
                                 testing::read_npy<float>(tiny.file("logits.npy")).values),
              1e-2f)
        << name << " " << what;
  }
}

TEST(Network, UnusualFilesGiveTheLogitsOfTheirBase) {
  for (const char* name :
       {"base", "version-2", "tensors-reversed", "keys-of-every-type", "bytes-after-the-data"}) {
    const TinyModel tiny("gguf/unusual", std::string(name) + ".gguf", Arithmetic::Exact);
    EXPECT_LT(largest_difference(tiny.logits(nullptr).all(),
                                 testing::read_npy<float>(tiny.file("logits.npy")).values),
              2e-4f)
        << name;
  }
}

class TinyAttention : public ::testing::TestWithParam<const char*> {};

// In layers with a window the reference has 0 for the keys behind it, exactly; so has the observer.
TEST_P(TinyAttention, ExactWeightsEqualTheReference) {
  const TinyModel tiny(GetParam(), Arithmetic::Exact);
  const auto expected = testing::read_npy<float>(tiny.file("attention.npy"));
  testing::Collector seen;
  tiny.logits(&seen);

  const size_t layers = expected.shape[0], heads = expected.shape[1], steps = expected.shape[2];
  ASSERT_EQ(seen.attention.size(), layers * heads * steps);
  for (const auto& [place, row] : seen.attention) {
    const auto [layer, head, step] = place;
    const size_t first = ((layer.index() * heads + head.index()) * steps + step.index()) * steps;
    const auto wanted = std::span(expected.values).subspan(first, step.index() + 1);
    ASSERT_EQ(row.weights.size(), step.index() + 1);
    EXPECT_LT(largest_difference(row.weights, wanted), 1e-5f);
    for (size_t key = 0; key <= step.index(); ++key)
      EXPECT_EQ(row.weights[key] == 0, wanted[key] == 0) << layer.value << " " << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Reference, TinyAttention,
                         ::testing::Values("llama-gqa-tied", "qwen3", "gemma3"),
                         [](const auto& tiny) {
                           std::string name = tiny.param;
                           std::erase(name, '-');
                           return name;
                         });

// Windows of 8 under a cache of the last 12: what layers 0 to 4 see is all there, so that their
// weights are those of the full cache, bit for bit. Rows that left are not told; rows behind the
// window are told with weight 0.
TEST(Network, WindowsSeeByPositionUnderABoundedCache) {
  const TinyModel tiny("gemma3", Arithmetic::Exact);
  ASSERT_EQ(tiny.config().window, 8u);
  testing::Collector full, bounded;
  tiny.logits(&full);
  tiny.logits(&bounded, {.policy = "sliding:capacity=12", .block = 16});
  for (const auto& [place, row] : bounded.attention) {
    const auto [layer, head, step] = place;
    if (layer.value > 4) continue;
    const SeenRow& whole = full.attention.at(place);
    ASSERT_EQ(row.weights.size(), std::min<size_t>(step.index() + 1, 13));
    const size_t gone = whole.weights.size() - row.weights.size();
    for (size_t slot = 0; slot < row.weights.size(); ++slot) {
      EXPECT_EQ(row.positions[slot], whole.positions[gone + slot]);
      EXPECT_EQ(row.weights[slot], whole.weights[gone + slot]);
      EXPECT_EQ(row.weights[slot] == 0, step.value - row.positions[slot].value >= 8);
    }
  }
}

// Lanes so long that one token's are cut for the threads, and tiles of tokens that begin and end
// behind windows.
TEST(Network, LongTextsGiveTheSameBitsInWindowsToo) {
  for (const Arithmetic arithmetic : {Arithmetic::Fast, Arithmetic::Exact}) {
    const TinyModel tiny("gemma3", arithmetic);
    for (const char* policy :
         {"full", "sliding:capacity=300", "treekv:sinks=4,recent=20,capacity=250"}) {
      const auto logits = [&](size_t block, unsigned threads) {
        return tiny.logits(nullptr,
                           {.policy = policy, .block = block, .threads = threads, .tokens = 400});
      };
      const Grid<float> expected = logits(64, 1);
      for (const size_t block : {1u, 16u, 400u})
        EXPECT_TRUE(same_bits(logits(block, 2), expected)) << policy << " " << block;
      EXPECT_TRUE(same_bits(logits(1, 1), expected)) << policy;
    }
  }
}

TEST(Network, ACacheThatHoldsEverythingChangesNothing) {
  for (const char* name : {"qwen3", "gemma3"}) {
    const TinyModel tiny(name, Arithmetic::Fast);
    const Grid<float> expected = tiny.logits(nullptr);
    for (const char* policy : {"treekv:sinks=4,recent=0,capacity=36", "streaming:sinks=4,recent=36",
                               "sliding:capacity=40,positions=rank"})
      EXPECT_TRUE(same_bits(tiny.logits(nullptr, {.policy = policy}), expected)) << policy;
  }
}

// Where W_o is 0, a bias of the attention output adds to the stream what an embedding with that
// bias in every row would have.
TEST(Network, BiasOfTheAttentionOutputIsAdded) {
  testing::GgufFile biased = testing::tiny_model();
  for (const char* name : {"token_embd.weight", "output.weight"})
    biased.set_floats(name, {16, 320});
  for (char& byte : biased.tensor("blk.0.attn_output.weight").data) byte = 0;
  testing::GgufFile shifted = biased;
  biased.set_floats("blk.0.attn_output.bias", {16});
  std::string& rows = shifted.tensor("token_embd.weight").data;
  const std::string& bias = biased.tensor("blk.0.attn_output.bias").data;
  for (size_t i = 0; i < rows.size() / 4; ++i) {
    float row = 0, add = 0;
    std::memcpy(&row, &rows[4 * i], 4);
    std::memcpy(&add, &bias[4 * (i % 16)], 4);
    row += add;
    std::memcpy(&rows[4 * i], &row, 4);
  }
  const auto logits = [](const testing::GgufFile& file) {
    return TinyModel("models/llama-gqa-tied", file.bytes(), Arithmetic::Exact, {}).logits(nullptr);
  };
  EXPECT_TRUE(same_bits(logits(biased), logits(shifted)));
}

// 64 layers of 64 KV heads of 1024 take 34 MB for a token: refused before anything is allocated.
TEST(Network, KeysAndValuesThatDoNotFitIntoMemoryAreRefused) {
  Config config;
  config.layers = config.heads = config.kv_heads = 64;
  config.head_dim = 1024;
  config.context_length = 1 << 24;
  config.spans.assign(config.layers, LayerSpan::All);
  config.rotary.divisors.assign(512, 1.0f);
  ThreadPool pool(1);
  const auto attention = [&](const char* policy) {
    return Attention(config, CachePrecision::F32, PolicyChoice(policy), EvictionLog::Keep,
                     kernels_for(best_isa()), pool);
  };
  EXPECT_NO_THROW(attention("full").check(4));
  EXPECT_NO_THROW(attention("sliding:capacity=3").check(1 << 24));
  try {
    attention("full").check(1 << 24);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.subject(), "text of 16777216 tokens");
    EXPECT_EQ(error.found(), "needs 562949954 MB for its keys and values");
  }
}

// Mistral's: every layer has one. A window of the whole text is none.
TEST(Network, AWindowOfEveryLayer) {
  const std::string bytes = testing::read_text(data_file("models/llama-gqa-tied/model.gguf"));
  const auto with_window = [&](uint32_t window) {
    return TinyModel("models/llama-gqa-tied", bytes, Arithmetic::Exact, [=](Config& config) {
      config.window = window;
      config.spans.assign(config.layers, LayerSpan::Window);
    });
  };
  const TinyModel plain("llama-gqa-tied", Arithmetic::Exact);
  EXPECT_TRUE(same_bits(with_window(32).logits(nullptr), plain.logits(nullptr)));
  testing::Collector seen;
  with_window(5).logits(&seen);
  for (const auto& [place, row] : seen.attention) {
    const Step step = std::get<Step>(place);
    for (size_t key = 0; key <= step.index(); ++key)
      EXPECT_EQ(row.weights[key] > 0, step.index() - key < 5) << step.value << " " << key;
  }
}

}  // namespace
}  // namespace dendrokv
