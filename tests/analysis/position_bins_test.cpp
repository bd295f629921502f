#include "analysis/position_bins.h"

#include <gtest/gtest.h>
#include <string>

#include "data/error.h"

namespace dendrokv {
namespace {

std::string text(const std::vector<IndexRange>& bins) {
  std::string line;
  for (const IndexRange& bin : bins)
    line += (line.empty() ? "" : " ") + std::to_string(bin.first) + "+" + std::to_string(bin.count);
  return line;
}

// TreeKV's figure: 512 positions, 32 left out at each end, five levels: 14 blocks of 32 in 7 bins
// of two.
TEST(PositionBins, HaveWholeBlocksCountedFromTheEnd) {
  EXPECT_EQ(text(position_bins({32, 448}, 5)), "32+64 96+64 160+64 224+64 288+64 352+64 416+64");
}

TEST(PositionBins, LeaveOutWhatFillsNoBinAtTheStart) {
  EXPECT_EQ(text(position_bins({0, 36}, 2, 4)), "0+12 12+12 24+12");
  EXPECT_EQ(text(position_bins({0, 40}, 2, 4)), "4+12 16+12 28+12");
}

TEST(PositionBins, StartAndEndAtBlocks) {
  EXPECT_EQ(text(position_bins({3, 14}, 2)), "4+4 8+4 12+4");
}

TEST(PositionBins, RefuseLessThanTwoBlocks) {
  EXPECT_THROW(position_bins({32, 40}, 5), Error);
  EXPECT_THROW(position_bins({0, 0}, 1), Error);
  EXPECT_THROW(position_bins({1, 6}, 2), Error);  // 4 to 6 is no whole block
}

}  // namespace
}  // namespace dendrokv
