#pragma once
// Memory for the kernels.

#include <cstddef>
#include <memory>

namespace dendrokv {

/// Bytes aligned to 64, owned, zero at first.
struct AlignedBytes {
  struct Free {
    void operator()(std::byte* bytes) const;
  };
  std::unique_ptr<std::byte[], Free> bytes;
  size_t size = 0;
};
AlignedBytes aligned_bytes(size_t size);

}  // namespace dendrokv
