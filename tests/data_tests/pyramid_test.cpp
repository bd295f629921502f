// Pyramids, read by plain HDF5 calls and compared with a reduction of the whole matrix.

#include "data/pyramid.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <random>

#include "data/half.h"
#include "data/trace_writer.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::TemporaryFolder;

struct Shape {
  uint32_t tokens, chunk_steps, chunk_positions, step_stride;
};

TracePlan plan_of(const Shape& shape) {
  TracePlan plan;
  plan.info.model = {"tiny", "llama", "abc", 2, 2, 1, 4, 100, 64, 1e4};
  plan.info.policy = "full";
  plan.info.tokens = shape.tokens;
  plan.info.layers = {Layer(1)};
  plan.info.heads = {Head(0), Head(1)};
  for (uint32_t step = shape.step_stride - 1; step < shape.tokens; step += shape.step_stride)
    plan.info.steps.emplace_back(step);
  plan.tokens.id.assign(shape.tokens, 1);
  plan.tokens.offset.assign(shape.tokens + 1, 0);
  plan.chunk_steps = shape.chunk_steps;
  plan.chunk_positions = shape.chunk_positions;
  return plan;
}

/// [head][step, position]; about a third absent, as after evictions, and a spike in the first head.
std::vector<Grid<float>> random_weights(const TracePlan& plan) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> weight(0, 0.01f);
  std::vector<Grid<float>> heads;
  for (size_t head = 0; head < 2; ++head) {
    Grid<float> weights(plan.info.steps.size(), plan.info.tokens, std::nanf(""));
    for (size_t s = 0; s < weights.rows(); ++s)
      for (size_t p = 0; p <= plan.info.steps[s].index(); ++p)
        if (random() % 3) weights(s, p) = from_half(to_half(weight(random)));
    heads.push_back(std::move(weights));
  }
  heads[0](heads[0].rows() - 1, 1) = 0.75f;
  return heads;
}

void write_trace(const std::filesystem::path& path, const TracePlan& plan,
                 const std::vector<Grid<float>>& heads) {
  TraceWriter writer(path, plan);
  const size_t rows = plan.chunk_steps, cols = plan.chunk_positions;
  for (size_t sc = 0; sc * rows < plan.info.steps.size(); ++sc)
    for (size_t pc = 0; pc * cols < plan.info.tokens; ++pc)
      for (size_t head = 0; head < heads.size(); ++head) {
        Grid<float> chunk(rows, cols, std::nanf(""));
        for (size_t s = 0; s < std::min(rows, heads[head].rows() - sc * rows); ++s)
          for (size_t p = 0; p < std::min(cols, heads[head].cols() - pc * cols); ++p)
            chunk(s, p) = heads[head](sc * rows + s, pc * cols + p);
        std::vector<std::byte> bytes(rows * cols * 2);
        encode_weights(Encoding::F16, chunk.all(), bytes);
        writer.write_weights(0, head, sc, pc, std::move(bytes));
      }
  writer.finish();
}

template <class T>
std::vector<T> read_plain(hid_t file, const std::string& path, hid_t type) {
  const hid_t dataset = H5Dopen2(file, path.c_str(), H5P_DEFAULT);
  EXPECT_GE(dataset, 0) << path;
  const hid_t space = H5Dget_space(dataset);
  std::vector<T> values(static_cast<size_t>(H5Sget_simple_extent_npoints(space)));
  EXPECT_GE(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0) << path;
  H5Sclose(space);
  H5Dclose(dataset);
  return values;
}

struct Cell {
  float highest = std::nanf("");
  double sum = 0;
  uint32_t count = 0;
};

Cell reduce(const Grid<float>& weights, size_t row, size_t col, size_t factor) {
  Cell cell;
  for (size_t s = row * factor; s < std::min((row + 1) * factor, weights.rows()); ++s)
    for (size_t p = col * factor; p < std::min((col + 1) * factor, weights.cols()); ++p) {
      if (std::isnan(weights(s, p))) continue;
      cell.highest = std::fmax(cell.highest, weights(s, p));
      cell.sum += static_cast<double>(weights(s, p));
      ++cell.count;
    }
  return cell;
}

