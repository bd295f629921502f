// The network against logits and attention weights of an independent float32 implementation, on tiny random models: one per
// tensor type, one with rotary divisors, one of the default model's shape.

#include "model/network.h"

#include <cmath>
#include <gtest/gtest.h>
#include <string>

#include "model/gguf.h"
#include "tests/model/collector.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::data_file;

// A model without its tokenizer, all of its tokens in one block.
class TinyModel {
 public:
  TinyModel(const std::string& name, Arithmetic arithmetic)
      : folder_("models/" + name),
        bytes_(testing::read_text(file("model.gguf"))),
        gguf_(Gguf::parse(name, std::as_bytes(std::span(bytes_)))),
        config_(read_config(gguf_)),
        weights_(checked_weights(gguf_, config_, arithmetic)),
        arithmetic_(arithmetic) {}

  std::filesystem::path file(const std::string& name) const {
    return data_file(folder_ + "/" + name);
  }

  Grid<float> logits(Observer* observer) const {
    const auto ids = testing::read_npy<int32_t>(file("ids.npy")).values;
    const Kernels& kernels = kernels_for(best_isa());
    ThreadPool pool(2);
    const CachePrecision precision =
        arithmetic_ == Arithmetic::Exact ? CachePrecision::F32 : CachePrecision::F16;
    Attention attention(config_, precision, PolicyChoice("full"), EvictionLog::Keep, kernels, pool);
    Network network(config_, weights_, arithmetic_, ids.size(), kernels, pool, attention);
    attention.prepare(Step(0), ids.size());
    Grid<float> logits(ids.size(), config_.vocabulary);
    network.logits(network.run(ids, Step(0), observer), logits.view());
    return logits;
  }

 private:
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

// 8-bit activations and an f16 cache move the logits of these models (spread 3) by 0.3 to 0.4 elsewhere; a wrong block layout
// moves them by more than 5.
TEST_P(TinyModels, FastLogitsAreNearTheReference) {
  EXPECT_LT(logit_difference(GetParam(), Arithmetic::Fast), 0.8f);
}

INSTANTIATE_TEST_SUITE_P(Reference, TinyModels,
                         ::testing::Values("llama-gqa-tied", "llama-rope-llama3", "llama-f16",
                                           "llama-q4_0", "llama-q4_1", "llama-q5_1", "llama-q8_0",
                                           "llama-q4_k_m", "llama-q6_k"),
                         [](const auto& tiny) {
                           std::string name = tiny.param;
                           std::erase_if(name, [](char c) { return c == '-' || c == '_'; });
                           return name;
                         });

TEST(Network, ExactAttentionEqualsTheReference) {
  const TinyModel tiny("llama-gqa-tied", Arithmetic::Exact);
  const auto expected = testing::read_npy<float>(tiny.file("attention.npy"));
  testing::Collector seen;
  tiny.logits(&seen);

  const size_t layers = expected.shape[0], heads = expected.shape[1], steps = expected.shape[2];
  ASSERT_EQ(seen.attention.size(), layers * heads * steps);
  for (const auto& [place, row] : seen.attention) {
    const auto [layer, head, step] = place;
    const size_t first = ((layer.index() * heads + head.index()) * steps + step.index()) * steps;
    ASSERT_EQ(row.weights.size(), step.index() + 1);
    EXPECT_LT(largest_difference(row.weights,
                                 std::span(expected.values).subspan(first, step.index() + 1)),
              1e-5f);
  }
}

}  // namespace
}  // namespace dendrokv
