#pragma once
// Observer that keeps all it is shown, for tests.

#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "model/observer.h"

namespace dendrokv::testing {

struct SeenRow {
  std::vector<Position> positions;
  std::vector<float> weights;
};

class Collector : public Observer {
 public:
  bool wants_attention(Layer, Head, Step) const override { return true; }
  bool wants_rows(Layer) const override { return true; }

  void on_attention(std::span<const AttentionRow> rows) override {
    const std::lock_guard lock(mutex_);
    for (const AttentionRow& row : rows)
      attention[{row.layer, row.head, row.step}] = {{row.positions.begin(), row.positions.end()},
                                                    {row.weights.begin(), row.weights.end()}};
  }

  void on_row(Layer layer, KvHead kv_head, Position, std::span<const float> key,
              std::span<const float> value) override {
    const std::lock_guard lock(mutex_);
    auto& keys_so_far = keys[{layer, kv_head}];
    keys_so_far.insert(keys_so_far.end(), key.begin(), key.end());
    auto& values_so_far = values[{layer, kv_head}];
    values_so_far.insert(values_so_far.end(), value.begin(), value.end());
  }

  void on_steps_done(Step first, uint32_t count) override { blocks.emplace_back(first, count); }

  std::map<std::tuple<Layer, Head, Step>, SeenRow> attention;
  std::map<std::pair<Layer, KvHead>, std::vector<float>> keys, values;  // [position, head_dim]
  std::vector<std::pair<Step, uint32_t>> blocks;

 private:
  std::mutex mutex_;
};

}  // namespace dendrokv::testing
