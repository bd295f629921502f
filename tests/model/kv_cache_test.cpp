// A lane against a slow twin that keeps all rows in a plain list and rotates every key anew, in double.

#include "model/kv_cache.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

#include "data/half.h"

namespace dendrokv {
namespace {

constexpr size_t kHeadDim = 32;
constexpr double kBase = 10000;

using Row = std::vector<float>;

Row random_row(std::mt19937& random) {
  std::normal_distribution<float> normal;
  Row row(kHeadDim);
  for (float& value : row) value = normal(random);
  return row;
}

float rounded(float value, CachePrecision precision) {
  return precision == CachePrecision::F16 ? from_half(to_half(value)) : value;
}

struct SlowRow {
  Position position;
  Row key, value;
};

class SlowLane {
 public:
  explicit SlowLane(const KvShape& shape) : shape_(shape) {}

  std::vector<SlowRow> rows;

  double score(const Row& query, size_t slot) const {
    const auto q = rotated(query, place(rows.size() - 1)), k = rotated(rows[slot].key, place(slot));
    double dot = 0;
    for (size_t d = 0; d < kHeadDim; ++d) dot += q[d] * k[d];
    return dot;
  }

 private:
  size_t place(size_t slot) const {
    return shape_.positions == PositionMode::Rank ? slot : rows[slot].position.index();
  }
  std::vector<double> rotated(const Row& row, size_t position) const {
    std::vector<double> out(kHeadDim);
    for (size_t pair = 0; pair < kHeadDim / 2; ++pair) {
      const double angle = static_cast<double>(position) *
                           std::pow(kBase, -2.0 * static_cast<double>(pair) / kHeadDim);
      const double even = static_cast<double>(row[2 * pair]),
                   odd = static_cast<double>(row[2 * pair + 1]);
      out[2 * pair] = even * std::cos(angle) - odd * std::sin(angle);
      out[2 * pair + 1] = even * std::sin(angle) + odd * std::cos(angle);
    }
    return out;
  }
  KvShape shape_;
};

class Lanes : public ::testing::TestWithParam<std::tuple<CachePrecision, PositionMode>> {
 protected:
  Lanes() : rotary_(kBase, std::vector<float>(kHeadDim / 2, 1.0f)) { rotary_.grow(400); }

  KvShape shape(size_t most_rows) const {
    return {kHeadDim, std::get<0>(GetParam()), std::get<1>(GetParam()), most_rows};
  }
  double tolerance() const {  // of a score; |q| |k| is some 32 here, a rotated key is rounded once
    return shape(0).precision == CachePrecision::F16 ? 1e-2 : 1e-5;
  }

  RotaryTable rotary_;
  const Kernels& kernels_ = kernels_for(best_isa());
};

TEST_P(Lanes, AgreeWithTheSlowTwinUnderRandomEvictions) {
  constexpr size_t kBudget = 23;
  std::mt19937 random(5);
  KvLane lane(shape(kBudget + 1), kernels_, rotary_);
  SlowLane slow(shape(kBudget + 1));
  for (uint32_t step = 0; step < 300; ++step) {
    lane.reserve(std::min<size_t>(step + 1, kBudget + 1));
    const Row key = random_row(random), value = random_row(random), query = random_row(random);
    lane.append(Position(step), key, value);
    slow.rows.push_back({Position(step), key, value});
    const size_t rows = slow.rows.size();
    ASSERT_EQ(lane.slots().size(), rows);

    Grid<float> rotated(1, kHeadDim), scores(1, rows), sum(1, kHeadDim);
    lane.rotate_query(query, rows, rotated.row(0));
    lane.scores(rotated.view(), 0.5f, scores.view());
    for (size_t slot = 0; slot < rows; ++slot) {
      EXPECT_EQ(lane.slots().positions()[slot], slow.rows[slot].position);
      EXPECT_NEAR(scores(0, slot), 0.5 * slow.score(query, slot), tolerance());
    }
    lane.weighted_sum(scores.view(), sum.view());
    for (size_t d = 0; d < kHeadDim; ++d) {
      double expected = 0;
      for (size_t slot = 0; slot < rows; ++slot)
        expected += static_cast<double>(scores(0, slot)) *
                    static_cast<double>(rounded(slow.rows[slot].value[d], shape(0).precision));
      EXPECT_NEAR(sum(0, d), expected, 1e-4);
    }
    if (rows <= kBudget) continue;
    const size_t victim = random() % rows;
    lane.evict(Slot(victim));
    slow.rows.erase(slow.rows.begin() + static_cast<std::ptrdiff_t>(victim));
  }
}

// However often a row has moved up: a fresh lane with the same rows has the same bits.
TEST_P(Lanes, RotationsLeaveNoTrace) {
  std::mt19937 random(6);
  KvLane moved(shape(0), kernels_, rotary_), fresh(shape(0), kernels_, rotary_);
  moved.reserve(100);
  fresh.reserve(100);
  std::vector<SlowRow> rows;
  for (uint32_t position = 0; position < 100; ++position) {
    rows.push_back({Position(position), random_row(random), random_row(random)});
    moved.append(rows.back().position, rows.back().key, rows.back().value);
  }
  for (size_t evictions = 0; evictions < 60; ++evictions) {
    const size_t victim = random() % rows.size();
    moved.evict(Slot(victim));
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(victim));
  }
  for (const SlowRow& row : rows) fresh.append(row.position, row.key, row.value);
  Grid<float> query(1, kHeadDim, 0.3f), one(1, rows.size()), other(1, rows.size());
  moved.scores(query.view(), 1, one.view());
  fresh.scores(query.view(), 1, other.view());
  EXPECT_TRUE(std::ranges::equal(one.all(), other.all()));
}

TEST_P(Lanes, RoomNeverExceedsItsBound) {
  KvLane lane(shape(100), kernels_, rotary_);
  const size_t row = kHeadDim * (shape(0).precision == CachePrecision::F16 ? 2 : 4);
  const bool ranks = shape(0).positions == PositionMode::Rank;
  lane.reserve(1);
  EXPECT_LE(lane.bytes(), (ranks ? 3 : 2) * 64 * row + row);
  lane.reserve(65);
  EXPECT_EQ(lane.bytes(), (ranks ? 3 : 2) * 100 * row + (ranks ? 0 : row));
}

INSTANTIATE_TEST_SUITE_P(
    All, Lanes,
    ::testing::Combine(::testing::Values(CachePrecision::F16, CachePrecision::F32),
                       ::testing::Values(PositionMode::Original, PositionMode::Rank)),
    [](const auto& lanes) {
      return std::string(std::get<0>(lanes.param) == CachePrecision::F16 ? "F16" : "F32") +
             (std::get<1>(lanes.param) == PositionMode::Rank ? "Rank" : "Original");
    });

}  // namespace
}  // namespace dendrokv
