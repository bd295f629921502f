#pragma once
// A small trace of made-up attention: 2 layers, 4 heads on 2 KV heads, weights that depend on
// (layer, head, step, position).

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/grid.h"
#include "data/trace.h"

namespace dendrokv::testing {

/// What the trace says that it recorded; all of it unless changed.
struct SmallTrace {
  uint32_t tokens = 150;
  std::string policy = "full";
  std::vector<Layer> layers{Layer(0), Layer(1)};
  std::vector<Head> heads{Head(0), Head(1), Head(2), Head(3)};
  std::vector<Step> steps = {};  // empty = all
  KeyRows keys = KeyRows::Omit;

  /// Writes it to `path`, weights as F32, steps in chunks of 64.
  void write(const std::filesystem::path& path) const;
};

enum class SmallRow { Key, Value };
/// The row of a position, as the trace gives it back: [2], each number of half precision.
std::vector<float> small_trace_row(SmallRow what, Layer layer, KvHead kv_head, Position position);

/// The softmax weights of the heads [first_head, first_head + heads), [head, position 0..step].
Grid<float> small_trace_weights(Layer layer, Head first_head, size_t heads, Step step);

}  // namespace dendrokv::testing
