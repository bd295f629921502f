#pragma once
// Memory for the kernels.

#include <cstddef>
#include <memory>

namespace dendrokv {

/// Bytes aligned to 64, owned, zero at first. Large ones lie in huge pages where the system has
/// them: a token reads every weight and every cached key once, and with pages of 4 KiB that takes
/// 1.2 to 1.3 times as long.
struct AlignedBytes {
  /// Keeps what the bytes were cut from.
  struct Free {
    std::shared_ptr<std::byte> owner;
    void operator()(std::byte*) const {}
  };
  std::unique_ptr<std::byte[], Free> bytes;
  size_t size = 0;
};
/// Throws std::bad_alloc.
AlignedBytes aligned_bytes(size_t size);

}  // namespace dendrokv
