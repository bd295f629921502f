#pragma once
// The one tap of the engine: what an instrument may see of a running model.

#include <span>

#include "data/ids.h"
#include "data/retention.h"

namespace dendrokv {

/// Softmax weights of one query head at one step, over all rows that its lane held then, the
/// query's own included.
struct AttentionRow {
  Layer layer;
  Head head;
  Step step;
  std::span<const Position> positions;  // [slot], rising
  std::span<const float> weights;       // [slot], sums to one
};

/// Asked first, told after. on_attention and on_row come from the engine's compute threads,
/// concurrently for different (layer, head, step); the rows of one KV head come one after the
/// other, in order of position. Spans are valid during the call only. Every kernel materialises the
/// weights.
///
/// on_attention gets the rows that one thread has made of a lane in one go: of each head that was
/// asked for one or more, together, of steps rising.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual bool wants_attention(Layer layer, Head head, Step step) const = 0;
  virtual bool wants_rows(Layer layer) const = 0;
  virtual void on_attention(std::span<const AttentionRow> rows) = 0;
  /// From the same thread some work later, with the same rows: time for what on_attention would
  /// have had to wait for.
  virtual void on_attention_done(std::span<const AttentionRow>) {}
  /// The un-rotated key and the value that a step appends to a KV head, [head_dim] each.
  virtual void on_row(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
                      std::span<const float> value) = 0;
  /// All layers have finished the steps [first, first + count). Called from the thread that drives
  /// the decoder.
  virtual void on_steps_done(Step first, uint32_t count) = 0;
};

}  // namespace dendrokv
