// Appending position by position against the transforms of the whole signal.

#include "analysis/streaming.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "analysis/haar.h"
#include "analysis/modwt.h"
#include "data/error.h"
#include "tests/analysis/signals.h"

namespace dendrokv {
namespace {

using testing::random_signal;

TEST(ModwtStream, EqualsTheWholeTransformWhereTheWrapDoesNotReach) {
  constexpr size_t kPositions = 200, kChannels = 5;
  constexpr uint32_t kLevels = 4;
  const auto x = random_signal<double>(kPositions, kChannels);
  for (const char* name : {"haar", "db4", "bior2.2"}) {
    const Modwt modwt(find_wavelet(name), kPositions, kLevels);
    std::vector<Grid<double>> whole(kLevels + 1, Grid<double>(kPositions, kChannels));
    std::vector<SignalView<double>> details, smooths(kLevels);
    for (size_t j = 0; j < kLevels; ++j) details.push_back(rows_view(whole[j].view()));
    smooths.back() = rows_view(whole[kLevels].view());
    modwt.forward<double>(rows_view(x.view()), details, smooths);
    ModwtStream<double> stream(find_wavelet(name), kLevels, kChannels);
    Grid<double> row(kLevels, kChannels);
    std::vector<double> smooth(kChannels);
    for (size_t p = 0; p < kPositions; ++p) {
      stream.append(x.row(p), row.view(), smooth);
      for (uint32_t level = 1; level <= kLevels; ++level)
        for (size_t c = 0; c < kChannels && p >= modwt.valid(level).first; ++c) {
          ASSERT_EQ(row(level - 1, c), whole[level - 1](p, c)) << name << " " << p;
          if (level == kLevels) {
            ASSERT_EQ(smooth[c], whole[kLevels](p, c));
          }
        }
    }
    EXPECT_EQ(stream.positions(), kPositions);
  }
}

TEST(HaarStream, EqualsTheProfile) {
  constexpr size_t kPositions = 96, kChannels = 7;
  constexpr uint32_t kLevels = 5;
  const auto x = random_signal<double>(kPositions, kChannels);
  const Grid<double> ones(1, kPositions, 1.0);
  Grid<double> wanted(1, amplitude_count(kPositions, kLevels));
  haar_amplitudes<double>(ones.view(), x.view(), kLevels, wanted.view());
  HaarStream stream(kLevels, kChannels);
  size_t blocks = 0;
  for (size_t p = 0; p < kPositions; ++p)
    for (const HaarStream::Block& block : stream.append(x.row(p))) {
      const double amplitude =
          wanted(0, amplitudes_of_level(kPositions, block.level).first + block.index);
      EXPECT_NEAR(block.magnitude, amplitude, 1e-12 * amplitude);
      EXPECT_EQ((block.index + 1) << block.level, p + 1);
      ++blocks;
    }
  EXPECT_EQ(blocks, amplitude_count(kPositions, kLevels));
}

TEST(Streams, RefuseWhatIsNotFinite) {
  const std::vector<double> bad = {1, std::numeric_limits<double>::quiet_NaN()};
  HaarStream haar(2, 2);
  EXPECT_THROW(haar.append(bad), Error);
  ModwtStream<double> modwt(find_wavelet("haar"), 2, 2);
  Grid<double> details(2, 2);
  std::vector<double> smooth(2);
  EXPECT_THROW(modwt.append(bad, details.view(), smooth), Error);
  EXPECT_EQ(modwt.positions(), 0u);
}

// Refused before memory for them is asked for.
TEST(Streams, RefuseLevelsOutOfRange) {
  for (const uint32_t levels : {0u, 4'000'000'000u}) {
    EXPECT_THROW(HaarStream(levels, 64), Error);
    EXPECT_THROW(ModwtStream<double>(find_wavelet("haar"), levels, 64), Error);
  }
}

}  // namespace
}  // namespace dendrokv
