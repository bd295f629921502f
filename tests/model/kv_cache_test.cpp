// A lane against a slow twin that keeps all rows in a plain list and rotates every key anew, in
// double.

#include "model/kv_cache.h"

#include <cmath>
#include <functional>
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

// As a step of the lane's newest row sees it: frame by frame, the query rotated for each.
void score(const KvLane& lane, const Row& query, float scale, GridView<float> scores) {
  Grid<float> rotated(1, kHeadDim);
  for (size_t frame = 0; frame < lane.frames(); ++frame) {
    lane.rotate_query(query, lane.slots().size(), frame, rotated.row(0));
    lane.scores(0, rotated.view(), lane.slots_of(frame), scale, scores);
  }
}

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
  // Of a score; |q| |k| is some 32 here. A stored key and its rotation are each rounded once to the
  // precision of the cache (f16: 2^-11 of an element), whatever its frame; cosines, sines and
  // products are floats.
  double tolerance() const { return shape(0).precision == CachePrecision::F16 ? 1e-2 : 1e-5; }

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

    Grid<float> scores(1, rows), sum(1, kHeadDim);
    score(lane, query, 0.5f, scores.view());
    for (size_t slot = 0; slot < rows; ++slot) {
      EXPECT_EQ(lane.slots().positions()[slot], slow.rows[slot].position);
      EXPECT_NEAR(scores(0, slot), 0.5 * slow.score(query, slot), tolerance());
    }
    lane.add_weighted_sum(0, scores.view(), {0, rows}, 0, sum.view());
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

// Thousands of steps of policies that move ranks in their own ways, then random victims. A score is
// no worse at the end than after the first steps: keys are rotated from what was stored, so no
// error adds up, and angles stay small.
TEST_P(Lanes, NothingDriftsOverALongStream) {
  if (shape(0).positions == PositionMode::Original) return;  // a key is rotated once
  constexpr size_t kBudget = 30, kSinks = 2, kTree = 12, kSteps = 20'000;
  rotary_.grow(RotaryFrames::positions(kBudget + 1, kBudget + 1));
  const std::vector<std::function<size_t(size_t)>> victims = {
      [](size_t) { return kSinks; }, [](size_t) { return size_t{0}; },
      [](size_t step) { return kSinks + step % kTree + step / 7 % 2; },
      [](size_t step) { return (step * 31 + step / 5) % (kBudget + 1); }};
  for (size_t kind = 0; kind < victims.size(); ++kind) {
    std::mt19937 random(7);
    KvLane lane(shape(kBudget + 1), kernels_, rotary_);
    SlowLane slow(shape(kBudget + 1));
    lane.reserve(kBudget + 1);
    for (uint32_t step = 0; step < kSteps; ++step) {
      const Row key = random_row(random), query = random_row(random);
      lane.append(Position(step), key, key);
      slow.rows.push_back({Position(step), key, key});
      const size_t rows = slow.rows.size();
      if (rows <= kBudget) continue;
      if (step < 100 || step > kSteps - 100) {
        Grid<float> scores(1, rows);
        score(lane, query, 1, scores.view());
        for (size_t slot = 0; slot < rows; ++slot)
          ASSERT_NEAR(scores(0, slot), slow.score(query, slot), 2 * tolerance())
              << "victims " << kind << ", step " << step << ", slot " << slot;
      }
      const size_t victim = victims[kind](step);
      lane.evict(Slot(victim));
      slow.rows.erase(slow.rows.begin() + static_cast<std::ptrdiff_t>(victim));
    }
  }
}

// Two KV heads side by side in a row are two lanes of one head.
TEST_P(Lanes, HeadsOfARowAreLanesOfTheirOwn) {
  KvShape wide = shape(24);
  wide.heads = 2;
  rotary_.grow(RotaryFrames::positions(24, 24));
  KvLane both(wide, kernels_, rotary_), first(shape(24), kernels_, rotary_),
      second(shape(24), kernels_, rotary_);
  std::mt19937 random(8);
  for (KvLane* lane : {&both, &first, &second}) lane->reserve(24);
  for (uint32_t step = 0; step < 60; ++step) {
    const Row key = random_row(random), other = random_row(random), query = random_row(random);
    Row keys = key;
    keys.insert(keys.end(), other.begin(), other.end());
    both.append(Position(step), keys, keys);
    first.append(Position(step), key, key);
    second.append(Position(step), other, other);
    const size_t rows = both.slots().size();
    Grid<float> rotated(1, kHeadDim);
    for (size_t head = 0; head < 2; ++head) {
      const KvLane& alone = head == 0 ? first : second;
      Grid<float> found(1, rows), wanted(1, rows), sum(1, 8), wanted_sum(1, 8);
      for (size_t frame = 0; frame < both.frames(); ++frame) {
        both.rotate_query(query, rows, frame, rotated.row(0));
        both.scores(head, rotated.view(), both.slots_of(frame), 1, found.view());
      }
      score(alone, query, 1, wanted.view());
      EXPECT_TRUE(std::ranges::equal(found.all(), wanted.all()));
      both.add_weighted_sum(head, found.view(), {0, rows}, 16, sum.view());
      alone.add_weighted_sum(0, found.view(), {0, rows}, 16, wanted_sum.view());
      EXPECT_TRUE(std::ranges::equal(sum.all(), wanted_sum.all()));
    }
    if (rows < 24) continue;
    for (KvLane* lane : {&both, &first, &second}) lane->evict(Slot(step * 7 % rows));
  }
}

