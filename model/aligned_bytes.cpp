// A matrix or a lane of the cache is smaller than a huge page, so pages are shared: pieces are cut
// from regions one behind the other. A region is given back as a whole, with the last of its
// pieces; pieces that were allocated together mostly go together.

#include "model/aligned_bytes.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <utility>

namespace dendrokv {

namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmall = size_t{16} << 10;  // no gain below
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kRegion = 4 * kHugePage;

size_t rounded_up(size_t number, size_t step) {
  return (number + step - 1) / step * step;
}

std::byte* map_pages(size_t size) {
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(mapped);
}

// Zero pages from the system, from the start of a huge page on. That it gives huge ones is a wish.
std::shared_ptr<std::byte> map_region(size_t size) {
  std::byte* mapped = map_pages(size + kHugePage);
  const size_t before = -reinterpret_cast<uintptr_t>(mapped) % kHugePage;
  if (before > 0) munmap(mapped, before);
  munmap(mapped + before + size, kHugePage - before);
  madvise(mapped + before, size, MADV_HUGEPAGE);
  return {mapped + before, [size](std::byte* region) { munmap(region, size); }};
}

// The region that pieces are cut from now.
class Regions {
 public:
  AlignedBytes cut(size_t size) {
    const std::lock_guard lock(mutex_);
    if (size > size_ - used_) return cut_from_new(size);
    used_ += size;
    return {{region_.get() + used_ - size, {region_}}, size};
  }

 private:
  // Goes on with the region that has more room.
  AlignedBytes cut_from_new(size_t size) {
    const size_t region_size = std::max(kRegion, rounded_up(size, kHugePage));
    std::shared_ptr<std::byte> region = map_region(region_size);
    AlignedBytes made{{region.get(), {region}}, size};
    if (region_size - size > size_ - used_) {
      region_ = std::move(region);
      size_ = region_size;
      used_ = size;
    }
    return made;
  }

  std::mutex mutex_;
  std::shared_ptr<std::byte> region_;
  size_t size_ = 0, used_ = 0;
};

std::shared_ptr<std::byte> small_bytes(size_t size) {
  constexpr std::align_val_t kAlign{kAlignment};
  return {new (kAlign) std::byte[size]{},
          [](std::byte* bytes) { ::operator delete[](bytes, kAlign); }};
}

}  // namespace

AlignedBytes aligned_bytes(size_t size) {
  static Regions regions;
  size = rounded_up(size, kAlignment);
  if (size >= kSmall) return regions.cut(size);
  std::shared_ptr<std::byte> owner = small_bytes(size);
  return {{owner.get(), {owner}}, size};
}

}  // namespace dendrokv
