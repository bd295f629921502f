#include "data/page_pool.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace dendrokv {

class PageBuffer::Pool {
 public:
  ~Pool() {
    for (auto& [size, free] : free_)
      for (std::byte* data : free) std::free(data);
  }

  std::byte* take(size_t size) {
    {
      const std::lock_guard lock(mutex_);
      std::vector<std::byte*>& free = free_[size];
      if (!free.empty()) {
        std::byte* data = free.back();
        free.pop_back();
        return data;
      }
    }
    const size_t pages = (size + kPageBytes - 1) / kPageBytes * kPageBytes;
    void* data = std::aligned_alloc(kPageBytes, pages);
    if (!data) throw std::bad_alloc();
    return static_cast<std::byte*>(data);
  }

  void give_back(std::byte* data, size_t size) {
    const std::lock_guard lock(mutex_);
    free_[size].push_back(data);
  }

 private:
  std::mutex mutex_;
  std::map<size_t, std::vector<std::byte*>> free_;  // by size, of which a trace has a handful
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
