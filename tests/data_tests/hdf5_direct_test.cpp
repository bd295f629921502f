// Files that are written past the page cache, read back by plain HDF5 calls.

#include <algorithm>
#include <cmath>
#include <csignal>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/resource.h>

#include "data/chunk_writer.h"
#include "data/error.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

constexpr size_t kChunk = 2 * kPageBytes / sizeof(float);  // numbers of a chunk
constexpr size_t kChunks = 700;                            // more than one write gathers

float number(size_t chunk, size_t at) {
  return static_cast<float>(chunk * 31 + at % 997);
}

PageBuffer chunk_of(const PagePool& pool, size_t chunk) {
  PageBuffer buffer = pool.take(kChunk * sizeof(float));
  auto* numbers = reinterpret_cast<float*>(buffer.bytes().data());
  for (size_t at = 0; at < kChunk; ++at) numbers[at] = number(chunk, at);
  return buffer;
}

std::vector<float> read_plain(const std::filesystem::path& path, const char* name) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  std::vector<float> numbers(kChunks * kChunk);
  EXPECT_GE(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()), 0);
  H5Dclose(dataset);
  H5Fclose(file);
  return numbers;
}

// Chunks out of order, two datasets in turn, metadata and small writes between them, buffers used
// again.
TEST(DirectFile, HoldsWhatWasWrittenInAnyOrder) {
  const testing::TemporaryFolder folder;
  const PagePool pool;
  {
    h5::File file = h5::File::create(folder / "f.h5", h5::Writing::Direct);
    ChunkWriter chunks(file);
    h5::Dataset a =
        file.create_dataset("/a", h5::Type::F32, {kChunks * kChunk}, {kChunk}, h5::Fill::Absent);
    h5::Dataset b =
        file.create_dataset("/b", h5::Type::F32, {kChunks * kChunk}, {kChunk}, h5::Fill::Absent);
    for (size_t i = 0; i < kChunks; ++i) {
      const size_t chunk = i * 303 % kChunks;  // each once: the two have no common factor
      chunks.write(a, {chunk * kChunk}, chunk_of(pool, chunk));
      if (i % 3 == 0) chunks.write(b, {i * kChunk}, chunk_of(pool, i));
      if (i % 100 == 0) file.write_attribute("/", "note" + std::to_string(i), uint64_t{i});
      if (i % 250 == 0) file.flush();
    }
    chunks.settle();
  }
  const std::vector<float> a = read_plain(folder / "f.h5", "/a"),
                           b = read_plain(folder / "f.h5", "/b");
  for (size_t chunk = 0; chunk < kChunks; ++chunk)
    for (size_t at = 0; at < kChunk; ++at) {
      ASSERT_EQ(a[chunk * kChunk + at], number(chunk, at)) << chunk;
      if (chunk % 3 == 0)
        ASSERT_EQ(b[chunk * kChunk + at], number(chunk, at)) << chunk;
      else
        ASSERT_TRUE(std::isnan(b[chunk * kChunk + at])) << chunk;
    }
}

TEST(DirectFile, IsWholeWithoutAnExplicitEnd) {
  const testing::TemporaryFolder folder;
  const PagePool pool;
  PageBuffer only = chunk_of(pool, 5);
  {
    h5::File file = h5::File::create(folder / "f.h5", h5::Writing::Direct);
    h5::Dataset a =
        file.create_dataset("/a", h5::Type::F32, {kChunks * kChunk}, {kChunk}, h5::Fill::Absent);
    a.write_chunk(std::vector<uint64_t>{0}, only.bytes());
  }
  EXPECT_EQ(read_plain(folder / "f.h5", "/a")[17], number(5, 17));
}

// A limit on the size of files stands for a disk that is full.
TEST(DirectFile, AFullDiskIsAnErrorThatNamesTheFile) {
  const testing::TemporaryFolder folder;
  const PagePool pool;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  h5::File file = h5::File::create(folder / "f.h5", h5::Writing::Direct);
  ChunkWriter chunks(file);
  h5::Dataset a =
      file.create_dataset("/a", h5::Type::F32, {kChunks * kChunk}, {kChunk}, h5::Fill::Absent);
  const rlimit small{size_t{1} << 20, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string said;
  try {
    for (size_t chunk = 0; chunk < kChunks; ++chunk)
      chunks.write(a, {chunk * kChunk}, chunk_of(pool, chunk));
    chunks.settle();
  } catch (const Error& error) {
    said = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(said.find("f.h5"), std::string::npos) << said;
  EXPECT_NE(said.find("File too large"), std::string::npos) << said;
}

TEST(PagePool, GivesAlignedPiecesThatDoNotOverlapAndUsesThemAgain) {
  const PagePool pool;
  std::vector<PageBuffer> held;
  for (const size_t size : {size_t{1}, kPageBytes, 3 * kPageBytes, size_t{5} << 20})
    for (int i = 0; i < 20; ++i) held.push_back(pool.take(size));
  std::vector<std::pair<const std::byte*, const std::byte*>> pieces;
  for (const PageBuffer& buffer : held) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.bytes().data()) % kPageBytes, 0u);
    pieces.emplace_back(buffer.bytes().data(), buffer.bytes().data() + buffer.size());
  }
  std::ranges::sort(pieces);
  for (size_t i = 1; i < pieces.size(); ++i) EXPECT_LE(pieces[i - 1].second, pieces[i].first);
  const std::byte* last = held.back().bytes().data();
  held.pop_back();
  EXPECT_EQ(pool.take(size_t{5} << 20).bytes().data(), last);
}

// What is taken one after the other can be written as one.
TEST(PagePool, CutsPiecesSideBySideAndASlabAgainOnceItIsWhole) {
  const PagePool pool;
  PageBuffer a = pool.take(kPageBytes), b = pool.take(2 * kPageBytes);
  const std::byte* const first = a.bytes().data();
  EXPECT_EQ(b.bytes().data(), first + kPageBytes);
  a = {};
  EXPECT_EQ(pool.take(kPageBytes).bytes().data(), first + 3 * kPageBytes);  // b is out
  b = {};
  EXPECT_EQ(pool.take(kPageBytes).bytes().data(), first);
}

}  // namespace
}  // namespace dendrokv
