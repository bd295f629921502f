// Traces: written by us, read by plain HDF5 calls and by us; damaged ones refused.

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <random>
#include <sys/stat.h>

#include "data/error.h"
#include "data/half.h"
#include "data/identity.h"
#include "data/runs_file.h"
#include "data/trace_reader.h"
#include "data/trace_writer.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::TemporaryFolder;

constexpr uint32_t kTokens = 11;

// Sums of a row need not be one here: only the recorder checks that.
float weight_at(size_t layer, size_t head, size_t step, size_t position) {
  return 1.0f / static_cast<float>(2 + layer * 7 + head * 5 + step * 3 + position);
}

float value_at(size_t layer, size_t kv_head, size_t position, size_t channel) {
  return static_cast<float>(layer) - 2.5f * static_cast<float>(kv_head) +
         0.125f * static_cast<float>(position * 4 + channel);
}

TracePlan small_plan(Encoding encoding) {
  TracePlan plan;
  plan.info.model = {"tiny", "llama", "abc", 5, 6, 2, 4, 100, 64, 1e4};
  plan.info.policy = "full";
  plan.info.encoding = encoding;
  plan.info.keys = KeyRows::Record;
  plan.info.tokens = kTokens;
  plan.info.layers = {Layer(1), Layer(4)};
  plan.info.heads = {Head(0), Head(2), Head(5)};
  for (uint32_t step = 1; step < kTokens; step += 2) plan.info.steps.emplace_back(step);
  for (uint32_t i = 0; i <= kTokens; ++i) plan.tokens.offset.push_back(i * 2);
  for (uint32_t i = 0; i < kTokens; ++i) {
    plan.tokens.id.push_back(static_cast<int32_t>(10 + i));
    plan.tokens.bytes += "t" + std::string(1, static_cast<char>('a' + i));
  }
  plan.chunk_steps = 2;
  plan.chunk_positions = 4;
  return plan;
}

std::vector<std::byte> chunk_of(const TracePlan& plan, size_t layer, size_t head, size_t step_chunk,
                                size_t position_chunk) {
  std::vector<float> cells;
  for (size_t h = 0; h < plan.chunk_heads; ++h)
    for (size_t s = 0; s < plan.chunk_steps; ++s)
      for (size_t p = 0; p < plan.chunk_positions; ++p) {
        const size_t step = step_chunk * plan.chunk_steps + s;
        const size_t position = position_chunk * plan.chunk_positions + p;
        const bool is_there =
            step < plan.info.steps.size() && position <= plan.info.steps[step].index();
        cells.push_back(is_there ? weight_at(layer, head + h, step, position) : std::nanf(""));
      }
  std::vector<std::byte> bytes(cells.size() * encoded_bytes(plan.info.encoding));
  encode_weights(plan.info.encoding, cells, bytes);
  return bytes;
}

Grid<float> rows_of(size_t layer, size_t kv_head) {
  Grid<float> rows(kTokens, 4);
  for (size_t p = 0; p < kTokens; ++p)
    for (size_t d = 0; d < 4; ++d) rows(p, d) = value_at(layer, kv_head, p, d);
  return rows;
}

void write_small(const std::filesystem::path& path, const TracePlan& plan) {
  TraceWriter writer(path, plan);
  const size_t step_chunks = (plan.info.steps.size() + plan.chunk_steps - 1) / plan.chunk_steps;
  for (size_t sc = 0; sc < step_chunks; ++sc)
    for (size_t l = 0; l < 2; ++l)
      for (size_t h = 0; h < 3; h += plan.chunk_heads)
        for (size_t pc = 0; pc < 3; ++pc) {
          const size_t last = std::min((sc + 1) * plan.chunk_steps, plan.info.steps.size()) - 1;
          if (pc * plan.chunk_positions <= plan.info.steps[last].index())
            writer.write_weights(l, h, sc, pc, chunk_of(plan, l, h, sc, pc));
        }
  for (size_t l = 0; l < 2; ++l)
    for (uint32_t g = 0; g < 2; ++g) {
      const Grid<float> rows = rows_of(l, g);
      writer.write_values(l, KvHead(g), Position(0), rows.view().rows_from(0, 6));
      writer.write_values(l, KvHead(g), Position(6), rows.view().rows_from(6, 5));
      writer.write_keys(l, KvHead(g), Position(0), rows.view());
    }
  std::vector<float> nll(kTokens, 1.5f);
  nll[0] = std::nanf("");
  writer.write_loss(nll);
  writer.mark_steps_valid(plan.info.steps.size());
  writer.finish();
}

