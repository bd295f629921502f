#pragma once
// Observer that writes a trace: encodes and reduces rows in the compute threads into chunk-sized
// buffers and hands full chunks to the writer's I/O thread.

#include <memory>

#include "data/trace_writer.h"
#include "model/observer.h"

namespace dendrokv {

class Recorder : public Observer {
 public:
  /// Records what plan.info lists: layers, heads, steps, and of them what plan.info.capture says,
  /// keys or not. `writer` was made from the same plan and must outlive the recorder.
  Recorder(TraceWriter& writer, const TracePlan& plan);
  ~Recorder() override;

  bool wants_attention(Layer layer, Head head, Step step) const override;
  bool wants_rows(Layer layer) const override;
  /// A row that is not finite, negative, or does not sum to 1 +- 1e-3 is an error of the engine:
  /// thrown by on_steps_done, as is one of the writer. Waits where the writer is behind.
  void on_attention(std::span<const AttentionRow> rows) override;
  void on_attention_done(std::span<const AttentionRow> rows) override;
  void on_row(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
              std::span<const float> value) override;
  void on_steps_done(Step first, uint32_t count) override;
  /// Hands over the last, partly filled chunks.
  void flush();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
