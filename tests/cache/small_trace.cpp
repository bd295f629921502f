#include "tests/cache/small_trace.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/trace_writer.h"
#include "tests/cache/lane_run.h"

namespace dendrokv::testing {
namespace {

constexpr uint32_t kChunkSteps = 64, kChunkPositions = 100;

TracePlan plan_of(const SmallTrace& trace, const std::vector<Step>& steps) {
  TracePlan plan;
  plan.info.model = {.name = "small",
                     .architecture = "llama",
                     .sha256 = std::string(64, '0'),
                     .layers = 2,
                     .heads = 4,
                     .kv_heads = 2,
                     .head_dim = 2,
                     .vocabulary = 10,
                     .context_length = 1024,
                     .rope_base = 10000};
  plan.info.policy = trace.policy;
  plan.info.encoding = Encoding::F32;
  plan.info.keys = trace.keys;
  plan.info.tokens = trace.tokens;
  plan.info.layers = trace.layers;
  plan.info.heads = trace.heads;
  plan.info.steps = steps;
  plan.tokens.id.assign(trace.tokens, 1);
  plan.tokens.bytes.assign(trace.tokens, 'a');
  for (uint64_t token = 0; token <= trace.tokens; ++token) plan.tokens.offset.push_back(token);
  plan.chunk_steps = static_cast<uint32_t>(std::min<size_t>(kChunkSteps, steps.size()));
  plan.chunk_positions = kChunkPositions;
  return plan;
}

/// One chunk of one head, encoded; absent where a position has not come yet, and beyond the edges.
std::vector<std::byte> chunk_of(Layer layer, Head head, std::span<const Step> steps,
                                size_t chunk_steps, size_t first_position) {
  Grid<float> chunk(chunk_steps, kChunkPositions, std::numeric_limits<float>::quiet_NaN());
  for (size_t row = 0; row < steps.size(); ++row) {
    const Grid<float> weights = small_trace_weights(layer, head, 1, steps[row]);
    const size_t end = std::min(weights.cols(), first_position + kChunkPositions);
    for (size_t position = first_position; position < end; ++position)
      chunk(row, position - first_position) = weights(0, position);
  }
  std::vector<std::byte> bytes(chunk.all().size() * encoded_bytes(Encoding::F32));
  encode_weights(Encoding::F32, chunk.all(), bytes);
  return bytes;
}

}  // namespace

Grid<float> small_trace_weights(Layer layer, Head first_head, size_t heads, Step step) {
  Grid<float> weights(heads, step.index() + 1);
  for (size_t row = 0; row < heads; ++row) {
    const uint64_t seed = 1000 * layer.value + first_head.value + row;
    double sum = 0;
    for (Position position; position <= Position(step.value); position = position.next()) {
      weights(row, position.index()) = std::exp(3 * random_weight(seed, 0, step, position));
      sum += static_cast<double>(weights(row, position.index()));
    }
    for (float& weight : weights.row(row)) weight = static_cast<float>(weight / sum);
  }
  return weights;
}

std::vector<float> small_trace_row(SmallRow what, Layer layer, KvHead kv_head, Position position) {
  const uint64_t seed = what == SmallRow::Key ? 500 : 600;
  const auto number = [&](uint32_t channel) {
    // eighths: any number format holds them
    return (random_weight(seed + 10 * layer.value + kv_head.value, 17, Step(channel), position) -
            9.0f) /
           8.0f;
  };
  return {number(0), number(1)};
}

void SmallTrace::write(const std::filesystem::path& path) const {
  std::vector<Step> recorded = steps;
  if (recorded.empty())
    for (Step step; step.value < tokens; step = step.next()) recorded.push_back(step);
  const TracePlan plan = plan_of(*this, recorded);
  TraceWriter writer(path, plan);
  for (size_t first = 0; first < recorded.size(); first += plan.chunk_steps) {
    const size_t count = std::min<size_t>(plan.chunk_steps, recorded.size() - first);
    const std::span<const Step> rows(recorded.data() + first, count);
    for (size_t layer = 0; layer < layers.size(); ++layer)
      for (size_t head = 0; head < heads.size(); ++head)
        for (size_t position = 0; position < tokens; position += kChunkPositions)
          writer.write_weights(
              layer, head, first / plan.chunk_steps, position / kChunkPositions,
              chunk_of(layers[layer], heads[head], rows, plan.chunk_steps, position));
  }
  for (size_t layer = 0; layer < layers.size(); ++layer)
    for (const KvHead kv_head : {KvHead(0), KvHead(1)}) {
      const auto rows = [&](SmallRow what) {
        Grid<float> all(tokens, 2);
        for (Position position; position.value < tokens; position = position.next())
          std::ranges::copy(small_trace_row(what, layers[layer], kv_head, position),
                            all.row(position.index()).begin());
        return all;
      };
      writer.write_values(layer, kv_head, Position(0), rows(SmallRow::Value).view());
      if (keys == KeyRows::Record)
        writer.write_keys(layer, kv_head, Position(0), rows(SmallRow::Key).view());
    }
  writer.write_loss(std::vector<float>(tokens, std::numeric_limits<float>::quiet_NaN()));
  writer.mark_steps_valid(recorded.size());
  writer.finish();
}

}  // namespace dendrokv::testing
