#include "data/logits_file.h"

#include <gtest/gtest.h>

#include "data/hdf5.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::TemporaryFolder;

const std::vector<int32_t> kTokens{5, 6, 7};
constexpr uint32_t kVocabulary = 4;

LogitsPlan plan() {
  ModelFacts model;
  model.name = "tiny";
  model.sha256 = "00ff";
  model.vocabulary = kVocabulary;
  return {.model = model, .policy = "full", .command_line = "dendrokv logits", .tokens = kTokens};
}

/// Rows of 0, 1, 2, ... in the order of the file.
Grid<float> rows(size_t first, size_t count) {
  Grid<float> grid(count, kVocabulary);
  for (size_t i = 0; i < grid.all().size(); ++i)
    grid.all()[i] = static_cast<float>(first * kVocabulary + i);
  return grid;
}

void append(LogitsWriter& writer, size_t first, size_t count) {
  const Grid<float> grid = rows(first, count);
  writer.append(grid.view());
}

TEST(LogitsFile, HoldsTheRowsInOrder) {
  const TemporaryFolder folder;
  LogitsWriter writer(folder / "logits.h5", plan());
  append(writer, 0, 2);
  append(writer, 2, 1);
  writer.finish();
  const h5::File file = h5::File::open(folder / "logits.h5");
  std::vector<float> logits(kTokens.size() * kVocabulary);
  file.open_dataset("/logits", h5::Type::F32, {kTokens.size(), kVocabulary}).read(logits.data());
  for (size_t i = 0; i < logits.size(); ++i) EXPECT_EQ(logits[i], static_cast<float>(i));
  std::vector<int32_t> ids(kTokens.size());
  file.open_dataset("/tokens/id", h5::Type::I32, {kTokens.size()}).read(ids.data());
  EXPECT_EQ(ids, kTokens);
  EXPECT_EQ(file.text_attribute("/", "format"), "dendrokv-logits");
  EXPECT_EQ(file.text_attribute("/", "model"), "tiny");
  EXPECT_EQ(file.text_attribute("/", "policy"), "full");
  EXPECT_EQ(file.count_attribute("/", "complete"), 1u);
  EXPECT_FALSE(std::filesystem::exists(folder / "logits.h5.part"));
}

TEST(LogitsFile, LeavesNothingBehindUnlessFinished) {
  const TemporaryFolder folder;
  {
    LogitsWriter writer(folder / "logits.h5", plan());
    append(writer, 0, 2);
    EXPECT_TRUE(std::filesystem::exists(folder / "logits.h5.part"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(LogitsFile, TakesTheBytesThatWereEstimated) {
  const TemporaryFolder folder;
  LogitsWriter writer(folder / "logits.h5", plan());
  append(writer, 0, 3);
  writer.finish();
  // The estimate counts 2 MiB for everything but the numbers.
  EXPECT_LE(std::filesystem::file_size(folder / "logits.h5"), estimated_bytes(plan()));
}

}  // namespace
}  // namespace dendrokv
