#include "data/page_pool.h"

#include <algorithm>
#include <cstdlib>
#include <map>
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

// Pieces are cut from slabs of the size of a huge page: fewer faults, and less for the system to look up when it writes them.
class PageBuffer::Pool {
 public:
  ~Pool() {
    for (void* slab : slabs_) std::free(slab);
  }

  std::byte* take(size_t size) {
    const std::lock_guard lock(mutex_);
    std::vector<std::byte*>& free = free_[size];
    if (free.empty()) add_slab(size, free);
    std::byte* data = free.back();
    free.pop_back();
    return data;
  }

  void give_back(std::byte* data, size_t size) {
    const std::lock_guard lock(mutex_);
    free_[size].push_back(data);
  }

 private:
  void add_slab(size_t size, std::vector<std::byte*>& free) {
    const size_t piece = rounded_up(std::max<size_t>(size, 1), kPageBytes);
    const size_t bytes = rounded_up(piece, kSlabBytes);
    void* slab = std::aligned_alloc(kSlabBytes, bytes);
    if (!slab) throw std::bad_alloc();
    slabs_.push_back(slab);
    madvise(slab, bytes, MADV_HUGEPAGE);  // a wish: where it is not granted, small pages do
    for (size_t at = 0; at + piece <= bytes; at += piece) free.push_back(static_cast<std::byte*>(slab) + at);
  }

  std::mutex mutex_;
  std::map<size_t, std::vector<std::byte*>> free_;  // by size, of which a trace has a handful
  std::vector<void*> slabs_;
};

PageBuffer::PageBuffer(std::shared_ptr<Pool> pool, std::byte* data, size_t size)
    : pool_(std::move(pool)), data_(data), size_(size) {}

PageBuffer::~PageBuffer() {
  if (pool_) pool_->give_back(data_, size_);
}

PageBuffer::PageBuffer(PageBuffer&& other) noexcept
    : pool_(std::move(other.pool_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

PageBuffer& PageBuffer::operator=(PageBuffer&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

PagePool::PagePool() : pool_(std::make_shared<PageBuffer::Pool>()) {}

PageBuffer PagePool::take(size_t size) const {
  return {pool_, pool_->take(size), size};
}

}  // namespace dendrokv
