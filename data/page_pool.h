#pragma once
// Memory for whole chunks on their way to the disk: aligned to pages, so that it may bypass the
// page cache, and used again, so that a long recording does not fault in new pages all the time.

#include <cstddef>
#include <memory>
#include <span>

namespace dendrokv {

inline constexpr size_t kPageBytes = 4096;

/// Owner of a piece of a pool; goes back to it at the end. Outlives the pool, if need be. Not
/// initialised.
class PageBuffer {
 public:
  class Pool;
  PageBuffer() = default;
  ~PageBuffer();
  PageBuffer(PageBuffer&& other) noexcept;
  PageBuffer& operator=(PageBuffer&& other) noexcept;

  std::span<std::byte> bytes() { return {data_, size_}; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  size_t size() const { return size_; }

 private:
  friend class PagePool;
  struct Slab;
  PageBuffer(std::shared_ptr<Pool> pool, Slab* slab, std::byte* data, size_t size);

  std::shared_ptr<Pool> pool_;
  Slab* slab_ = nullptr;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// For pieces that live about as long as each other: memory is used again once the pieces that were
/// taken around the same time are back. Any thread may take.
class PagePool {
 public:
  PagePool();
  /// Throws std::bad_alloc.
  PageBuffer take(size_t size) const;

 private:
  std::shared_ptr<PageBuffer::Pool> pool_;
};

}  // namespace dendrokv
