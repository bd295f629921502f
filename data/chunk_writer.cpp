#include "data/chunk_writer.h"

namespace dendrokv {
namespace {

constexpr size_t kMostHeld = size_t{4} << 20;  // of a write; twice as much gains nothing

}  // namespace

void ChunkWriter::write(h5::Dataset& dataset, const h5::Shape& start, PageBuffer chunk) {
  write_part(dataset, start, chunk.bytes());
  hold(std::move(chunk));
}

void ChunkWriter::write_part(h5::Dataset& dataset, const h5::Shape& start,
                             std::span<const std::byte> chunk) {
  dataset.write_chunk(start, chunk);
}

void ChunkWriter::hold(PageBuffer chunks) {
  held_bytes_ += chunks.size();
  held_.push_back(std::move(chunks));
  if (held_bytes_ >= kMostHeld) settle();
}

void ChunkWriter::settle() {
  file_.settle();
  held_.clear();
  held_bytes_ = 0;
}

}  // namespace dendrokv
