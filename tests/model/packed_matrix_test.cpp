#include "model/packed_matrix.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "data/error.h"
#include "model/tensor_types.h"
#include "tests/model/tensors.h"

namespace dendrokv {
namespace {

using testing::every_type;
using testing::kBF16;
using testing::kF16;
using testing::kF32;
using testing::kQ2_K;
using testing::kQ3_K;
using testing::kQ4_0;
using testing::kQ4_1;
using testing::kQ4_K;
using testing::kQ5_0;
using testing::kQ5_1;
using testing::kQ5_K;
using testing::kQ6_K;
using testing::kQ8_0;
using testing::OwnedTensor;
using testing::random_tensor;

void expect_rows_of(const PackedMatrix& matrix, const std::vector<float>& values) {
  std::vector<float> row(matrix.cols());
  for (size_t r = 0; r < matrix.rows(); ++r) {
    matrix.row(r, row);
    for (size_t c = 0; c < matrix.cols(); ++c)
      ASSERT_EQ(row[c], values[r * matrix.cols() + c]) << "row " << r << ", column " << c;
  }
}

// Every type, also with rows that do not fill the last group of 16: the packed rows are the decoded
// rows, bit for bit.
TEST(PackedMatrix, KeepsEveryWeight) {
  for (const uint32_t type : every_type())
    for (const size_t rows : {1, 15, 16, 17, 40})
      for (const Arithmetic arithmetic : {Arithmetic::Fast, Arithmetic::Exact}) {
        SCOPED_TRACE(::testing::Message() << "type " << type << ", rows " << rows);
        const size_t cols = 3 * std::max<size_t>(32, find_tensor_type(type)->block_values);
        const OwnedTensor made = random_tensor(type, rows, cols, 7);
        const PackedMatrix packed = PackedMatrix::pack("m.gguf", made.tensor, arithmetic);
        ASSERT_EQ(packed.rows(), rows);
        ASSERT_EQ(packed.cols(), cols);
        EXPECT_EQ(packed.bytes(), packed_bytes(made.tensor, arithmetic));
        expect_rows_of(packed, made.values);
      }
}

PackedKind kind_of(uint32_t type, Arithmetic arithmetic) {
  const OwnedTensor made = random_tensor(type, 16, 256, 1);
  const PackedMatrix packed = PackedMatrix::pack("m.gguf", made.tensor, arithmetic);
  EXPECT_EQ(packed.sections().size(), 1u);
  return packed.sections().front().kind;
}

TEST(PackedMatrix, KindFollowsTypeAndArithmetic) {
  for (const auto& [type, kind] :
       {std::pair{kF32, PackedKind::F32}, std::pair{kF16, PackedKind::F16},
        std::pair{kBF16, PackedKind::BF16}, std::pair{kQ4_0, PackedKind::W4},
        std::pair{kQ4_1, PackedKind::W4Minimum}, std::pair{kQ4_K, PackedKind::W4WideMinimum},
        std::pair{kQ8_0, PackedKind::W8}, std::pair{kQ5_0, PackedKind::W8},
        std::pair{kQ5_1, PackedKind::W8Minimum}, std::pair{kQ5_K, PackedKind::W8WideMinimum},
        std::pair{kQ6_K, PackedKind::W8Halves}, std::pair{kQ3_K, PackedKind::W8Halves},
        std::pair{kQ2_K, PackedKind::W8HalvesMinimum}}) {
    EXPECT_EQ(kind_of(type, Arithmetic::Fast), kind) << "type " << type;
    EXPECT_EQ(kind_of(type, Arithmetic::Exact), PackedKind::F32) << "type " << type;
  }
}

// The types whose scales stay as they are take no more memory than in the file.
TEST(PackedMatrix, IsAsLargeAsTheFile) {
  for (const uint32_t type : {kF32, kF16, kBF16, kQ4_0, kQ4_1, kQ8_0}) {
    const OwnedTensor made = random_tensor(type, 192, 576, 1);
    EXPECT_EQ(PackedMatrix::pack("m.gguf", made.tensor, Arithmetic::Fast).bytes(),
              made.tensor.data.size())
        << "type " << type;
  }
}

// Codes begin at a cache line in every layout.
TEST(PackedMatrix, CodesAreAligned) {
  for (size_t kind = 0; kind <= static_cast<size_t>(PackedKind::W8HalvesMinimum); ++kind) {
    const PackedLayout layout = layout_of(static_cast<PackedKind>(kind));
    EXPECT_EQ(layout.group_bytes(96) % 64, 0u);
    if (!layout.is_coded()) continue;
    for (size_t block = 0; block < 5; ++block) EXPECT_EQ(layout.codes_at(block) % 64, 0u);
  }
}

TEST(PackedMatrix, FusesRows) {
  const OwnedTensor q = random_tensor(kQ4_1, 24, 64, 1), k = random_tensor(kQ4_1, 8, 64, 2),
                    v = random_tensor(kQ4_1, 5, 64, 3);
  const GgufTensor* tensors[] = {&q.tensor, &k.tensor, &v.tensor};
  const PackedMatrix fused = PackedMatrix::pack_rows("m.gguf", tensors, Arithmetic::Fast);
  ASSERT_EQ(fused.sections().size(), 1u);
  ASSERT_EQ(fused.rows(), 37u);
  std::vector<float> all = q.values;
  all.insert(all.end(), k.values.begin(), k.values.end());
  all.insert(all.end(), v.values.begin(), v.values.end());
  expect_rows_of(fused, all);
}

TEST(PackedMatrix, MixedTypesKeepTheirLayouts) {
  const OwnedTensor q = random_tensor(kQ4_1, 20, 64, 1), k = random_tensor(kQ4_1, 9, 64, 2),
                    v = random_tensor(kQ8_0, 17, 64, 3);
  const GgufTensor* tensors[] = {&q.tensor, &k.tensor, &v.tensor};
  const PackedMatrix fused = PackedMatrix::pack_rows("m.gguf", tensors, Arithmetic::Fast);
  ASSERT_EQ(fused.sections().size(), 2u);
  EXPECT_EQ(fused.sections()[0].kind, PackedKind::W4Minimum);
  EXPECT_EQ(fused.sections()[1].kind, PackedKind::W8);
  EXPECT_EQ(fused.sections()[1].first_row, 29u);
  EXPECT_EQ(fused.sections()[1].first_group, 2u);
  EXPECT_EQ(fused.groups(), 4u);
  EXPECT_TRUE(fused.reads_codes());
  std::vector<float> all = q.values;
  all.insert(all.end(), k.values.begin(), k.values.end());
  all.insert(all.end(), v.values.begin(), v.values.end());
  expect_rows_of(fused, all);
}

struct BadNumber {
  uint32_t type;
  size_t offset;  // of the damaged half, from the start of row 2
  const char* found;
};

TEST(PackedMatrix, RefusesNumbersThatAreNotFinite) {
  // Row 2, block 1 of 64 columns.
  const BadNumber cases[] = {
      {kQ4_1, 20, "tensor w has a scale that is not finite at row 2, column 32"},
      {kQ4_1, 22, "tensor w has a minimum that is not finite at row 2, column 32"},
      {kQ8_0, 34, "tensor w has a scale that is not finite at row 2, column 32"},
      {kF16, 80, "tensor w has a weight that is not finite at row 2, column 40"},
      {kQ4_0, 18, "tensor w has a scale that is not finite at row 2, column 32"},
      {kQ5_0, 22, "tensor w has a scale that is not finite at row 2, column 32"},
      {kQ5_1, 26, "tensor w has a minimum that is not finite at row 2, column 32"}};
  for (const BadNumber& bad : cases)
    for (const uint16_t half : {uint16_t{0x7C00}, uint16_t{0xFC00}, uint16_t{0x7E00}})
      for (const Arithmetic arithmetic : {Arithmetic::Fast, Arithmetic::Exact}) {
        OwnedTensor made = random_tensor(bad.type, 3, 64, 1);
        std::memcpy(made.bytes.data() + 2 * made.bytes.size() / 3 + bad.offset, &half, sizeof half);
        try {
          PackedMatrix::pack("m.gguf", made.tensor, arithmetic);
          FAIL() << "type " << bad.type << " was accepted";
        } catch (const Error& error) {
          EXPECT_EQ(error.subject(), "m.gguf");
          if (arithmetic == Arithmetic::Fast) {
            EXPECT_EQ(error.found(), bad.found);
          }
          EXPECT_NE(error.found().find("tensor w "), std::string::npos);
        }
      }
}

// A scale of a K block spoils all its sub-blocks: the first is named.
TEST(PackedMatrix, RefusesScalesOfKBlocksThatAreNotFinite) {
  const BadNumber cases[] = {{kQ2_K, 82, "minimum"},
                             {kQ3_K, 108, "scale"},
                             {kQ4_K, 2, "minimum"},
                             {kQ5_K, 0, "scale"},
                             {kQ6_K, 208, "scale"}};
  for (const BadNumber& bad : cases) {
    OwnedTensor made = random_tensor(bad.type, 3, 256, 1);
    const uint16_t infinite = 0x7C00;
    std::memcpy(made.bytes.data() + 2 * made.bytes.size() / 3 + bad.offset, &infinite,
                sizeof infinite);
    try {
      PackedMatrix::pack("m.gguf", made.tensor, Arithmetic::Fast);
      FAIL() << "type " << bad.type << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.found(), std::string("tensor w has a ") + bad.found +
                                   " that is not finite at row 2, column 0");
    }
  }
}

// BF16 has the exponent of a float: an infinity of its own.
TEST(PackedMatrix, RefusesBrainFloatsThatAreNotFinite) {
  OwnedTensor made = random_tensor(kBF16, 3, 64, 1);
  const uint16_t infinite = 0xFF80;
  std::memcpy(&made.bytes[2 * (2 * 64 + 40)], &infinite, sizeof infinite);
  try {
    PackedMatrix::pack("m.gguf", made.tensor, Arithmetic::Fast);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.found(), "tensor w has a weight that is not finite at row 2, column 40");
  }
}

}  // namespace
}  // namespace dendrokv