void expect_level(hid_t file, size_t level, const PyramidExtent& extent,
                  const std::vector<Grid<float>>& heads) {
  const std::string group = "/pyramid/" + std::to_string(level);
  const auto highest = read_plain<float>(file, group + "/max", H5T_NATIVE_FLOAT);
  const auto sum = read_plain<float>(file, group + "/sum", H5T_NATIVE_FLOAT);
  const auto count = read_plain<uint32_t>(file, group + "/count", H5T_NATIVE_UINT32);
  ASSERT_EQ(highest.size(), heads.size() * extent.rows * extent.cols);
  const size_t factor = size_t{1} << (2 * level);
  size_t at = 0;
  for (const Grid<float>& weights : heads)
    for (size_t row = 0; row < extent.rows; ++row)
      for (size_t col = 0; col < extent.cols; ++col, ++at) {
        const Cell wanted = reduce(weights, row, col, factor);
        ASSERT_EQ(count[at], wanted.count) << group << " " << row << " " << col;
        if (wanted.count == 0)
          ASSERT_TRUE(std::isnan(highest[at]));
        else
          ASSERT_EQ(highest[at], wanted.highest);
        // At level 1 the rounding to f16, 2^-11, or half a step of its smallest numbers. Above at
        // most 4096 float additions of like-sized positive numbers: were these levels made of the
        // rounded sums, they would be off by some 1e-4.
        ASSERT_NEAR(sum[at], wanted.sum,
                    level == 1 ? 4.9e-4 * wanted.sum + 3e-8 : 1e-5 * wanted.sum);
      }
}

class Pyramid : public ::testing::TestWithParam<Shape> {};

TEST_P(Pyramid, EveryLevelIsTheReductionOfTheWholeMatrix) {
  const TemporaryFolder folder;
  const TracePlan plan = plan_of(GetParam());
  const std::vector<Grid<float>> heads = random_weights(plan);
  write_trace(folder / "t.h5", plan, heads);
  const auto extents = pyramid_extents(plan.info.steps.size(), plan.info.tokens);
  const hid_t file = H5Fopen((folder / "t.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  ASSERT_GE(file, 0);
  for (size_t level = 1; level <= extents.size(); ++level) {
    expect_level(file, level, extents[level - 1], heads);
    const auto highest =
        read_plain<float>(file, "/pyramid/" + std::to_string(level) + "/max", H5T_NATIVE_FLOAT);
    EXPECT_EQ(*std::max_element(highest.begin(), highest.end(),
                                [](float a, float b) { return a < b || std::isnan(a); }),
              0.75f);
    const auto steps =
        read_plain<int32_t>(file, "/pyramid/" + std::to_string(level) + "/step", H5T_NATIVE_INT32);
    ASSERT_EQ(steps.size(), extents[level - 1].rows);
    EXPECT_EQ(steps.back(),
              static_cast<int32_t>(plan.info.steps[(steps.size() - 1) << (2 * level)].value));
  }
  EXPECT_EQ(
      H5Lexists(file, ("/pyramid/" + std::to_string(extents.size() + 1)).c_str(), H5P_DEFAULT), 0);
  H5Fclose(file);
}

INSTANTIATE_TEST_SUITE_P(
    Chunks, Pyramid,
    ::testing::Values(Shape{150, 64, 150, 1},     // aligned with bands
                      Shape{150, 64, 64, 1},      // straight from f16, but for the last columns
                      Shape{150, 22, 32, 1},      // straight from f16 in every other chunk
                      Shape{150, 21, 37, 1},      // cells and bands on the seams of chunks
                      Shape{150, 150, 150, 1},    // one chunk, taller than a band
                      Shape{5, 1, 2, 1},          // less than a cell per chunk
                      Shape{4500, 3, 1000, 500},  // two levels, many columns
                      Shape{70, 7, 70, 7}));      // steps left out

TEST(PyramidExtents, StopWhenALaneIsAPicture) {
  const auto rows_and_cols = [](uint64_t steps, uint64_t positions) {
    std::vector<std::pair<uint64_t, uint64_t>> pairs;
    for (const PyramidExtent& extent : pyramid_extents(steps, positions))
      pairs.emplace_back(extent.rows, extent.cols);
    return pairs;
  };
  using Pairs = std::vector<std::pair<uint64_t, uint64_t>>;
  EXPECT_EQ(rows_and_cols(512, 512), (Pairs{{128, 128}}));
  EXPECT_EQ(rows_and_cols(1, 1), (Pairs{{1, 1}}));
  EXPECT_EQ(rows_and_cols(4096, 4096), (Pairs{{1024, 1024}}));
  EXPECT_EQ(rows_and_cols(4097, 10), (Pairs{{1025, 3}, {257, 1}}));
}

}  // namespace
}  // namespace dendrokv
