#include "plot/svg.h"

#include <gtest/gtest.h>

namespace dendrokv {
namespace {

TEST(Svg, EscapesAndRounds) {
  EXPECT_EQ(xml_escaped("<a href=\"x\">&'\x01"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39; ");
  EXPECT_EQ(coordinate(1.5), "1.5");
  EXPECT_EQ(coordinate(2), "2");
  EXPECT_EQ(coordinate(0.126), "0.13");
  EXPECT_EQ(coordinate(-0.001), "0");
}

}  // namespace
}  // namespace dendrokv
