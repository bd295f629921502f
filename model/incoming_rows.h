#pragma once
// The keys and values that came into a cache, to be found again in what it holds.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/attention_lane.h"
#include "model/model.h"

namespace dendrokv {

class IncomingRows {
 public:
  /// `model` must outlive the object.
  explicit IncomingRows(const Model& model);

  /// Of one KV head one call at a time, in order of position.
  void add(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
           std::span<const float> value);

  /// What is wrong with the first slot of a lane whose key or value is not the one that came with
  /// its position; empty = nothing.
  std::string fault_in(const AttentionLane& lane, Layer layer) const;

 private:
  /// Of a KV head.
  struct RowLog {
    std::vector<float> key_norm;       // [position]
    std::vector<uint64_t> value_hash;  // [position]
  };

  const RowLog& log_of(Layer layer, size_t kv_head) const {
    return rows_[layer.index() * model_.config().kv_heads + kv_head];
  }

  const Model& model_;
  std::vector<RowLog> rows_;  // [layer, KV head]
};

}  // namespace dendrokv
