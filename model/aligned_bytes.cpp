#include "model/aligned_bytes.h"

#include <new>

namespace dendrokv {

namespace {
constexpr std::align_val_t kAlignment{64};
}

void AlignedBytes::Free::operator()(std::byte* bytes) const {
  ::operator delete[](bytes, kAlignment);
}

AlignedBytes aligned_bytes(size_t size) {
  AlignedBytes made;
  made.size = (size + 63) / 64 * 64;
  made.bytes.reset(new (kAlignment) std::byte[made.size]{});
  return made;
}

}  // namespace dendrokv
