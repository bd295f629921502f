// Searches over made-up losses: settings of known worth, pieces of their own difficulty, and noise.

#include "analysis/search.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>
#include <random>

namespace dendrokv {
namespace {

constexpr size_t kSettings = 32, kPieces = 32;

/// Losses [setting, piece] whose noise is as large as the spread of the worths: no winner is plain
/// at once.
Grid<double> made_up_losses(uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> worth, difficulty;
  for (size_t setting = 0; setting < kSettings; ++setting) worth.push_back(0.02 * normal(random));
  for (size_t piece = 0; piece < kPieces; ++piece) difficulty.push_back(3 + 0.3 * normal(random));
  Grid<double> losses(kSettings, kPieces);
  for (size_t setting = 0; setting < kSettings; ++setting)
    for (size_t piece = 0; piece < kPieces; ++piece)
      losses(setting, piece) = difficulty[piece] + worth[setting] + 0.01 * normal(random);
  return losses;
}

MeasurePiece measure(const Grid<double>& losses) {
  return [&losses](std::span<const size_t> settings, size_t piece, std::span<double> out) {
    for (size_t i = 0; i < settings.size(); ++i) out[i] = losses(settings[i], piece);
    return true;
  };
}

TEST(Search, GridMeasuresEverythingAndTakesTheLowestMean) {
  const Grid<double> losses = made_up_losses(1);
  const Search search = grid_search(kSettings, kPieces, measure(losses));
  EXPECT_EQ(search.cost, kSettings * kPieces);
  double best = INFINITY;
  size_t winner = 0;
  for (size_t setting = 0; setting < kSettings; ++setting) {
    double sum = 0;
    for (size_t piece = 0; piece < kPieces; ++piece) sum += losses(setting, piece);
    if (sum < best) {
      best = sum;
      winner = setting;
    }
  }
  EXPECT_EQ(search.best, winner);
}

TEST(Search, HalvingFindsTheWinnerOfTheGridOrOneWithinItsIntervalAtAQuarterOfTheCost) {
  int same = 0, within = 0;
  constexpr int kSearches = 100;
  for (uint32_t seed = 0; seed < kSearches; ++seed) {
    const Grid<double> losses = made_up_losses(seed);
    const Search grid = grid_search(kSettings, kPieces, measure(losses));
    const Search halving = successive_halving(kSettings, kPieces, {}, measure(losses));
    EXPECT_LE(4 * halving.cost, grid.cost) << seed;
    same += halving.best == grid.best;
    // Is it worse than the winner by more than the interval of their difference allows for?
    const Interval difference =
        paired_difference(losses.row(halving.best), losses.row(grid.best), 0.95);
    within += halving.best == grid.best || difference.lower <= 0;
  }
  std::printf("halving: the winner of the grid in %d, within its interval in %d of %d searches\n",
              same, within, kSearches);
  // Two pieces decide about half of the settings, so now and then the winner goes at once.
  EXPECT_GE(within, 95);
}

TEST(Search, SettingsThatAreWorseBeyondDoubtLeaveBeforeTheirTurn) {
  Grid<double> losses(kSettings, kPieces);
  for (size_t setting = 0; setting < kSettings; ++setting)
    for (size_t piece = 0; piece < kPieces; ++piece)
      losses(setting, piece) =
          setting == 5 ? 0.0 : 1 + 0.001 * static_cast<double>((setting + piece) % 7);
  const Search search = successive_halving(kSettings, kPieces, {}, measure(losses));
  EXPECT_EQ(search.best, 5u);
  EXPECT_EQ(search.cost, 2 * kSettings + 2 * kSettings / 2);  // the second look leaves one
}

TEST(Search, StopsWhenAskedTo) {
  size_t calls = 0;
  const Search search =
      successive_halving(4, 8, {}, [&](std::span<const size_t>, size_t, std::span<double> losses) {
        std::ranges::fill(losses, 1.0);
        return ++calls < 2;
      });
  EXPECT_TRUE(search.stopped);
  EXPECT_EQ(search.cost, 4u);
}

TEST(Search, ThePairedIntervalIsTheOneOfStudent) {
  const std::vector<double> a{1.0, 2.0, 4.0}, b{0.0, 0.0, 1.0};
  const Interval found = paired_difference(a, b, 0.95);
  // Differences 1, 2, 3: mean 2, standard error 1 / sqrt 3, t(2, 0.975) = 4.302653.
  EXPECT_NEAR(found.mean, 2, 1e-12);
  EXPECT_NEAR(found.upper - 2, 4.302653 / std::sqrt(3.0), 1e-5);
  EXPECT_NEAR(2 - found.lower, 4.302653 / std::sqrt(3.0), 1e-5);
}

}  // namespace
}  // namespace dendrokv
