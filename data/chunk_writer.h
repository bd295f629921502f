#pragma once
// Whole chunks into a file that gathers them: keeps each until the file has let go of it. Belongs
// to the I/O thread.

#include <span>
#include <vector>

#include "data/hdf5.h"
#include "data/page_pool.h"

namespace dendrokv {

class ChunkWriter {
 public:
  /// `file` was created with Writing::Direct and outlives the object.
  explicit ChunkWriter(h5::File& file) : file_(file) {}
  void write(h5::Dataset& dataset, const h5::Shape& start, PageBuffer chunk);
  /// One chunk of several in a buffer, which hold() gets after the last of them.
  void write_part(h5::Dataset& dataset, const h5::Shape& start, std::span<const std::byte> chunk);
  void hold(PageBuffer chunks);
  /// Everything so far is with the system.
  void settle();

 private:
  h5::File& file_;
  std::vector<PageBuffer> held_;
  size_t held_bytes_ = 0;
};

}  // namespace dendrokv
