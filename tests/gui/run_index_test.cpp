#include "gui/run_index.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "data/lineage.h"
#include "gui/density.h"
#include "gui/retention_codes.h"
#include "tests/gui/made_up_run.h"

namespace dendrokv {
namespace {

/// Lanes of several kinds: a tree, a window, everything kept, and one that drops many at once.
std::vector<Run> runs() {
  std::vector<Run> made;
  made.push_back(testing::made_up_run({.layers = 2, .lanes = 2, .tokens = 700, .tree = 24}));
  made.push_back(testing::made_up_run({.layers = 1, .lanes = 1, .tokens = 700, .tree = 300}));
  Run window = testing::made_up_run({.layers = 1, .lanes = 1, .tokens = 0});
  window.recent = 40;
  window.retention = Retention(1, 1, 600);
  for (uint32_t p = 0; p + 40 < 600; ++p)
    window.retention.record(Layer(0), Lane(0), {Position(p), Step(p + 40), -1, 0, 0, Reason::Rule});
  made.push_back(window);
  Run all = window;
  all.retention = Retention::keep_all(3, 2, 500);
  made.push_back(all);
  Run block = window;
  block.retention = Retention(1, 1, 600);
  for (uint32_t p = 0; p < 500; ++p)
    block.retention.record(Layer(0), Lane(0),
                           {Position(p), Step(p < 250 ? 260 : 550),
                            p % 250 == 249 ? -1 : int32_t(p) + 1, 0, 0, Reason::Rule});
  made.push_back(block);
  return made;
}

TEST(RunIndex, StatesAreThoseOfTheArraysAtEveryStep) {
  for (const dendrokv::Run& run : runs()) {
    const RunIndex index(run);
    const uint32_t tokens = run.retention.tokens();
    for (const LaneId& id : all_lanes(run))
      for (uint32_t step = 0; step < tokens; step += step < 20 ? 1 : 37) {
        const std::vector<TokenState> wanted = token_states(run, id.layer, id.lane, Step(step));
        ASSERT_EQ(index.states(id, {0, tokens}, Step(step)), wanted) << step;
        ASSERT_EQ(index.states(id, {100, 50}, Step(step)),
                  std::vector<TokenState>(wanted.begin() + 100, wanted.begin() + 150));
        ASSERT_EQ(index.state(id, Position(117), Step(step)), wanted[117]);
        const RunIndex::Standing standing = index.standing(id, Step(step));
        ASSERT_EQ(standing.counts, census(wanted));
        const auto oldest = std::find_if(wanted.begin(), wanted.end(), [](TokenState state) {
          return state.place == Place::Tree;
        });
        ASSERT_EQ(standing.oldest_in_tree.has_value(), oldest != wanted.end());
        if (standing.oldest_in_tree) {
          ASSERT_EQ(standing.oldest_in_tree->index(), static_cast<size_t>(oldest - wanted.begin()));
        }
        for (const IndexRange range :
             {IndexRange{0, tokens}, IndexRange{90, 33}, IndexRange{tokens, 0}}) {
          std::vector<Position> kept, found;
          for (const Position p : run.retention.kept_positions(id.layer, id.lane, Step(step)))
            if (p.index() >= range.first && p.index() < range.first + range.count)
              kept.push_back(p);
          index.lane(id).for_each_kept(range, Step(step), [&](Position p) { found.push_back(p); });
          ASSERT_EQ(found, kept) << step;
        }
      }
  }
}

TEST(RunIndex, KinIsThatOfTheRecord) {
  for (const dendrokv::Run& run : runs()) {
    const RunIndex index(run);
    const uint32_t tokens = run.retention.tokens();
    for (const LaneId& id : all_lanes(run))
      for (uint32_t step = 5; step < tokens; step += 97)
        for (uint32_t p = 0; p < tokens; p += 11) {
          ASSERT_EQ(index.lane(id).outlived(Position(p), Step(step)),
                    outlived(run.retention, id.layer, id.lane, Position(p), Step(step)));
          ASSERT_EQ(index.lane(id).descendants(Position(p), Step(step)),
                    descendants(run.retention, id.layer, id.lane, Position(p), Step(step)));
        }
  }
}

TEST(RunIndex, CountsPositionsByTheLanesThatKeepThem) {
  for (const dendrokv::Run& run : runs()) {
    const RunIndex index(run);
    const std::vector<LaneId> lanes = all_lanes(run);
    for (const uint32_t step : {0u, 3u, 200u, 333u}) {
      std::vector<uint32_t> wanted(lanes.size() + 1);
      for (uint32_t p = 0; p <= step; ++p) ++wanted[lanes_that_keep(run, Position(p), Step(step))];
      EXPECT_EQ(positions_by_keepers(index, lanes, Step(step)), wanted);
    }
  }
}

TEST(PackedNumbers, HoldNumbersOfEveryWidth) {
  for (const uint32_t largest :
       {0u, 255u, 256u, 65'535u, 65'536u, (1u << 24) - 1, 1u << 24, UINT32_MAX}) {
    PackedNumbers numbers(5, largest);
    for (uint32_t i = 0; i < 5; ++i) numbers.set(i, largest - std::min(largest, i));
    for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(numbers[i], largest - std::min(largest, i));
  }
  EXPECT_LE(PackedNumbers(1000, 255).bytes(), 1003u);
}

TEST(RunIndex, TakesAboutFiveBytesAPosition) {
  const dendrokv::Run run =
      testing::made_up_run({.layers = 1, .lanes = 1, .tokens = 50000, .tree = 1000});
  EXPECT_LT(RunIndex(run).lane({Layer(0), Lane(0)}).bytes(), 50000u * 6);
}

TEST(Overlay, EqualsACountOverAllLanesAndPositions) {
  for (const dendrokv::Run& run : runs()) {
    const RunIndex index(run);
    const std::vector<LaneId> lanes = all_lanes(run);
    const uint32_t tokens = run.retention.tokens();
    for (const size_t factor : {size_t{1}, size_t{7}, size_t{64}})
      for (const uint32_t step : {0u, 3u, 200u, 333u, tokens - 1}) {
        const IndexRange range{40, tokens - 60};
        const Overlay found = overlay(index, lanes, range, factor, Step(step));
        for (size_t column = 0; column < found.kept_fraction.size(); ++column) {
          int kept = 0, read = 0, levels = 0;
          for (size_t i = column * factor; i < std::min((column + 1) * factor, range.count); ++i)
            for (const LaneId& id : lanes) {
              const Position p(range.first + i);
              read += p.value <= step;
              if (!run.retention.kept_after(id.layer, id.lane, p, Step(step))) continue;
              ++kept;
              levels += run.retention.levels(id.layer, id.lane, Step(step))[p.index()];
            }
          ASSERT_EQ(std::isnan(found.kept_fraction[column]), read == 0);
          ASSERT_EQ(std::isnan(found.mean_level[column]), kept == 0);
          if (read > 0) {
            ASSERT_FLOAT_EQ(found.kept_fraction[column], float(kept) / float(read));
          }
          if (kept > 0) {
            ASSERT_FLOAT_EQ(found.mean_level[column], float(levels) / float(kept));
          }
        }
      }
  }
}

TEST(RetentionRaster, StepsAndLanesShowTheMostNotableState) {
  for (const dendrokv::Run& run : runs()) {
    const RunIndex index(run);
    const uint32_t tokens = run.retention.tokens();
    const std::vector<LaneId> lanes = all_lanes(run);
    const IndexRange range{13, tokens - 20};
    const auto wanted = [&](LaneId id, Step step, size_t column, size_t factor) {
      const std::vector<TokenState> states = token_states(run, id.layer, id.lane, step);
      uint8_t most = 0;
      for (size_t i = column * factor; i < std::min((column + 1) * factor, range.count); ++i)
        most = std::max(most, retention_code(states[range.first + i]));
      return most;
    };
    for (const size_t factor : {size_t{1}, size_t{5}}) {
      const CodeGrid by_lane = retention_by_lane(index, lanes, Step(311), range, factor);
      for (size_t row = 0; row < by_lane.rows(); ++row)
        for (size_t column = 0; column < by_lane.cols(); column += 3)
          ASSERT_EQ(by_lane(row, column), wanted(lanes[row], Step(311), column, factor));
      const CodeGrid by_step = retention_by_step(index, lanes[0], Step(6), 40, 12, range, factor);
      for (size_t row = 0; row < by_step.rows(); ++row)
        for (size_t column = 0; column < by_step.cols(); column += 3)
          ASSERT_EQ(by_step(row, column), wanted(lanes[0], Step(6 + row * 40), column, factor));
    }
  }
}

TEST(RetainedDensity, EqualsACountByDistance) {
  for (const dendrokv::Run& run : runs()) {
    const RunIndex index(run);
    const std::vector<LaneId> lanes = all_lanes(run);
    for (const uint32_t step : {0u, 1u, 77u, 450u}) {
      const Density found = retained_density(index, lanes, Step(step));
      uint64_t next = 1;
      for (const DensityBin& bin : found.bins) {
        ASSERT_EQ(bin.first, next);
        ASSERT_GT(bin.end, bin.first);
        next = bin.end;
        uint64_t kept = 0;
        for (uint64_t distance = bin.first; distance < bin.end; ++distance)
          for (const LaneId& id : lanes)
            kept += run.retention.kept_after(id.layer, id.lane, Position(step + 1 - distance),
                                             Step(step));
        ASSERT_DOUBLE_EQ(bin.density, double(kept) / double((bin.end - bin.first) * lanes.size()));
      }
      ASSERT_EQ(next, step + 2u);
    }
  }
}

}  // namespace
}  // namespace dendrokv
