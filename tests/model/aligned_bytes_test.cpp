#include "model/aligned_bytes.h"

#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <span>
#include <vector>

namespace dendrokv {
namespace {

std::span<std::byte> all_of(AlignedBytes& made) {
  return {made.bytes.get(), made.size};
}

bool holds_only(AlignedBytes& made, std::byte value) {
  return std::ranges::all_of(all_of(made), [=](std::byte byte) { return byte == value; });
}

// Below and above the size that huge pages are used from, and above a region of them.
const size_t kSizes[] = {1, 64, 1000, 16 << 10, 100'000, 3 << 20, 9 << 20};

TEST(AlignedBytes, AreAlignedZeroAndLargeEnough) {
  for (const size_t size : kSizes) {
    AlignedBytes made = aligned_bytes(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(made.bytes.get()) % 64, 0u);
    EXPECT_GE(made.size, size);
    EXPECT_EQ(made.size % 64, 0u);
    EXPECT_TRUE(holds_only(made, std::byte{0})) << size;
  }
}

// Pieces that share a region keep to themselves, and outlive one another in any order.
TEST(AlignedBytes, DoNotOverlap) {
  std::vector<AlignedBytes> pieces;
  for (size_t i = 0; i < 40; ++i) {
    pieces.push_back(aligned_bytes(kSizes[i % std::size(kSizes)] + 64 * i));
    std::ranges::fill(all_of(pieces.back()), static_cast<std::byte>(i + 1));
  }
  for (size_t i = 0; i < pieces.size(); i += 2) pieces[i] = {};
  for (size_t i = 1; i < pieces.size(); i += 2)
    EXPECT_TRUE(holds_only(pieces[i], static_cast<std::byte>(i + 1))) << i;
  for (const size_t size : kSizes) {
    AlignedBytes later = aligned_bytes(size);
    EXPECT_TRUE(holds_only(later, std::byte{0})) << "memory that was given back is not zero";
  }
}

TEST(AlignedBytes, OfNoSize) {
  const AlignedBytes none = aligned_bytes(0);
  EXPECT_EQ(none.size, 0u);
}

}  // namespace
}  // namespace dendrokv
