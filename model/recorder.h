#pragma once
// Observer that writes a trace: encodes rows in the compute threads into chunk-sized buffers and hands full chunks to the
// writer's I/O thread.

#include <memory>

#include "data/trace_writer.h"
#include "model/observer.h"

namespace dendrokv {

/// Sets the chunk shape of a plan from its tokens: about a tenth of a megabyte to half a megabyte per chunk. One chunk of every
/// recorded (layer, head) is in memory at a time, or as many as a row of positions needs.
void choose_chunks(TracePlan& plan);

class Recorder : public Observer {
 public:
  /// Records what plan.info lists: layers, heads, steps, keys or not. `writer` was made from the same plan and must outlive the
  /// recorder.
  Recorder(TraceWriter& writer, const TracePlan& plan);
  ~Recorder() override;

  bool wants_attention(Layer layer, Head head, Step step) const override;
  bool wants_rows(Layer layer) const override;
  /// A row that is not finite, negative, or does not sum to 1 +- 1e-3 is an error of the engine: thrown by on_steps_done.
  void on_attention(const AttentionRow& row) override;
  void on_row(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
              std::span<const float> value) override;
  /// Waits where the writer is behind.
  void on_steps_done(Step first, uint32_t count) override;
  /// Hands over the last, partly filled chunks.
  void flush();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