class TraceFile : public ::testing::TestWithParam<Encoding> {};

TEST_P(TraceFile, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  const TracePlan plan = small_plan(GetParam());
  write_small(folder / "t.h5", plan);
  EXPECT_FALSE(std::filesystem::exists(folder / "t.h5.part"));
  const TraceReader reader(folder / "t.h5");
  EXPECT_EQ(reader.info().model.name, "tiny");
  EXPECT_EQ(reader.info().layers, plan.info.layers);
  EXPECT_EQ(reader.info().heads, plan.info.heads);
  EXPECT_EQ(reader.info().steps, plan.info.steps);
  EXPECT_EQ(reader.info().encoding, GetParam());
  EXPECT_TRUE(reader.info().complete);
  EXPECT_EQ(reader.info().uuid.size(), 36u);
  EXPECT_EQ(reader.tokens().piece(Position(3)), "td");
  // u8 keeps 16 codes per octave: half a step is 2.2 %. f16 keeps 11 bits.
  const double tolerance = GetParam() == Encoding::U8    ? 0.0222
                           : GetParam() == Encoding::F16 ? 1.0 / 2048
                                                         : 0;
  for (size_t l = 0; l < 2; ++l)
    for (size_t h = 0; h < 3; ++h) {
      Grid<float> got(3, 7);
      reader.read_weights(l, h, {2, 3}, {1, 7}, got.view());
      for (size_t s = 0; s < 3; ++s)
        for (size_t p = 0; p < 7; ++p) {
          const float wanted = weight_at(l, h, s + 2, p + 1);
          if (p + 1 > plan.info.steps[s + 2].index())
            EXPECT_TRUE(std::isnan(got(s, p)));
          else
            EXPECT_NEAR(got(s, p), wanted, tolerance * static_cast<double>(wanted));
        }
    }
  Grid<float> values(4, 4), keys(4, 4);
  reader.read_values(1, KvHead(1), {5, 4}, values.view());
  reader.read_keys(1, KvHead(1), {5, 4}, keys.view());
  for (size_t p = 0; p < 4; ++p)
    for (size_t d = 0; d < 4; ++d) {
      EXPECT_EQ(values(p, d), value_at(1, 1, p + 5, d));  // multiples of 1/8 below 2048 are halves
      EXPECT_EQ(keys(p, d), value_at(1, 1, p + 5, d));
    }
  EXPECT_TRUE(std::isnan(reader.read_loss()[0]));
  EXPECT_EQ(reader.read_loss()[10], 1.5f);
  EXPECT_FALSE(reader.read_run().has_value());
}

INSTANTIATE_TEST_SUITE_P(Encodings, TraceFile,
                         ::testing::Values(Encoding::F16, Encoding::U8, Encoding::F32),
                         [](const auto& instance) {
                           return std::string(encoding_name(instance.param));
                         });

