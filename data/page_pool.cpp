#include "data/page_pool.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <utility>
#include <vector>

namespace dendrokv {

namespace {

constexpr size_t kSlabBytes = size_t{2} << 20;

size_t rounded_up(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

}  // namespace

struct PageBuffer::Slab {
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> bytes;
  size_t size = 0, used = 0;
  size_t out = 0;  // pieces that are with someone
};

// Pieces are cut one after the other from slabs of the size of a huge page: fewer faults, less for
// the system to look up when it writes them, and what was taken one after the other lies side by
// side. A slab is used again once all of its pieces have come back.
class PageBuffer::Pool {
 public:
  /// A piece, and the slab that it is from.
  std::pair<std::byte*, Slab*> take(size_t size) {
    const size_t piece = rounded_up(std::max<size_t>(size, 1), kPageBytes);
    const std::lock_guard lock(mutex_);
    Slab& slab = slab_with(piece);
    slab.used += piece;
    ++slab.out;
    return {slab.bytes.get() + slab.used - piece, &slab};
  }

  void give_back(Slab& slab) {
    const std::lock_guard lock(mutex_);
    if (--slab.out > 0) return;
    slab.used = 0;
    if (&slab != current_) free_.push_back(&slab);
  }

 private:
  Slab& slab_with(size_t bytes) {
    if (current_ && current_->size - current_->used >= bytes) return *current_;
    if (current_ && current_->out == 0) free_.push_back(current_);
    const auto fits =
        std::ranges::find_if(free_, [&](const Slab* slab) { return slab->size >= bytes; });
    if (fits == free_.end()) return *(current_ = &add_slab(bytes));
    current_ = *fits;
    free_.erase(fits);
    return *current_;
  }

  Slab& add_slab(size_t bytes) {
    const size_t size = rounded_up(bytes, kSlabBytes);
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(kSlabBytes, size));
    if (!memory) throw std::bad_alloc();
    madvise(memory, size, MADV_HUGEPAGE);  // a wish: where it is not granted, small pages do
    slabs_.push_back(std::make_unique<Slab>());
    slabs_.back()->bytes.reset(memory);
    slabs_.back()->size = size;
    return *slabs_.back();
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Slab>> slabs_;
  std::vector<Slab*> free_;  // all of whose pieces are back, but for the current one
  Slab* current_ = nullptr;
};

PageBuffer::PageBuffer(std::shared_ptr<Pool> pool, Slab* slab, std::byte* data, size_t size)
    : pool_(std::move(pool)), slab_(slab), data_(data), size_(size) {}

PageBuffer::~PageBuffer() {
  if (pool_) pool_->give_back(*slab_);
}

PageBuffer::PageBuffer(PageBuffer&& other) noexcept
    : pool_(std::move(other.pool_)),
      slab_(std::exchange(other.slab_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

PageBuffer& PageBuffer::operator=(PageBuffer&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(slab_, other.slab_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

PagePool::PagePool() : pool_(std::make_shared<PageBuffer::Pool>()) {}

PageBuffer PagePool::take(size_t size) const {
  const auto [data, slab] = pool_->take(size);
  return {pool_, slab, data, size};
}

}  // namespace dendrokv
