#pragma once
// Whole chunks into a file that gathers them: keeps each until the file has let go of it. Belongs to the I/O thread.

#include <vector>

#include "data/hdf5.h"
#include "data/page_pool.h"

namespace dendrokv {

class ChunkWriter {
 public:
  /// `file` was created with Writing::Direct and outlives the object.
  explicit ChunkWriter(h5::File& file) : file_(file) {}
  void write(h5::Dataset& dataset, const h5::Shape& start, PageBuffer chunk);
  /// Everything so far is with the system.
  void settle();

 private:
  h5::File& file_;
  std::vector<PageBuffer> held_;
  size_t held_bytes_ = 0;
};

}  // namespace dendrokv
