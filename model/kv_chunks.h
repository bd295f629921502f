#pragma once
// Value and key rows on their way to the writer of a trace: a chunk of each recorded KV head,
// handed over when it is full.

#include <cstddef>
#include <span>
#include <vector>

#include "data/trace_writer.h"

namespace dendrokv {

class KvChunks {
 public:
  /// `writer` outlives the object.
  KvChunks(TraceWriter& writer, const TraceInfo& info);

  /// The rows of the next position, [head_dim] each; keys are kept where the trace records them.
  /// Any thread may call, for different KV heads. Throws what the writer throws.
  void append(size_t layer_index, KvHead kv_head, std::span<const float> key,
              std::span<const float> value);
  /// Hands over the last, partly filled chunks; the rows that did not come are absent.
  void flush();
  /// Rows of a chunk.
  size_t chunk_rows() const { return chunk_rows_; }

 private:
  /// The one that a KV head is filling.
  struct Chunk {
    size_t rows = 0;  // that came in all
    PageBuffer values, keys;
  };

  void put(PageBuffer& chunk, size_t row, std::span<const float> numbers) const;
  void put(Chunk& chunk, size_t row, std::span<const float> key,
           std::span<const float> value) const;
  void hand_over(size_t place);

  TraceWriter& writer_;
  const size_t kv_heads_, head_dim_, chunk_rows_;
  const Encoding encoding_;
  const KeyRows keys_;
  const PagePool pool_;        // of its own: these chunks are filled over several blocks of tokens
  std::vector<Chunk> chunks_;  // [recorded layer, kv_head]
};

}  // namespace dendrokv
