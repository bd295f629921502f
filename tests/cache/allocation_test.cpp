#include "cache/allocation.h"

#include <algorithm>
#include <cstdio>
#include <gtest/gtest.h>
#include <random>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr int kInstances = 200;

struct Instance {
  std::vector<LaneOffer> lanes;
  uint64_t budget = 0;
};

/// Few lanes, few levels, gains that need not be concave, and a budget somewhere between the least
/// and the most.
Instance random_instance(uint32_t seed) {
  std::mt19937 random(seed);
  const auto draw = [&](uint32_t low, uint32_t high) {
    return low + static_cast<uint32_t>(random() % (high - low + 1));
  };
  Instance instance;
  uint64_t least = 0, most = 0;
  const uint32_t lanes = draw(2, 6);
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    LaneOffer offer;
    uint32_t rows = draw(1, 8);
    double gain = 0;
    for (uint32_t level = draw(1, 5); level-- > 0;) {
      offer.rows.push_back(rows);
      offer.bytes.push_back(uint64_t{rows} * 64);
      offer.gain.push_back(gain);
      rows += draw(1, 40);
      gain += draw(0, 1000) / 1000.0;
    }
    least += offer.bytes.front();
    most += offer.bytes.back();
    instance.lanes.push_back(std::move(offer));
  }
  instance.budget = least + (most - least) * draw(0, 100) / 100;
  return instance;
}

/// Every choice of levels.
double best_gain(const Instance& instance) {
  double best = -1;
  std::vector<size_t> level(instance.lanes.size(), 0);
  for (;;) {
    uint64_t bytes = 0;
    double gain = 0;
    for (size_t lane = 0; lane < level.size(); ++lane) {
      bytes += instance.lanes[lane].bytes[level[lane]];
      gain += instance.lanes[lane].gain[level[lane]];
    }
    if (bytes <= instance.budget) best = std::max(best, gain);
    size_t lane = 0;
    while (lane < level.size() && ++level[lane] == instance.lanes[lane].rows.size())
      level[lane++] = 0;
    if (lane == level.size()) return best;
  }
}

double sum_of_lowest(const Instance& instance) {
  double sum = 0;
  for (const LaneOffer& lane : instance.lanes) sum += lane.gain[0];
  return sum;
}

// Sums of up to six gains in another order.
constexpr double kRounding = 1e-12;

TEST(Allocation, ExactFindsTheBestOfAllChoices) {
  for (uint32_t seed = 0; seed < kInstances; ++seed) {
    const Instance instance = random_instance(seed);
    const Allocation exact = allocate(AllocationMethod::Exact, instance.lanes, instance.budget);
    EXPECT_NEAR(exact.gain, best_gain(instance), kRounding) << seed;
  }
}

TEST(Allocation, NeverCostsMoreThanTheBudget) {
  for (uint32_t seed = 0; seed < kInstances; ++seed) {
    const Instance instance = random_instance(seed);
    for (const AllocationRow& row : allocation_table()) {
      const Allocation found = allocate(row.method, instance.lanes, instance.budget);
      uint64_t bytes = 0;
      for (size_t lane = 0; lane < found.level.size(); ++lane)
        bytes += instance.lanes[lane].bytes[found.level[lane]];
      EXPECT_EQ(bytes, found.bytes) << row.name << " " << seed;
      EXPECT_LE(bytes, instance.budget) << row.name << " " << seed;
    }
  }
}

TEST(Allocation, GreedyIsNeverBelowItsBoundAgainstDynamicProgramming) {
  double gap = 0, lagrangian_gap = 0, procurement_gap = 0;
  int counted = 0;
  for (uint32_t seed = 0; seed < kInstances; ++seed) {
    const Instance instance = random_instance(seed);
    const double least = sum_of_lowest(instance);
    const auto gain = [&](AllocationMethod method) {
      return allocate(method, instance.lanes, instance.budget).gain - least;
    };
    const Allocation greedy = allocate(AllocationMethod::Greedy, instance.lanes, instance.budget);
    const double best = gain(AllocationMethod::Exact);
    EXPECT_LE(best, greedy.upper_bound - least + kRounding) << seed;
    EXPECT_GE(greedy.gain - least, (greedy.upper_bound - least) / 2 - kRounding) << seed;
    EXPECT_LE(greedy.gain - least, best + kRounding) << seed;
    if (best <= 0) continue;
    ++counted;
    gap += 1 - (greedy.gain - least) / best;
    lagrangian_gap += 1 - gain(AllocationMethod::Lagrangian) / best;
    procurement_gap += 1 - gain(AllocationMethod::Procurement) / best;
  }
  RecordProperty("mean_gap_greedy", std::to_string(gap / counted));
  RecordProperty("mean_gap_lagrangian", std::to_string(lagrangian_gap / counted));
  RecordProperty("mean_gap_procurement", std::to_string(procurement_gap / counted));
  std::printf("mean gap to the best: greedy %.4f, lagrangian %.4f, procurement %.4f\n",
              gap / counted, lagrangian_gap / counted, procurement_gap / counted);
  EXPECT_LT(gap / counted, 0.05);
  EXPECT_LT(lagrangian_gap / counted, 0.05);
}

TEST(Allocation, LagrangianStaysBelowItsDual) {
  for (uint32_t seed = 0; seed < kInstances; ++seed) {
    const Instance instance = random_instance(seed);
    const Allocation found =
        allocate(AllocationMethod::Lagrangian, instance.lanes, instance.budget);
    // The price is found by halving.
    EXPECT_LE(best_gain(instance), found.upper_bound + 1e-9) << seed;
  }
}

TEST(Allocation, PaymentsCoverCostsAndStayWithinTheBudget) {
  for (uint32_t seed = 0; seed < kInstances; ++seed) {
    const Instance instance = random_instance(seed);
    const Allocation found =
        allocate(AllocationMethod::Procurement, instance.lanes, instance.budget);
    double paid = 0;
    uint64_t least = 0;
    for (size_t lane = 0; lane < instance.lanes.size(); ++lane) {
      const LaneOffer& offer = instance.lanes[lane];
      const auto cost = static_cast<double>(offer.bytes[found.level[lane]] - offer.bytes[0]);
      EXPECT_GE(found.payment[lane], cost * (1 - kRounding)) << seed;
      paid += found.payment[lane];
      least += offer.bytes[0];
    }
    EXPECT_LE(paid, static_cast<double>(instance.budget - least) * (1 + kRounding)) << seed;
  }
}

TEST(Allocation, ALaneThatDeclaresMoreNeverGetsFewerRows) {
  for (uint32_t seed = 0; seed < kInstances; ++seed) {
    Instance instance = random_instance(seed);
    const auto rows = [&] {
      return instance.lanes[0]
          .rows[allocate(AllocationMethod::Procurement, instance.lanes, instance.budget).level[0]];
    };
    const uint32_t honest = rows();
    for (double& gain : instance.lanes[0].gain) gain *= 1.25;
    EXPECT_GE(rows(), honest) << seed;
  }
}

TEST(Allocation, ABudgetBelowTheFewestRowsIsRefused) {
  const std::vector<LaneOffer> lanes{{{1, 2}, {64, 128}, {0, 1}}, {{1, 2}, {64, 128}, {0, 1}}};
  for (const AllocationRow& row : allocation_table())
    EXPECT_THROW(allocate(row.method, lanes, 127), Error) << row.name;
  EXPECT_EQ(allocate_evenly(lanes, 255).bytes, 128u);
  EXPECT_EQ(allocate_evenly(lanes, 256).bytes, 256u);
}

}  // namespace
}  // namespace dendrokv
