// Every boundary rule against the sequence that its declaration shows, and far outside.

#include "analysis/boundary.h"

#include <gtest/gtest.h>

#include "data/error.h"

namespace dendrokv {
namespace {

std::vector<double> extended(Boundary boundary, const std::vector<double>& signal, int64_t from,
                             int64_t to) {
  std::vector<double> out;
  for (int64_t index = from; index < to; ++index) {
    double sum = 0;
    for (const ExtensionTerm& term : extended_sample(boundary, signal.size(), index))
      sum += term.factor * signal[term.index];
    out.push_back(sum);
  }
  return out;
}

using Numbers = std::vector<double>;

TEST(Boundary, RulesAreThoseOfTheirDeclaration) {
  const Numbers signal = {1, 2, 3, 4};
  const auto ends = [&](Boundary boundary) { return extended(boundary, signal, -2, 6); };
  EXPECT_EQ(ends(Boundary::Zero), (Numbers{0, 0, 1, 2, 3, 4, 0, 0}));
  EXPECT_EQ(ends(Boundary::Constant), (Numbers{1, 1, 1, 2, 3, 4, 4, 4}));
  EXPECT_EQ(ends(Boundary::Symmetric), (Numbers{2, 1, 1, 2, 3, 4, 4, 3}));
  EXPECT_EQ(ends(Boundary::Reflect), (Numbers{3, 2, 1, 2, 3, 4, 3, 2}));
  EXPECT_EQ(ends(Boundary::Periodic), (Numbers{3, 4, 1, 2, 3, 4, 1, 2}));
  EXPECT_EQ(ends(Boundary::Smooth), (Numbers{-1, 0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(ends(Boundary::Antisymmetric), (Numbers{-2, -1, 1, 2, 3, 4, -4, -3}));
  EXPECT_EQ(ends(Boundary::Antireflect), (Numbers{-1, 0, 1, 2, 3, 4, 5, 6}));
  for (const Boundary circular : {Boundary::Periodization, Boundary::BrickWall, Boundary::Causal})
    EXPECT_EQ(ends(circular), (Numbers{3, 4, 1, 2, 3, 4, 1, 2}));
}

TEST(Boundary, OddCirclesHaveATwin) {
  const Numbers signal = {1, 2, 3};
  EXPECT_EQ(extended(Boundary::Periodization, signal, -2, 5), (Numbers{3, 3, 1, 2, 3, 3, 1}));
  EXPECT_EQ(extended(Boundary::Causal, signal, -2, 5), (Numbers{3, 1, 1, 2, 3, 1, 1}));
}

TEST(Boundary, RulesGoOnBeyondALength) {
  const Numbers signal = {1, 2, 4};
  EXPECT_EQ(extended(Boundary::Symmetric, signal, -7, 9),
            (Numbers{1, 1, 2, 4, 4, 2, 1, 1, 2, 4, 4, 2, 1, 1, 2, 4}));
  EXPECT_EQ(extended(Boundary::Reflect, signal, -5, 7),
            (Numbers{2, 1, 2, 4, 2, 1, 2, 4, 2, 1, 2, 4}));
  EXPECT_EQ(extended(Boundary::Antisymmetric, signal, -4, 7),
            (Numbers{4, -4, -2, -1, 1, 2, 4, -4, -2, -1, 1}));
  // Each turn of two goes on by the rise of the signal, 3.
  EXPECT_EQ(extended(Boundary::Antireflect, signal, -4, 7),
            (Numbers{-5, -4, -2, 0, 1, 2, 4, 6, 7, 8, 10}));
  for (size_t b = 0; b < kBoundaries; ++b) {
    const auto boundary = static_cast<Boundary>(b);
    const Numbers one = extended(boundary, {5}, -3, 4);
    EXPECT_EQ(one[3], 5) << boundary_name(boundary);
  }
}

TEST(Boundary, NamesReadBack) {
  for (const std::string_view name : boundary_names())
    EXPECT_EQ(boundary_name(parse_boundary(name)), name);
  EXPECT_THROW(parse_boundary("wrap"), Error);
}

}  // namespace
}  // namespace dendrokv
