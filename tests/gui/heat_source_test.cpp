#include "gui/heat_source.h"

#include <cmath>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "tests/gui/sample_trace.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

const Cancelled kNever = [] { return false; };

/// The trace without its pyramid, as another program might have written it.
void drop_pyramid(const std::filesystem::path& path) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(file, 0);
  ASSERT_GE(H5Ldelete(file, "/pyramid", H5P_DEFAULT), 0);
  ASSERT_GE(H5Ldelete(file, "/entry", H5P_DEFAULT), 0);
  ASSERT_GE(H5Fclose(file), 0);
}

class HeatSourceTest : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder;
  std::optional<TraceReader> trace;
  std::optional<HeatSource> source;
  std::vector<Grid<float>> weights;  // [head] of the layer, [step, position]
  std::vector<std::vector<float>> lengths;

  void write(uint32_t tokens, const std::string& policy = {}) {
    testing::SampleOptions options;
    options.tokens = tokens;
    options.layers = 2;
    options.policy = policy;
    testing::write_sample_trace(folder / "t.h5", options);
  }
  void open() {
    source.reset();
    trace.emplace(folder / "t.h5");
    source.emplace(*trace, folder / "t.h5");
    const TraceInfo& info = trace->info();
    weights.clear();
    lengths.clear();
    for (size_t head = 0; head < info.heads.size(); ++head) {
      Grid<float> rows(info.steps.size(), info.tokens), values(info.tokens, info.model.head_dim);
      trace->read_weights(1, head, {0, rows.rows()}, {0, info.tokens}, rows.view());
      trace->read_values(1, info.kv_head_of(info.heads[head]), {0, info.tokens}, values.view());
      std::vector<float> length;
      for (size_t p = 0; p < info.tokens; ++p) {
        double sum = 0;
        for (const float value : values.row(p)) sum += double{value} * double{value};
        length.push_back(static_cast<float>(std::sqrt(sum)));
      }
      weights.push_back(std::move(rows));
      lengths.push_back(std::move(length));
    }
  }

  /// A cell from the rows themselves.
  double plain_cell(const HeatSubject& subject, IndexRange steps, IndexRange positions) const {
    double most = std::nan(""), sum = 0, count = 0;
    for (const size_t head : subject.heads.front().heads)
      for (size_t s = steps.first; s < std::min(steps.first + steps.count, weights[head].rows());
           ++s)
        for (size_t p = positions.first;
             p < std::min(positions.first + positions.count, weights[head].cols()); ++p) {
          if (std::isnan(weights[head](s, p))) continue;
          const double value =
              double{weights[head](s, p)} *
              (subject.quantity == Quantity::Weight ? 1.0 : double{lengths[head][p]});
          if (!(most >= value)) most = value;
          sum += value;
          ++count;
        }
    if (subject.reduction == Reduction::Max) return most;
    return count > 0 ? sum / count : std::nan("");
  }

  void expect_plain(const TileKey& key, const HeatSubject& subject) {
    const auto tile = source->read(key, subject, kNever);
    ASSERT_TRUE(tile);
    const IndexRange steps = key.steps(), positions = key.positions();
    for (size_t r = 0; r < tile->values.rows(); ++r)
      for (size_t c = 0; c < tile->values.cols(); ++c) {
        const IndexRange cell_steps{steps.first + (r << key.step_shift),
                                    size_t{1} << key.step_shift};
        const IndexRange cell_positions{positions.first + (c << key.position_shift),
                                        size_t{1} << key.position_shift};
        const double wanted = plain_cell(subject, cell_steps, cell_positions);
        const float found = tile->values(r, c);
        ASSERT_EQ(std::isnan(found), std::isnan(wanted)) << r << " " << c;
        if (std::isnan(wanted)) continue;
        if (tile->sampling == Sampling::Bound) {
          ASSERT_GE(double{found}, wanted * (1 - 1e-6));
        } else {
          // A product of two floats, sums of floats that the pyramid adds in another order, or sums
          // of its first level: half floats.
          const bool halves = subject.reduction == Reduction::Mean &&
                              std::min(key.step_shift, key.position_shift) >= 2;
          ASSERT_NEAR(double{found}, wanted, (halves ? 0x1p-11 : 2e-6) * std::abs(wanted) + 1e-9)
              << r << " " << c;
        }
      }
  }
};

TEST_F(HeatSourceTest, EveryZoomEqualsAReductionOfTheRows) {
  write(600, "treekv:capacity=40,sinks=2,recent=20");
  open();
  EXPECT_EQ(source->origin(), PyramidOrigin::Trace);
  for (const Reduction reduction : {Reduction::Max, Reduction::Mean})
    for (const std::vector<size_t>& heads :
         {std::vector<size_t>{1}, std::vector<size_t>{0, 1, 2, 3}}) {
      const HeatSubject subject{{{1, heads}}, Quantity::Weight, reduction};
      for (uint8_t zoom = 0; zoom <= 6; ++zoom) expect_plain({0, zoom, zoom, 0, 0}, subject);
      expect_plain({0, 0, 0, 2, 1}, subject);
      expect_plain({0, 1, 3, 1, 0}, subject);
      expect_plain({0, 4, 0, 0, 2}, subject);
    }
}

