#include "model/packed_matrix.h"

#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#include "data/error.h"
#include "tests/model/tensors.h"

namespace dendrokv {
namespace {

using testing::kF16;
using testing::kF32;
using testing::kQ4_1;
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

// Every type, also with rows that do not fill the last group of 16: the packed rows are the decoded rows, bit for bit.
TEST(PackedMatrix, KeepsEveryWeight) {
  for (const uint32_t type : {kF32, kF16, kQ4_1, kQ8_0})
    for (const size_t rows : {1, 15, 16, 17, 40})
      for (const Arithmetic arithmetic : {Arithmetic::Fast, Arithmetic::Exact}) {
        SCOPED_TRACE(::testing::Message() << "type " << type << ", rows " << rows);
        const OwnedTensor made = random_tensor(type, rows, 96, 7);
        const PackedMatrix packed = PackedMatrix::pack("m.gguf", made.tensor, arithmetic);
        ASSERT_EQ(packed.rows(), rows);
        ASSERT_EQ(packed.cols(), 96u);
        expect_rows_of(packed, made.values);
      }
}

TEST(PackedMatrix, KindFollowsTypeAndArithmetic) {
  const auto kind = [](uint32_t type, Arithmetic arithmetic) {
    return PackedMatrix::pack("m.gguf", random_tensor(type, 16, 64, 1).tensor, arithmetic).kind();
  };
  EXPECT_EQ(kind(kQ4_1, Arithmetic::Fast), PackedKind::W4);
  EXPECT_EQ(kind(kQ8_0, Arithmetic::Fast), PackedKind::W8);
  EXPECT_EQ(kind(kF16, Arithmetic::Fast), PackedKind::F32);
  EXPECT_EQ(kind(kQ4_1, Arithmetic::Exact), PackedKind::F32);
  EXPECT_EQ(kind(kQ8_0, Arithmetic::Exact), PackedKind::F32);
}

TEST(PackedMatrix, W4IsAsLargeAsTheFile) {
  const OwnedTensor made = random_tensor(kQ4_1, 192, 576, 1);
  EXPECT_EQ(PackedMatrix::pack("m.gguf", made.tensor, Arithmetic::Fast).bytes(),
            made.tensor.data.size());
}

TEST(PackedMatrix, FusesRows) {
  const OwnedTensor q = random_tensor(kQ4_1, 24, 64, 1), k = random_tensor(kQ4_1, 8, 64, 2),
                    v = random_tensor(kQ4_1, 5, 64, 3);
  const GgufTensor* tensors[] = {&q.tensor, &k.tensor, &v.tensor};
  const PackedMatrix fused = PackedMatrix::pack_rows("m.gguf", tensors, Arithmetic::Fast);
  EXPECT_EQ(fused.kind(), PackedKind::W4);
  ASSERT_EQ(fused.rows(), 37u);
  std::vector<float> all = q.values;
  all.insert(all.end(), k.values.begin(), k.values.end());
  all.insert(all.end(), v.values.begin(), v.values.end());
  expect_rows_of(fused, all);
}

TEST(PackedMatrix, MixedTypesBecomeFloats) {
  const OwnedTensor q = random_tensor(kQ4_1, 16, 64, 1), v = random_tensor(kQ8_0, 16, 64, 2);
  const GgufTensor* tensors[] = {&q.tensor, &v.tensor};
  const PackedMatrix fused = PackedMatrix::pack_rows("m.gguf", tensors, Arithmetic::Fast);
  EXPECT_EQ(fused.kind(), PackedKind::F32);
  std::vector<float> all = q.values;
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
      {kF16, 80, "tensor w has a weight that is not finite at row 2, column 40"}};
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

}  // namespace
}  // namespace dendrokv
