// The kernels of every instruction set: equal bits, and the plain sum.

#include "analysis/line_kernels.h"

#include <array>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

namespace dendrokv {
namespace {

/// `Sum`: what terms are multiplied and added in.
template <class Real, class Sum = Real>
void expect_equal_sets(size_t count_of_terms) {
  std::array<const LineKernels<Real>*, 8> sets;
  const size_t count = line_kernel_sets(sets.data(), sets.size());
  ASSERT_GE(count, 1u);
  std::mt19937 draw(5);
  std::normal_distribution<double> normal;
  std::vector<Real> x(4096), weights0(count_of_terms), weights1(count_of_terms);
  for (auto* numbers : {&x, &weights0, &weights1})
    for (Real& number : *numbers) number = static_cast<Real>(normal(draw));
  for (size_t length = 1; length <= 150; ++length) {
    std::vector<const Real*> inputs;
    for (size_t m = 0; m < count_of_terms; ++m) inputs.push_back(x.data() + 7 * m + 1);
    const Terms<Real> terms{inputs.data(), inputs.size(), 160, 320, length % 2 == 0 ? 64 : 0};
    const Runs runs{length, 3, static_cast<ptrdiff_t>(length), static_cast<ptrdiff_t>(length) + 2};
    std::vector<Real> plain0(3 * length), plain1(3 * (length + 2));
    for (size_t r = 0; r < 3; ++r)
      for (size_t c = 0; c < length; ++c) {
        Sum sum0 = 0, sum1 = 0;
        for (size_t m = 0; m < count_of_terms; ++m) {
          const Sum sample = inputs[m][(m % 2 == 0 ? 160 : 320) * r + c];
          sum0 += static_cast<Sum>(weights0[m]) * sample;
          sum1 += static_cast<Sum>(weights1[m]) * sample;
        }
        plain0[r * length + c] = static_cast<Real>(sum0);
        plain1[r * (length + 2) + c] = static_cast<Real>(sum1);
      }
    for (size_t s = 0; s < count; ++s) {
      std::vector<Real> out0(plain0.size()), out1(plain1.size()), alone(plain0.size());
      sets[s]->combine_two(terms, weights0.data(), weights1.data(), runs, out0.data(), out1.data());
      sets[s]->combine(terms, weights0.data(), runs, alone.data());
      ASSERT_EQ(out0, plain0) << sets[s]->isa << " " << length;
      ASSERT_EQ(out1, plain1) << sets[s]->isa << " " << length;
      Runs streamed = runs;
      streamed.stores1 = Stores::Streamed;
      std::vector<Real> again0(plain0.size()), again1(plain1.size());
      sets[s]->combine_two(terms, weights0.data(), weights1.data(), streamed, again0.data(),
                           again1.data());
      order_streamed_stores();
      ASSERT_EQ(again0, plain0) << sets[s]->isa << " " << length;
      ASSERT_EQ(again1, plain1) << sets[s]->isa << " " << length;
      ASSERT_EQ(alone, plain0) << sets[s]->isa << " " << length;
      std::vector<Real> even(length), odd(length), joined(2 * length);
      sets[s]->split(x.data(), length, even.data(), odd.data());
      sets[s]->join(even.data(), odd.data(), length, joined.data());
      ASSERT_TRUE(std::equal(joined.begin(), joined.end(), x.begin())) << sets[s]->isa;
      ASSERT_EQ(odd[length - 1], x[2 * length - 1]);
    }
  }
}

TEST(LineKernels, EverySetGivesThePlainBitsInFloat) {
  for (const size_t terms : {2u, 4u, 6u, 8u, 9u, 10u}) expect_equal_sets<float>(terms);
}
TEST(LineKernels, EverySetGivesThePlainBitsInDouble) {
  for (const size_t terms : {2u, 4u, 6u, 8u, 9u, 10u, 40u}) expect_equal_sets<double>(terms);
}
template <class Real>
void expect_equal_decimation() {
  std::array<const LineKernels<Real>*, 8> sets;
  const size_t count = line_kernel_sets(sets.data(), sets.size());
  std::mt19937 draw(6);
  std::normal_distribution<double> normal;
  std::vector<Real> noise(400), weights0(16), weights1(16);
  for (auto* numbers : {&noise, &weights0, &weights1})
    for (Real& number : *numbers) number = static_cast<Real>(normal(draw));
  for (const size_t taps : {2u, 4u, 6u, 8u, 10u, 12u, 14u, 16u})
    for (size_t length = 1; length <= 150; ++length) {
      // Nothing beyond the samples that the outputs see may be read.
      const std::vector<Real> x(noise.begin(),
                                noise.begin() + static_cast<ptrdiff_t>(2 * length + taps - 2));
      std::vector<Real> plain0(length), plain1(length);
      for (size_t k = 0; k < length; ++k)
        for (size_t m = 0; m < taps; ++m) {
          plain0[k] += weights0[m] * x[2 * k + taps - 1 - m];
          plain1[k] += weights1[m] * x[2 * k + taps - 1 - m];
        }
      for (size_t s = 0; s < count; ++s) {
        std::vector<Real> out0(length), out1(length);
        ASSERT_TRUE(sets[s]->decimate(x.data(), weights0.data(), weights1.data(), taps, length,
                                      out0.data(), out1.data()));
        ASSERT_EQ(out0, plain0) << sets[s]->isa << " " << taps << " " << length;
        ASSERT_EQ(out1, plain1) << sets[s]->isa << " " << taps << " " << length;
      }
    }
  EXPECT_FALSE(
      sets[0]->decimate(noise.data(), weights0.data(), weights1.data(), 18, 0, nullptr, nullptr));
}

TEST(LineKernels, DecimationGivesThePlainBits) {
  expect_equal_decimation<float>();
  expect_equal_decimation<double>();
}

template <class Real>
void expect_found_gaps() {
  std::array<const LineKernels<Real>*, 8> sets;
  const size_t count = line_kernel_sets(sets.data(), sets.size());
  for (size_t s = 0; s < count; ++s)
    for (const size_t length : {1u, 7u, 64u, 65u, 200u}) {
      std::vector<Real> x(length, std::numeric_limits<Real>::max());
      EXPECT_TRUE(sets[s]->finite(x.data(), length));
      for (const Real gap :
           {std::numeric_limits<Real>::quiet_NaN(), std::numeric_limits<Real>::infinity(),
            -std::numeric_limits<Real>::infinity()})
        for (size_t at = 0; at < length; ++at) {
          x[at] = gap;
          EXPECT_FALSE(sets[s]->finite(x.data(), length)) << sets[s]->isa << " " << at;
          x[at] = std::numeric_limits<Real>::max();
        }
    }
}

TEST(LineKernels, WhatIsNotFiniteIsFoundAnywhere) {
  expect_found_gaps<float>();
  expect_found_gaps<double>();
}

TEST(LineKernels, ManyFloatsAreAddedInDouble) {
  expect_equal_sets<float>(kFewTerms);
  expect_equal_sets<float, double>(kFewTerms + 1);
  expect_equal_sets<float, double>(40);
}

}  // namespace
}  // namespace dendrokv
