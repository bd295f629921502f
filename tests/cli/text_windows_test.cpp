#include "cli/text_windows.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <set>

#include "data/error.h"

namespace dendrokv {
namespace {

std::vector<int32_t> counted(size_t count) {
  std::vector<int32_t> ids(count);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

TEST(TextWindows, LieSideBySideAndLeaveOutTheRest) {
  const auto windows = text_windows("t", counted(35), {10, {}, 1, {}});
  ASSERT_EQ(windows.size(), 3u);
  for (size_t w = 0; w < 3; ++w) {
    EXPECT_EQ(windows[w].first, 10 * w);
    ASSERT_EQ(windows[w].ids.size(), 10u);
    EXPECT_EQ(windows[w].ids.front(), static_cast<int32_t>(10 * w));
    EXPECT_EQ(windows[w].ids.back(), static_cast<int32_t>(10 * w + 9));
  }
}

// The model's first token stands in front of every window and counts as one of its tokens.
TEST(TextWindows, BeginAsATextDoes) {
  const auto windows = text_windows("t", counted(31), {10, {}, 1, 0});
  ASSERT_EQ(windows.size(), 3u);
  EXPECT_EQ(windows[1].ids, (std::vector<int32_t>{0, 10, 11, 12, 13, 14, 15, 16, 17, 18}));
  EXPECT_EQ(windows[1].first, 10u);
}

TEST(TextWindows, ADrawTakesEachAtMostOnceInOrderBySeed) {
  const auto starts = [](uint64_t seed) {
    std::vector<uint64_t> found;
    for (const TextWindow& window : text_windows("t", counted(400), {4, 20, seed, {}}))
      found.push_back(window.first);
    return found;
  };
  const std::vector<uint64_t> one = starts(1);
  EXPECT_EQ(one.size(), 20u);
  EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
  EXPECT_EQ(std::set<uint64_t>(one.begin(), one.end()).size(), 20u);
  EXPECT_EQ(one, starts(1));
  EXPECT_NE(one, starts(2));
}

TEST(TextWindows, TooShortATextAndTooManySamplesAreRefused) {
  EXPECT_THROW(text_windows("t", counted(9), {10, {}, 1, {}}), Error);
  EXPECT_THROW(text_windows("t", counted(35), {10, 4, 1, {}}), Error);
}

TEST(TextWindows, PathsAreNumberedFromOne) {
  EXPECT_EQ(window_path("a/w.h5", 0, 12), std::filesystem::path("a/w-0001.h5"));
  EXPECT_EQ(window_path("w", 11, 12), std::filesystem::path("w-0012"));
  EXPECT_EQ(window_path("w.h5", 99999, 100000), std::filesystem::path("w-100000.h5"));
}

}  // namespace
}  // namespace dendrokv