// Whatever the heads of a chunk, a reader that knows nothing of chunks sees the same array.
TEST(TraceFile, PlainHdf5CallsSeeEveryCell) {
  for (const uint32_t chunk_heads : {1u, 3u}) {
    const TemporaryFolder folder;
    TracePlan plan = small_plan(Encoding::F16);
    plan.chunk_heads = chunk_heads;
    write_small(folder / "t.h5", plan);
    std::vector<float> all(2 * 3 * 5 * kTokens);
    const hid_t file = H5Fopen((folder / "t.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, "/attention/weight", H5P_DEFAULT);
    ASSERT_GE(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()), 0);
    H5Dclose(dataset);
    H5Fclose(file);
    auto cell = all.begin();
    for (size_t l = 0; l < 2; ++l)
      for (size_t h = 0; h < 3; ++h)
        for (size_t s = 0; s < 5; ++s)
          for (size_t p = 0; p < kTokens; ++p, ++cell)
            if (p > plan.info.steps[s].index())
              EXPECT_TRUE(std::isnan(*cell));
            else
              EXPECT_EQ(*cell, from_half(to_half(weight_at(l, h, s, p))));
  }
}

TEST(TraceFile, PlainHdf5CallsSeeTheContract) {
  const TemporaryFolder folder;
  const TracePlan plan = small_plan(Encoding::F16);
  write_small(folder / "t.h5", plan);
  const hid_t file = H5Fopen((folder / "t.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  ASSERT_GE(file, 0);
  const hid_t dataset = H5Dopen2(file, "/attention/weight", H5P_DEFAULT);
  const hid_t space = H5Dget_space(dataset);
  hsize_t extents[4] = {};
  ASSERT_EQ(H5Sget_simple_extent_dims(space, extents, nullptr), 4);
  EXPECT_EQ(extents[0], 2u);
  EXPECT_EQ(extents[1], 3u);
  EXPECT_EQ(extents[2], 5u);
  EXPECT_EQ(extents[3], kTokens);
  std::vector<float> all(2 * 3 * 5 * kTokens);
  ASSERT_GE(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()), 0);
  const size_t cell = ((1 * 3 + 2) * 5 + 4) * kTokens + 8;
  EXPECT_EQ(all[cell], from_half(to_half(weight_at(1, 2, 4, 8))));
  EXPECT_TRUE(std::isnan(all[cell + 2]));
  const hid_t complete = H5Aopen(file, "complete", H5P_DEFAULT);
  uint64_t flag = 0;
  H5Aread(complete, H5T_NATIVE_UINT64, &flag);
  EXPECT_EQ(flag, 1u);
  const hid_t plot = H5Dopen2(file, "/entry/overview/max", H5P_DEFAULT);
  EXPECT_GE(plot, 0);
  H5Dclose(plot);
  H5Aclose(complete);
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(file);
}

TEST(TraceFile, UnfinishedStaysAPartAndIsRefusedUnlessAsked) {
  const TemporaryFolder folder;
  TracePlan plan = small_plan(Encoding::F16);
  plan.info.lane_budget = BudgetMap{5, 2, {8, 9, 10, 11, 12, 13, 14, 15, 16, 17}};
  {
    TraceWriter writer(folder / "t.h5", plan);
    for (size_t l = 0; l < 2; ++l)
      for (size_t h = 0; h < 3; ++h) writer.write_weights(l, h, 0, 0, chunk_of(plan, l, h, 0, 0));
    writer.mark_steps_valid(2);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "t.h5"));
  EXPECT_THROW(TraceReader(folder / "t.h5.part"), Error);
  const TraceReader reader(folder / "t.h5.part", Incomplete::TakeWhatIsThere);
  EXPECT_EQ(reader.info().steps.size(), 2u);
  EXPECT_EQ(reader.info().lane_budget, plan.info.lane_budget);  // there from the start
}

/// Takes a dataset away, or puts one of another type and shape in its place.
void replace_dataset(const std::filesystem::path& path, const char* name,
                     const std::vector<hsize_t>& shape) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(H5Ldelete(file, name, H5P_DEFAULT), 0);
  if (!shape.empty()) {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t dataset =
        H5Dcreate2(file, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(dataset, 0);
    H5Dclose(dataset);
    H5Sclose(space);
  }
  H5Fclose(file);
}

// Keys are checked against values when a trace is opened, if there are any.
TEST(TraceFile, KeysWithoutValuesAreStillChecked) {
  const TemporaryFolder folder;
  write_small(folder / "t.h5", small_plan(Encoding::F16));
  replace_dataset(folder / "t.h5", "/value/value", {});
  Grid<float> keys(kTokens, 4);
  TraceReader(folder / "t.h5", Incomplete::TakeWhatIsThere)
      .read_keys(1, KvHead(1), {0, kTokens}, keys.view());
  EXPECT_EQ(keys(3, 2), value_at(1, 1, 3, 2));
  for (const std::vector<hsize_t>& shape :
       {std::vector<hsize_t>{2, 2, kTokens, 4}, {2, 2, kTokens, 4, 1}, {2, 2, kTokens + 1, 4}}) {
    replace_dataset(folder / "t.h5", "/key/key", shape);
    const TraceReader reader(folder / "t.h5", Incomplete::TakeWhatIsThere);
    EXPECT_THROW(reader.read_keys(1, KvHead(1), {0, kTokens}, keys.view()), Error) << shape.size();
  }
}

TEST(TraceFile, TheEstimateIsNearTheSize) {
  const TemporaryFolder folder;
  TracePlan plan = small_plan(Encoding::F16);
  write_small(folder / "t.h5", plan);
  const uint64_t size = std::filesystem::file_size(folder / "t.h5");
  EXPECT_GE(estimated_bytes(plan), size);
  // Fixed overhead is counted generously.
  EXPECT_LE(estimated_bytes(plan), size + (uint64_t{5} << 20));
  EXPECT_THROW(check_disk_space(folder / "t.h5", uint64_t{1} << 60), Error);
  EXPECT_THROW(check_disk_space(folder / "no" / "such" / "t.h5", 1), Error);
}

std::string refusal(const std::filesystem::path& path, Incomplete incomplete = Incomplete::Refuse) {
  try {
    const TraceReader reader(path, incomplete);
    Grid<float> out(reader.info().steps.size(), reader.info().tokens);
    reader.read_weights(0, 0, {0, out.rows()}, {0, out.cols()}, out.view());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TraceFile, MissingForeignAndTruncatedFilesAreNamed) {
  const TemporaryFolder folder;
  EXPECT_NE(refusal(folder / "none.h5").find("does not exist"), std::string::npos);
  EXPECT_NE(refusal(folder.path()).find("is a folder"), std::string::npos);
  std::ofstream(folder / "text.h5") << "not HDF5 at all";
  EXPECT_NE(refusal(folder / "text.h5").find("text.h5: is not an HDF5 file"), std::string::npos);
  write_small(folder / "t.h5", small_plan(Encoding::F16));
  const std::string whole = testing::read_text(folder / "t.h5");
  for (const size_t size : {size_t{64}, whole.size() / 4, whole.size() / 2, whole.size() - 9}) {
    std::ofstream(folder / "cut.h5", std::ios::binary) << whole.substr(0, size);
    EXPECT_NE(refusal(folder / "cut.h5"), "") << size;
  }
}

TEST(TraceFile, WhatIsNoRegularFileIsNamedAndNeverWaitedFor) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);  // nobody writes to it
  std::ofstream(folder / "empty.h5");
  for (const Incomplete incomplete : {Incomplete::Refuse, Incomplete::TakeWhatIsThere}) {
    EXPECT_NE(refusal(folder / "pipe", incomplete).find("pipe: is a pipe, wanted an HDF5 file"),
              std::string::npos);
    EXPECT_NE(refusal("/dev/null", incomplete).find("is not a regular file"), std::string::npos);
    EXPECT_NE(refusal(folder / "empty.h5", incomplete).find("empty.h5: is empty"),
              std::string::npos);
  }
  EXPECT_THROW(sniff_file(folder / "pipe"), Error);
  EXPECT_THROW(sha256_of(folder / "pipe"), Error);
}

TEST(TraceFile, FlippedBytesGiveAnErrorOrNumbersNeverACrash) {
  const TemporaryFolder folder;
  write_small(folder / "t.h5", small_plan(Encoding::F16));
  const std::string whole = testing::read_text(folder / "t.h5");
  std::mt19937 draw(7);
  // The first 4 KiB hold most of the metadata.
  for (int round = 0; round < 200; ++round) {
    std::string broken = whole;
    broken[draw() % std::min<size_t>(whole.size(), 4096)] ^= static_cast<char>(1 << (draw() % 8));
    std::ofstream(folder / "b.h5", std::ios::binary) << broken;
    refusal(folder / "b.h5");
  }
}

}  // namespace
}  // namespace dendrokv
