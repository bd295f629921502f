#include "model/tensor_types.h"

#include <cstring>
#include <gtest/gtest.h>
#include <set>
#include <vector>

#include "data/half.h"

namespace dendrokv {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

template <class T>
void append(std::vector<std::byte>& bytes, T value) {
  const size_t old = bytes.size();
  bytes.resize(old + sizeof value);
  std::memcpy(&bytes[old], &value, sizeof value);
}

std::vector<float> decode(uint32_t id, std::span<const std::byte> blocks) {
  const TensorType* type = find_tensor_type(id);
  std::vector<float> values(blocks.size() / type->block_bytes * type->block_values);
  type->to_float(blocks, values);
  return values;
}

TEST(TensorTypes, RowsAreConsistent) {
  std::set<uint32_t> ids;
  for (const TensorType& type : tensor_type_table()) {
    EXPECT_TRUE(ids.insert(type.id).second) << type.name;
    EXPECT_EQ(find_tensor_type(type.id), &type);
    EXPECT_EQ(tensor_type_name(type.id), type.name);
  }
}

TEST(TensorTypes, NamesWhatItCannotDecode) {
  EXPECT_EQ(find_tensor_type(14), nullptr);
  EXPECT_EQ(tensor_type_name(14), "Q6_K");
  EXPECT_EQ(tensor_type_name(99), "type 99");
}

TEST(TensorTypes, Floats) {
  std::vector<std::byte> bytes;
  for (const float value : {1.5f, -2.25f, 1e-30f}) append(bytes, value);
  EXPECT_EQ(decode(0, bytes), (std::vector<float>{1.5f, -2.25f, 1e-30f}));
}

TEST(TensorTypes, Halves) {
  // 1, -2, the smallest subnormal, the largest finite.
  const auto bytes = bytes_of({0x00, 0x3C, 0x00, 0xC0, 0x01, 0x00, 0xFF, 0x7B});
  EXPECT_EQ(decode(1, bytes), (std::vector<float>{1.0f, -2.0f, 0x1p-24f, 65504.0f}));
}

// Byte j of the codes is j + 16 * (15 - j): value j has code j, value 16 + j has code 15 - j. Two blocks, different scales.
TEST(TensorTypes, Q4_1) {
  std::vector<std::byte> bytes;
  for (const auto& [scale, minimum] : {std::pair{0.5f, -3.0f}, std::pair{2.0f, 0.25f}}) {
    append(bytes, to_half(scale));
    append(bytes, to_half(minimum));
    for (int j = 0; j < 16; ++j) append(bytes, static_cast<uint8_t>(j + 16 * (15 - j)));
  }
  ASSERT_EQ(bytes.size(), 40u);
  const std::vector<float> values = decode(3, bytes);
  for (size_t j = 0; j < 16; ++j) {
    const auto code = static_cast<float>(j);
    EXPECT_EQ(values[j], 0.5f * code - 3.0f);
    EXPECT_EQ(values[16 + j], 0.5f * (15 - code) - 3.0f);
    EXPECT_EQ(values[32 + j], 2.0f * code + 0.25f);
    EXPECT_EQ(values[48 + j], 2.0f * (15 - code) + 0.25f);
  }
}

TEST(TensorTypes, Q8_0) {
  std::vector<std::byte> bytes;
  for (const float scale : {0.125f, -4.0f}) {
    append(bytes, to_half(scale));
    for (int j = 0; j < 32; ++j) append(bytes, static_cast<int8_t>(8 * j - 128));
  }
  ASSERT_EQ(bytes.size(), 68u);
  const std::vector<float> values = decode(8, bytes);
  for (size_t j = 0; j < 32; ++j) {
    const float code = 8 * static_cast<float>(j) - 128;
    EXPECT_EQ(values[j], 0.125f * code);
    EXPECT_EQ(values[32 + j], -4.0f * code);
  }
}

}  // namespace
}  // namespace dendrokv
