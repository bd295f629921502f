#include "data/pyramid_index.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

#include "data/half.h"
#include "data/pyramid_reader.h"
#include "data/trace_writer.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

void write_trace(const std::filesystem::path& path, uint32_t tokens, Encoding encoding) {
  TracePlan plan;
  plan.info.model = {"tiny", "llama", "abc", 2, 2, 1, 4, 100, 64, 1e4};
  plan.info.policy = "full";
  plan.info.encoding = encoding;
  plan.info.tokens = tokens;
  plan.info.layers = {Layer(0), Layer(1)};
  plan.info.heads = {Head(0), Head(1)};
  for (uint32_t step = 0; step < tokens; ++step) plan.info.steps.emplace_back(step);
  plan.tokens.id.assign(tokens, 1);
  plan.tokens.offset.assign(tokens + 1, 0);
  plan.chunk_steps = std::min(64u, tokens);
  plan.chunk_positions = std::min(4096u, tokens);
  TraceWriter writer(path, plan);
  std::mt19937 random(11);
  std::uniform_real_distribution<float> weight(0, 0.01f);
  const uint32_t rows = plan.chunk_steps, cols = plan.chunk_positions;
  std::vector<std::byte> chunk(size_t{rows} * cols * encoded_bytes(encoding));
  for (size_t pair = 0; pair < 4; ++pair)
    for (uint32_t band = 0; band * rows < tokens; ++band)
      for (uint32_t column = 0; column * cols < tokens; ++column) {
        for (uint32_t r = 0; r < rows; ++r) {
          std::vector<float> cells(cols, std::nanf(""));
          for (uint32_t c = 0; c < cols; ++c)
            if (column * cols + c <= band * rows + r && random() % 3) cells[c] = weight(random);
          encode_weights(encoding, cells,
                         std::span(chunk).subspan(size_t{r} * cols * encoded_bytes(encoding),
                                                  cols * encoded_bytes(encoding)));
        }
        writer.write_weights(pair / 2, pair % 2, band, column, chunk);
      }
  writer.write_loss(std::vector<float>(tokens, 0));
  writer.finish();
}

template <class T>
bool same_bits(const std::vector<T>& one, const std::vector<T>& other) {
  return one.size() == other.size() &&
         std::memcmp(one.data(), other.data(), one.size() * sizeof(T)) == 0;
}

TEST(PyramidIndex, EqualsTheRecordersOwnPyramidBitForBit) {
  const testing::TemporaryFolder folder;
  for (const Encoding encoding : {Encoding::F16, Encoding::U8, Encoding::F32})
    for (const uint32_t tokens : {5u, 333u, 4500u}) {
      if (tokens == 4500 && encoding != Encoding::F16) continue;
      write_trace(folder / "t.h5", tokens, encoding);
      const TraceReader trace(folder / "t.h5");
      size_t bands = 0, of = 0;
      ASSERT_TRUE(build_pyramid_index(trace, folder / "t.index", [&](size_t done, size_t all) {
        EXPECT_EQ(done, ++bands);
        of = all;
        return true;
      }));
      EXPECT_EQ(bands, of);
      const h5::File native = h5::File::open(folder / "t.h5");
      const h5::File built = h5::File::open(folder / "t.index");
      for (size_t level = 1; level <= pyramid_extents(tokens, tokens).size(); ++level) {
        const std::string group = "/pyramid/" + std::to_string(level);
        const auto same = [&](const char* name, auto number) {
          using T = decltype(number);
          const auto all = [&](const h5::File& file) {  // chunks without a sample are not stored
            const h5::Dataset dataset = file.open_dataset(group + name);
            std::vector<T> values(dataset.elements());
            dataset.read(values.data());
            return values;
          };
          return same_bits(all(native), all(built));
        };
        const bool narrow = native.open_dataset(group + "/count").type() == h5::Type::U16;
        EXPECT_EQ(narrow, level < 4);  // 16^4 pairs of a cell are more than 65535
        const bool halves = level == 1 && encoding != Encoding::F32;
        EXPECT_EQ(native.open_dataset(group + "/sum").type(),
                  halves ? h5::Type::F16 : h5::Type::F32);
        EXPECT_TRUE(same("/max", uint16_t{}) &&
                    (halves ? same("/sum", uint16_t{}) : same("/sum", float{})))
            << level << " of " << tokens;
        EXPECT_TRUE(narrow ? same("/count", uint16_t{}) : same("/count", uint32_t{}))
            << level << " of " << tokens;
      }
    }
}

TEST(PyramidIndex, StoppedItLeavesNothing) {
  const testing::TemporaryFolder folder;
  write_trace(folder / "t.h5", 200, Encoding::F16);
  const TraceReader trace(folder / "t.h5");
  EXPECT_FALSE(
      build_pyramid_index(trace, folder / "t.index", [](size_t done, size_t) { return done < 3; }));
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
    ++files;
  EXPECT_EQ(files, 1u);
}

TEST(PyramidIndex, IsFoundBesideItsOwnTraceOnly) {
  const testing::TemporaryFolder folder;
  write_trace(folder / "t.h5", 100, Encoding::F16);
  const TraceReader trace(folder / "t.h5");
  const auto place = pyramid_index_places(folder / "t.h5", trace.info().uuid)[0];
  EXPECT_EQ(find_pyramid_index(folder / "t.h5", trace.info()), "");
  build_pyramid_index(trace, place, {});
  EXPECT_EQ(find_pyramid_index(folder / "t.h5", trace.info()), place);
  TraceInfo other = trace.info();
  other.uuid = "another";
  EXPECT_EQ(find_pyramid_index(folder / "t.h5", other), "");
  std::ofstream(place, std::ios::binary) << "not an index";
  EXPECT_EQ(find_pyramid_index(folder / "t.h5", trace.info()), "");
}

TEST(PyramidReader, CountsPairsWhereAPyramidStoresNoCounts) {
  const testing::TemporaryFolder folder;
  write_trace(folder / "t.h5", 64, Encoding::F16);
  const TraceReader trace(folder / "t.h5");
  {
    h5::File file = h5::File::create(folder / "p.h5");
    file.create_group("/pyramid");
    file.create_group("/pyramid/1");
    const h5::Shape shape = {2, 2, 16, 16};
    file.create_dataset("/pyramid/1/max", h5::Type::F32, shape, {}, h5::Fill::Absent);
    file.create_dataset("/pyramid/1/sum", h5::Type::F32, shape, {}, h5::Fill::Zero);
    file.close();
  }
  const auto reader = PyramidReader::open(folder / "p.h5", trace.info());
  ASSERT_TRUE(reader);
  Grid<float> sum(16, 16);
  Grid<uint32_t> count(16, 16);
  reader->read_sums(1, 0, 0, {0, 16}, {0, 16}, sum.view(), count.view());
  for (size_t r = 0; r < 16; ++r)
    for (size_t c = 0; c < 16; ++c) EXPECT_EQ(count(r, c), r > c ? 16u : r == c ? 10u : 0u);
}

}  // namespace
}  // namespace dendrokv
