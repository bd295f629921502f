#include "cache/replay_numbers.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <iterator>

#include "cache/head_numbers.h"
#include "cache/replay.h"
#include "data/error.h"
#include "data/runs_file.h"
#include "tests/cache/lane_run.h"
#include "tests/cache/small_trace.h"
#include "tests/support/files.h"

namespace dendrokv::testing {
namespace {

using Vector = std::vector<double>;

double norm(const Vector& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

/// Output over the rows for which `takes` holds, weights rescaled to sum to one there.
template <class Takes>
Vector output(std::span<const float> weights, const Grid<float>& values, Takes takes) {
  Vector sum(values.cols());
  double mass = 0;
  for (size_t row = 0; row < weights.size(); ++row) {
    if (!takes(row)) continue;
    mass += weights[row];
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += double{weights[row]} * double{values(row, i)};
  }
  for (double& x : sum) x /= mass;
  return sum;
}

Vector minus(const Vector& a, const Vector& b) {
  Vector difference(a.size());
  for (size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return difference;
}

TEST(HeadMeasure, AgreesWithTheDefinitions) {
  constexpr size_t kRows = 40;
  std::vector<float> weights;
  std::vector<uint8_t> seen;
  Grid<float> values(kRows, 5);
  for (size_t row = 0; row < kRows; ++row) {
    weights.push_back(random_weight(1, 0, Step(0), Position(row)));
    seen.push_back(random_weight(2, 0, Step(0), Position(row)) < 0.5f);
    for (size_t i = 0; i < 5; ++i)
      values(row, i) = random_weight(3, 0, Step(i), Position(row)) - 0.5f;
  }
  const auto& constant = values;
  const HeadNumbers found = HeadMeasure().measure(weights, seen, constant.view());

  const Vector all = output(weights, values, [](size_t) { return true; });
  const Vector kept = output(weights, values, [&](size_t row) { return seen[row] != 0; });
  double total = 0, mass = 0;
  for (size_t row = 0; row < kRows; ++row) {
    total += weights[row];
    mass += seen[row] ? weights[row] : 0;
  }
  // sums of 40 doubles of about 1
  EXPECT_NEAR(found.retained_mass, mass / total, 1e-13);
  EXPECT_NEAR(found.output_error, norm(minus(kept, all)), 1e-13);
  EXPECT_NEAR(found.relative_error, norm(minus(kept, all)) / norm(all), 1e-12);
  double product = 0;
  for (size_t i = 0; i < 5; ++i) product += all[i] * kept[i];
  EXPECT_NEAR(found.cosine, product / norm(all) / norm(kept), 1e-12);

  std::vector<float> sorted = weights;
  std::sort(sorted.rbegin(), sorted.rend());
  double best = 0;
  for (int i = 0; i < std::count(seen.begin(), seen.end(), 1); ++i)
    best += sorted[static_cast<size_t>(i)];
  EXPECT_NEAR(found.best_mass, best / total, 1e-13);

  // leave one out, by leaving each one out
  size_t guiltiest = 0;
  double guilt = 0;
  for (size_t row = 0; row < kRows; ++row) {
    if (seen[row]) continue;
    const double change =
        norm(minus(output(weights, values, [&](size_t other) { return other != row; }), all));
    if (change > guilt) guiltiest = row;
    guilt = std::max(guilt, change);
  }
  EXPECT_EQ(found.guiltiest, Position(guiltiest));
  EXPECT_NEAR(found.guilt, guilt, 1e-13);
}

TEST(HeadMeasure, NothingMissingIsNoError) {
  const std::vector<float> weights{0.25f, 0.75f};
  const std::vector<uint8_t> seen{1, 1};
  const Grid<float> values(2, 3, 1.0f);
  const HeadNumbers found = HeadMeasure().measure(weights, seen, values.view());
  EXPECT_EQ(found.retained_mass, 1);
  EXPECT_EQ(found.best_mass, 1);
  EXPECT_EQ(found.output_error, 0);
  EXPECT_EQ(found.guilt, 0);
}

TEST(HeadMeasure, NoMassOnTheSeenRowsIsAnOutputOfZero) {
  const std::vector<float> weights{0, 1};
  const std::vector<uint8_t> seen{1, 0};
  Grid<float> values(2, 2, 3.0f);
  const auto& constant = values;
  const HeadNumbers found = HeadMeasure().measure(weights, seen, constant.view());
  EXPECT_EQ(found.retained_mass, 0);
  EXPECT_DOUBLE_EQ(found.output_error, std::sqrt(18.0));
}

class MeasureRuns : public ::testing::Test {
 protected:
  MeasureRuns() {
    small_.write(folder_ / "small.h5");
    const TraceReader reader(folder_ / "small.h5");
    const std::vector<PolicyChoice> choices{PolicyChoice("treekv:budget=32,recent=12"),
                                            PolicyChoice("tova:capacity=32"), PolicyChoice("full"),
                                            PolicyChoice("oracle:capacity=32,share=query-head")};
    runs_ = *replay_trace(reader, choices, 1, {});
    numbers_ = *measure_runs(reader, runs_, steps_, 2, {});
  }

  SmallTrace small_;
  TemporaryFolder folder_;
  const std::vector<Step> steps_{Step(10), Step(100), Step(149)};
  std::vector<dendrokv::Run> runs_;
  std::vector<RunNumbers> numbers_;
};

TEST_F(MeasureRuns, HeadsAreMeasuredWithTheirLanesRowsAndTheirKvHeadsValues) {
  for (size_t run = 0; run < runs_.size(); ++run)
    for (Layer layer; layer.value < 2; layer = layer.next())
      for (Head head; head.value < 4; head = head.next())
        for (size_t at = 0; at < steps_.size(); ++at) {
          const Step step = steps_[at];
          const Retention& kept = runs_[run].retention;
          const Lane lane(head.value * kept.lanes() / 4);
          const Grid<float> weights = small_trace_weights(layer, head, 1, step);
          Grid<float> values(step.index() + 1, 2);
          std::vector<uint8_t> seen;
          for (Position position; position.value <= step.value; position = position.next()) {
            const auto row =
                small_trace_row(SmallRow::Value, layer, KvHead(head.value / 2), position);
            std::ranges::copy(row, values.row(position.index()).begin());
            seen.push_back(kept.seen_by(layer, lane, position, step));
          }
          const auto& constant = values;
          const HeadNumbers wanted = HeadMeasure().measure(weights.row(0), seen, constant.view());
          const size_t place = numbers_[run].of_head(layer, head, at);
          EXPECT_EQ(numbers_[run].retained_mass[place], static_cast<float>(wanted.retained_mass));
          EXPECT_EQ(numbers_[run].output_error[place], static_cast<float>(wanted.output_error));
          EXPECT_EQ(numbers_[run].guilt[place], static_cast<float>(wanted.guilt));
        }
}

TEST_F(MeasureRuns, RegretIsTheAttentionThatCameTooLate) {
  const Layer layer(1);
  const Lane lane(1);  // heads 2 and 3
  const Retention& kept = runs_[0].retention;
  for (Position position; position.value < small_.tokens; position = position.next()) {
    double regret = 0;
    int32_t first = -1, longest = 0;
    uint32_t last = position.value;
    for (Step step(position.value); step.value < small_.tokens; step = step.next()) {
      const Grid<float> weights = small_trace_weights(layer, Head(2), 2, step);
      const double mean =
          (double{weights(0, position.index())} + double{weights(1, position.index())}) / 2;
      const bool noticed = mean > 1.0 / (step.value + 1);
      if (!kept.seen_by(layer, lane, position, step)) {
        regret += mean;
        if (noticed && first < 0) first = static_cast<int32_t>(step.value);
      }
      if (!noticed) continue;
      longest = std::max(longest, static_cast<int32_t>(step.value - last));
      last = step.value;
    }
    const size_t at = numbers_[0].of_lane(layer, lane, position);
    EXPECT_NEAR(numbers_[0].regret[at], regret, 1e-5);  // a float sum of some 100 terms
    EXPECT_EQ(numbers_[0].first_regret[at], first);
    EXPECT_EQ(numbers_[0].recurrence[at], longest);
  }
}

TEST_F(MeasureRuns, RegretOfALaneIsTheMassThatItsStepsMissed) {
  const TraceReader reader(folder_ / "small.h5");
  std::vector<Step> all;
  for (Step step; step.value < small_.tokens; step = step.next()) all.push_back(step);
  const auto numbers = *measure_runs(reader, runs_, all, 1, {});
  for (size_t run = 0; run < runs_.size(); ++run) {
    double missed = 0;
    for (const float mass : numbers[run].retained_mass) missed += 1 - double{mass};
    missed /= 2 * 4;  // layers, heads
    EXPECT_NEAR(summarise(numbers[run]).regret, missed, 1e-3);
  }
}

TEST_F(MeasureRuns, FullMissesNothing) {
  EXPECT_TRUE(std::isnan(summarise(numbers_[2]).retained_mass));
  EXPECT_EQ(summarise(numbers_[2]).regret, 0);
  for (const float error : numbers_[2].output_error) EXPECT_EQ(error, 0);
}

TEST_F(MeasureRuns, NumbersSurviveTheFile) {
  for (size_t run = 0; run < runs_.size(); ++run) runs_[run].numbers = numbers_[run];
  write_runs(folder_ / "runs.h5", {.uuid = {},
                                   .created = {},
                                   .creator = {},
                                   .command_line = {},
                                   .trace_uuid = runs_[0].trace_uuid,
                                   .runs = runs_});
  const RunsFile read = read_runs(folder_ / "runs.h5");
  ASSERT_TRUE(read.runs[1].numbers);
  const RunNumbers& found = *read.runs[1].numbers;
  EXPECT_EQ(found.steps, steps_);
  EXPECT_EQ(found.lanes, 1u);
  EXPECT_EQ(found.heads, 4u);
  EXPECT_EQ(found.retained_mass, numbers_[1].retained_mass);
  EXPECT_EQ(found.guiltiest, numbers_[1].guiltiest);
  EXPECT_EQ(found.regret, numbers_[1].regret);
  EXPECT_EQ(found.recurrence, numbers_[1].recurrence);
}

TEST_F(MeasureRuns, ARunOfAnotherTraceIsRefused) {
  const TraceReader reader(folder_ / "small.h5");
  runs_[0].trace_uuid = "another";
  EXPECT_THROW(measure_runs(reader, runs_, steps_, 1, {}), Error);
}

TEST_F(MeasureRuns, JaccardCountsCommonRows) {
  const Step end(149);
  EXPECT_EQ(jaccard(runs_[0], runs_[0], 4, end), 1);
  EXPECT_EQ(jaccard(runs_[0], runs_[2], 4, end), 32.0 / 150);
  const auto tree = runs_[0].retention.kept_positions(Layer(1), Lane(1), end);
  const auto tova = runs_[1].retention.kept_positions(Layer(1), Lane(0), end);
  std::vector<Position> both;
  std::ranges::set_intersection(tree, tova, std::back_inserter(both));
  const auto common = static_cast<double>(both.size());
  EXPECT_EQ(jaccard(runs_[0], runs_[1], 4, Layer(1), Head(3), end), common / (64 - common));
  EXPECT_EQ(jaccard(runs_[1], runs_[0], 4, Layer(1), Head(3), end), common / (64 - common));
}

}  // namespace
}  // namespace dendrokv::testing
