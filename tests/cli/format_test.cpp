#include "cli/format.h"

#include <gtest/gtest.h>
#include <limits>

#include "cli/terminal.h"

namespace dendrokv {
namespace {

TEST(Significant, HasThreeDigitsAndNoExponent) {
  EXPECT_EQ(significant(0), "0.00");
  EXPECT_EQ(significant(0.012345), "0.0123");
  EXPECT_EQ(significant(1.2345), "1.23");
  EXPECT_EQ(significant(-12.345), "-12.3");
  EXPECT_EQ(significant(123456), "123456");
  EXPECT_EQ(significant(std::numeric_limits<double>::quiet_NaN()), "-");
}

TEST(BytesText, CountsInDecimalUnits) {
  EXPECT_EQ(bytes_text(999), "999 bytes");
  EXPECT_EQ(bytes_text(98'362'432), "98.4 MB");
  EXPECT_EQ(bytes_text(2'200'000'000'000), "2.20 TB");
}

TEST(TextTable, AlignsColumns) {
  TextTable table;
  table.row({"a", "bb"}).row({"ccc", "d"});
  EXPECT_EQ(table.text(1), " a    bb\n ccc  d\n");
}

TEST(BarText, FillsWithTheFraction) {
  EXPECT_EQ(bar_text(0, 4), "[....]");
  EXPECT_EQ(bar_text(0.5, 4), "[##..]");
  EXPECT_EQ(bar_text(2, 4), "[####]");
}

TEST(DurationText, SaysMinutesAndHours) {
  EXPECT_EQ(duration_text(7.4), "0:07");
  EXPECT_EQ(duration_text(750), "12:30");
  EXPECT_EQ(duration_text(3723), "1:02:03");
}

}  // namespace
}  // namespace dendrokv
