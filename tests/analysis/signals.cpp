#include "tests/analysis/signals.h"

#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "data/trace_writer.h"
#include "tests/support/files.h"

namespace dendrokv::testing {
namespace {

TracePlan plan_of(uint32_t tokens, Encoding encoding) {
  TracePlan plan;
  plan.info.policy = "full";
  plan.info.encoding = encoding;
  plan.info.tokens = tokens;
  plan.tokens.id.assign(tokens, 1);
  plan.tokens.offset.assign(tokens + size_t{1}, 0);
  plan.chunk_positions = tokens;
  return plan;
}

std::vector<std::byte> encoded(Encoding encoding, std::span<const float> weights) {
  std::vector<std::byte> chunk(weights.size() * encoded_bytes(encoding));
  encode_weights(encoding, weights, chunk);
  return chunk;
}

}  // namespace

void write_reference_trace(const std::filesystem::path& path, Encoding encoding) {
  constexpr uint32_t kTokens = 512, kChannels = 64;
  constexpr size_t kLayers[] = {0, 14, 29};
  const auto attention = read_npy<float>(data_file("attention/attention_last_row.npy"));
  const auto values = read_npy<float>(data_file("attention/values_layers_0_14_29.npy"));
  TracePlan plan = plan_of(kTokens, encoding);
  plan.info.model = {"reference", "llama", "sha", 30, 9, 3, kChannels, 49152, 8192, 1e5};
  for (const size_t layer : kLayers) plan.info.layers.emplace_back(layer);
  for (uint32_t head = 0; head < 9; ++head) plan.info.heads.emplace_back(head);
  plan.info.steps = {Step(kTokens - 1)};
  plan.chunk_steps = 1;
  TraceWriter writer(path, plan);
  for (size_t l = 0; l < 3; ++l) {
    for (size_t h = 0; h < 9; ++h)
      writer.write_weights(
          l, h, 0, 0,
          encoded(encoding, {attention.values.data() + (kLayers[l] * 9 + h) * kTokens, kTokens}));
    for (uint32_t g = 0; g < 3; ++g)
      writer.write_values(
          l, KvHead(g), Position(0),
          {values.values.data() + (l * 3 + g) * kTokens * kChannels, kTokens, kChannels});
  }
  writer.write_loss(std::vector<float>(kTokens, 0.0f));
  writer.mark_steps_valid(1);
  writer.finish();
}

void write_noise_trace(const std::filesystem::path& path, const NoiseTrace& shape) {
  TracePlan plan = plan_of(shape.tokens, Encoding::F32);
  plan.info.model = {"noise", "llama", shape.model, 2, 4, 2, 8, 100, 8192, 1e5};
  plan.info.layers = {Layer(0), Layer(1)};
  for (uint32_t head = 0; head < 4; ++head) plan.info.heads.emplace_back(head);
  for (uint32_t step = 0; step < shape.tokens; ++step) plan.info.steps.emplace_back(step);
  plan.chunk_steps = shape.tokens;
  TraceWriter writer(path, plan);
  std::mt19937 draw(shape.seed);
  std::normal_distribution<float> normal;
  for (size_t layer = 0; layer < 2; ++layer) {
    for (size_t head = 0; head < 4; ++head) {
      Grid<float> weights(shape.tokens, shape.tokens, std::numeric_limits<float>::quiet_NaN());
      for (size_t step = 0; step < shape.tokens; ++step)
        for (size_t p = 0; p <= step; ++p) {
          const float weight = std::abs(normal(draw));
          if (shape.window == 0 || step - p < shape.window) weights(step, p) = weight;
        }
      writer.write_weights(layer, head, 0, 0, encoded(Encoding::F32, weights.all()));
    }
    for (uint32_t kv_head = 0; kv_head < 2; ++kv_head) {
      Grid<float> values(shape.tokens, 8);
      for (float& value : values.all()) value = normal(draw);
      writer.write_values(layer, KvHead(kv_head), Position(0), values.view());
    }
  }
  writer.write_loss(std::vector<float>(shape.tokens, 0.0f));
  writer.mark_steps_valid(shape.tokens);
  writer.finish();
}

}  // namespace dendrokv::testing
