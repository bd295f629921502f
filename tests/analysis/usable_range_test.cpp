#include "analysis/usable_range.h"

#include <gtest/gtest.h>

namespace dendrokv {
namespace {

Analysis shape(uint32_t positions, uint32_t valid_first, uint32_t excluded) {
  Analysis analysis;
  analysis.positions = positions;
  analysis.valid_first = valid_first;
  analysis.valid_count = positions - valid_first;
  analysis.exclude_first = analysis.exclude_last = excluded;
  return analysis;
}

TEST(UsableRange, IsWhatIsValidAndNotExcluded) {
  EXPECT_EQ(usable_range(shape(100, 4, 32)).first, 32u);
  EXPECT_EQ(usable_range(shape(100, 4, 32)).count, 36u);
  EXPECT_EQ(usable_range(shape(100, 50, 32)).first, 50u);
  EXPECT_EQ(usable_range(shape(100, 50, 32)).count, 18u);
  EXPECT_EQ(usable_range(shape(100, 4, 0)).count, 96u);
  EXPECT_EQ(usable_range(shape(60, 28, 32)).count, 0u);
  EXPECT_EQ(usable_range(shape(30, 0, 32)).count, 0u);
  EXPECT_EQ(usable_range(shape(30, 0, 1000)).first, 30u);  // a place in a row of 30 positions
}

}  // namespace
}  // namespace dendrokv