// As under TreeKV: of the rows at a cursor that moves on by one, now the left leaves and now the
// right. Those that it has passed lie side by side, then comes all that is free, then the others.
TEST_P(Lanes, RowsBehindAMovingCursorCloseUp) {
  constexpr size_t kRows = 200, kSinks = 4, kSteps = 20;     // fewer than would have gaps closed
  if (shape(0).positions == PositionMode::Original) return;  // no key is rotated anew
  rotary_.grow(RotaryFrames::positions(kRows, kRows));
  KvLane lane(shape(kRows), kernels_, rotary_);
  lane.reserve(kRows);
  std::mt19937 random(11);
  SlowLane slow(shape(kRows));
  for (uint32_t step = 0; step < kRows + kSteps - 1; ++step) {
    const Row key = random_row(random);
    lane.append(Position(step), key, key);
    slow.rows.push_back({Position(step), key, key});
    if (slow.rows.size() < kRows) continue;
    const size_t cursor = step - (kRows - 1), victim = kSinks + cursor + cursor / 3 % 2;
    lane.evict(Slot(victim));
    slow.rows.erase(slow.rows.begin() + static_cast<std::ptrdiff_t>(victim));
  }
  const auto rows = lane.slots().rows();
  size_t jumps = 0;
  for (size_t slot = 1; slot < rows.size(); ++slot) jumps += rows[slot] != rows[slot - 1] + 1;
  EXPECT_EQ(jumps, 1u);

  const Row query = random_row(random);
  Grid<float> scores(1, rows.size());
  score(lane, query, 1, scores.view());
  for (size_t slot = 0; slot < rows.size(); ++slot) {
    EXPECT_NEAR(scores(0, slot), slow.score(query, slot), 2 * tolerance()) << slot;
    Grid<float> one(1, rows.size()), value(1, kHeadDim);
    one(0, slot) = 1;
    lane.add_weighted_sum(0, one.view(), {0, rows.size()}, 0, value.view());
    for (size_t d = 0; d < kHeadDim; ++d)
      EXPECT_EQ(value(0, d), rounded(slow.rows[slot].value[d], shape(0).precision));
  }
}

TEST_P(Lanes, RoomNeverExceedsItsBound) {
  KvLane lane(shape(100), kernels_, rotary_);
  const size_t row = kHeadDim * (shape(0).precision == CachePrecision::F16 ? 2 : 4), gaps = 100 / 8;
  const bool ranks = shape(0).positions == PositionMode::Rank;
  lane.reserve(1);
  EXPECT_LE(lane.bytes(), (ranks ? 3 : 2) * (64 + gaps) * row + row);
  lane.reserve(65);
  EXPECT_EQ(lane.bytes(), (ranks ? 3 : 2) * (100 + gaps) * row + (ranks ? 0 : row));
}

// Whenever gaps are closed, and however many there is room for, the rows hold what they held.
TEST_P(Lanes, TidyingAtAnyTurnLeavesTheBits) {
  constexpr size_t kRows = 80;
  rotary_.grow(RotaryFrames::positions(kRows, kRows));
  std::vector<KvLane> lanes;
  for (const double turn : {0.0, 0.3, 0.999}) {
    KvShape some = shape(kRows);
    some.turn = turn;
    lanes.emplace_back(some, kernels_, rotary_).reserve(kRows);
  }
  std::mt19937 random(9);
  for (uint32_t step = 0; step < 350; ++step) {
    const Row key = random_row(random), value = random_row(random), query = random_row(random);
    std::vector<std::vector<float>> found;
    for (KvLane& lane : lanes) {
      lane.append(Position(step), key, value);
      const size_t rows = lane.slots().size();
      Grid<float> scores(1, rows), sum(1, kHeadDim);
      score(lane, query, 1, scores.view());
      lane.add_weighted_sum(0, scores.view(), {0, rows}, 0, sum.view());
      found.emplace_back(scores.all().begin(), scores.all().end());
      found.back().insert(found.back().end(), sum.all().begin(), sum.all().end());
      if (rows == kRows) lane.evict(Slot(step * 31 % kRows));
    }
    ASSERT_EQ(found[1], found[0]);
    ASSERT_EQ(found[2], found[0]);
  }
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
