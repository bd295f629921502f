#include "model/kv_chunks.h"

#include <limits>
#include <utility>

namespace dendrokv {

KvChunks::KvChunks(TraceWriter& writer, const TraceInfo& info)
    : writer_(writer),
      kv_heads_(info.model.kv_heads),
      head_dim_(info.model.head_dim),
      chunk_rows_(kv_chunk_rows(info)),
      encoding_(kv_cell_bytes(info) == sizeof(float) ? Encoding::F32 : Encoding::F16),
      keys_(info.keys),
      chunks_(info.layers.size() * info.model.kv_heads) {}

void KvChunks::append(size_t layer_index, KvHead kv_head, std::span<const float> key,
                      std::span<const float> value) {
  const size_t place = layer_index * kv_heads_ + kv_head.index();
  Chunk& chunk = chunks_[place];
  const size_t row = chunk.rows % chunk_rows_;
  put(chunk, row, key, value);
  ++chunk.rows;
  if (row + 1 == chunk_rows_) hand_over(place);
}

void KvChunks::flush() {
  const std::vector<float> absent(head_dim_, std::numeric_limits<float>::quiet_NaN());
  for (size_t place = 0; place < chunks_.size(); ++place) {
    const size_t rows = chunks_[place].rows % chunk_rows_;
    if (rows == 0) continue;
    for (size_t row = rows; row < chunk_rows_; ++row) put(chunks_[place], row, absent, absent);
    hand_over(place);
  }
}

void KvChunks::put(Chunk& chunk, size_t row, std::span<const float> key,
                   std::span<const float> value) const {
  put(chunk.values, row, value);
  if (keys_ == KeyRows::Record) put(chunk.keys, row, key);
}

void KvChunks::put(PageBuffer& chunk, size_t row, std::span<const float> numbers) const {
  const size_t row_bytes = numbers.size() * encoded_bytes(encoding_);
  if (chunk.size() == 0) chunk = pool_.take(chunk_rows_ * row_bytes);
  encode_weights(encoding_, numbers, chunk.bytes().subspan(row * row_bytes, row_bytes));
}

void KvChunks::hand_over(size_t place) {
  Chunk& chunk = chunks_[place];
  const size_t index = (chunk.rows - 1) / chunk_rows_;
  const size_t layer = place / kv_heads_;
  const KvHead kv_head(place % kv_heads_);
  writer_.write_kv_chunk(KvRows::Value, layer, kv_head, index, std::exchange(chunk.values, {}));
  if (keys_ == KeyRows::Record)
    writer_.write_kv_chunk(KvRows::Key, layer, kv_head, index, std::exchange(chunk.keys, {}));
}

}  // namespace dendrokv