TEST_F(HeatSourceTest, ContributionsAreExactFromRowsAndABoundFromThePyramid) {
  write(600);
  open();
  for (const Reduction reduction : {Reduction::Max, Reduction::Mean}) {
    const HeatSubject subject{{{1, {0, 1}}}, Quantity::Contribution, reduction};
    expect_plain({0, 0, 0, 1, 1}, subject);
    expect_plain({0, 1, 1, 0, 0}, subject);
    EXPECT_EQ(source->read({0, 1, 1, 0, 0}, subject, kNever)->sampling, Sampling::Exact);
    EXPECT_EQ(source->read({0, 4, 4, 0, 0}, subject, kNever)->sampling, Sampling::Bound);
    expect_plain({0, 4, 4, 0, 0}, subject);
  }
}

TEST_F(HeatSourceTest, HeadsOfSeveralLayersAreMergedAsThoseOfOne) {
  write(600);
  open();
  for (const Reduction reduction : {Reduction::Max, Reduction::Mean})
    for (const uint8_t zoom : {uint8_t{0}, uint8_t{2}, uint8_t{4}}) {
      const auto tile_of = [&](std::vector<LayerHeads> heads) {
        return source->read({0, zoom, zoom, 0, 0}, {std::move(heads), Quantity::Weight, reduction},
                            kNever);
      };
      const auto both = tile_of({{0, {1, 2}}, {1, {3, 0}}});
      const auto first = tile_of({{0, {1, 2}}}), second = tile_of({{1, {0, 3}}});
      for (size_t r = 0; r < both->values.rows(); ++r)
        for (size_t c = 0; c < both->values.cols(); ++c) {
          const float one = first->values(r, c), two = second->values(r, c);
          ASSERT_EQ(std::isnan(both->values(r, c)), std::isnan(one));
          if (std::isnan(one)) continue;
          // Every row was kept, so both layers have as many numbers: the mean of both means,
          // rounded once more.
          if (reduction == Reduction::Max)
            ASSERT_EQ(both->values(r, c), std::max(one, two));
          else
            ASSERT_NEAR(both->values(r, c), (one + two) / 2, 1e-6f * (one + two));
        }
    }
}

TEST_F(HeatSourceTest, ASpikeIsSeenAtEveryZoom) {
  write(600);
  open();
  const HeatSubject subject{{{1, {2}}}, Quantity::Weight, Reduction::Max};
  float most = 0;
  for (const float w : weights[2].all())
    if (w > most) most = w;
  for (uint8_t zoom = 0; zoom <= 8; ++zoom) {
    float seen = 0;
    for (const TileKey& key : tiles_over(0, zoom, zoom, {0, 600}, {0, 600})) {
      const auto tile = source->read(key, subject, kNever);
      for (const float w : tile->values.all())
        if (w > seen) seen = w;
    }
    EXPECT_EQ(seen, most) << int{zoom};
  }
}

TEST_F(HeatSourceTest, ATileThatNobodyWaitsForIsGivenUp) {
  write(100);
  open();
  EXPECT_FALSE(source->read({0, 0, 0, 0, 0}, {{{1, {0}}}}, [] { return true; }));
}

TEST_F(HeatSourceTest, WithoutAPyramidAnIndexServesAfterAPreview) {
  write(2500);
  drop_pyramid(folder / "t.h5");
  open();
  EXPECT_EQ(source->origin(), PyramidOrigin::None);
  const HeatSubject subject{{{1, {0, 3}}}, Quantity::Weight, Reduction::Max};
  const TileKey whole = whole_tile(0, 2500, 2500);
  const auto preview = source->read(whole, subject, kNever);
  EXPECT_EQ(preview->sampling, Sampling::Preview);
  EXPECT_GT(preview->step_grain, 1u);
  int cells = 0;
  for (size_t r = 0; r < preview->values.rows(); ++r)
    for (size_t c = 0; c < preview->values.cols(); ++c) {
      const float found = preview->values(r, c);
      if (std::isnan(found)) continue;
      ++cells;
      // Some steps of the neighbourhood: a value that the rows do have there or nearby, never more
      // than all of them.
      const double most =
          plain_cell(subject,
                     {(r << whole.step_shift) / preview->step_grain * preview->step_grain,
                      (size_t{1} << whole.step_shift) + preview->step_grain},
                     {c << whole.position_shift, size_t{1} << whole.position_shift});
      ASSERT_LE(double{found}, most * (1 + 1e-6));
    }
  EXPECT_GT(cells, 10'000);
  // Rows themselves need no pyramid.
  expect_plain({0, 0, 0, 3, 3}, subject);
  ASSERT_TRUE(build_pyramid_index(
      *trace, pyramid_index_places(folder / "t.h5", trace->info().uuid)[0], {}));
  source->find_pyramid();
  EXPECT_EQ(source->origin(), PyramidOrigin::Index);
  EXPECT_EQ(source->read(whole, subject, kNever)->sampling, Sampling::Exact);
  expect_plain(whole, subject);
}

TEST_F(HeatSourceTest, AnIndexOfAnotherTraceIsNotTaken) {
  write(300);
  drop_pyramid(folder / "t.h5");
  open();
  const auto place = pyramid_index_places(folder / "t.h5", trace->info().uuid)[0];
  ASSERT_TRUE(build_pyramid_index(*trace, place, {}));
  write(300);
  drop_pyramid(folder / "t.h5");
  open();
  EXPECT_EQ(source->origin(), PyramidOrigin::None);
}

}  // namespace
}  // namespace dendrokv
