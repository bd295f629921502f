#include "model/tensor_types.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "data/error.h"
#include "data/half.h"

namespace dendrokv {

namespace {

template <class T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

float half_at(const std::byte* bytes) {
  return from_half(load<uint16_t>(bytes));
}

void f32_to_float(std::span<const std::byte> blocks, std::span<float> values) {
  DENDROKV_ASSERT(blocks.size() == values.size_bytes());
  std::memcpy(values.data(), blocks.data(), blocks.size());
}

void f16_to_float(std::span<const std::byte> blocks, std::span<float> values) {
  DENDROKV_ASSERT(blocks.size() == 2 * values.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = half_at(&blocks[2 * i]);
}

// f16 scale, f16 minimum, 16 bytes: value j of the block is the low nibble of byte j, value j + 16 the high one.
void q4_1_to_float(std::span<const std::byte> blocks, std::span<float> values) {
  DENDROKV_ASSERT(blocks.size() * 32 == values.size() * 20);
  const std::byte* block = blocks.data();
  for (size_t first = 0; first < values.size(); first += 32, block += 20) {
    const float scale = half_at(block), minimum = half_at(block + 2);
    for (size_t j = 0; j < 16; ++j) {
      const auto codes = std::to_integer<unsigned>(block[4 + j]);
      values[first + j] = scale * static_cast<float>(codes & 15) + minimum;
      values[first + 16 + j] = scale * static_cast<float>(codes >> 4) + minimum;
    }
  }
}

// f16 scale, 32 signed bytes.
void q8_0_to_float(std::span<const std::byte> blocks, std::span<float> values) {
  DENDROKV_ASSERT(blocks.size() * 32 == values.size() * 34);
  const std::byte* block = blocks.data();
  for (size_t first = 0; first < values.size(); first += 32, block += 34) {
    const float scale = half_at(block);
    for (size_t j = 0; j < 32; ++j)
      values[first + j] = scale * static_cast<float>(load<int8_t>(block + 2 + j));
  }
}

// To add a type: a function that decodes whole blocks, a row here, and a hand-made block in tensor_types_test.cpp. A type whose
// blocks should stay small in memory also gets a packing in packed_matrix.cpp; without one it is computed in floats.
constexpr TensorType kTensorTypes[] = {
    {0, "F32", 1, 4, f32_to_float},
    {1, "F16", 1, 2, f16_to_float},
    {3, "Q4_1", 32, 20, q4_1_to_float},
    {8, "Q8_0", 32, 34, q8_0_to_float},
};

// Every id that the format defines, so that a file can be measured and an error can name what it holds.
constexpr TensorLayout kLayouts[] = {
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},
    {3, "Q4_1", 32, 20},      {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},
    {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 36},      {10, "Q2_K", 256, 84},
    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74},  {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},
    {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},  {22, "IQ2_S", 256, 82},
    {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},
    {29, "IQ1_M", 256, 56},   {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},    {40, "NVFP4", 64, 36},
    {41, "Q1_0", 128, 18},    {42, "Q2_0", 0, 0},
};

static_assert(std::endian::native == std::endian::little,
              "GGUF is little-endian, and read in place");

}  // namespace

std::span<const TensorType> tensor_type_table() {
  return kTensorTypes;
}

const TensorType* find_tensor_type(uint32_t id) {
  const auto row = std::ranges::find(kTensorTypes, id, &TensorType::id);
  return row == std::end(kTensorTypes) ? nullptr : row;
}

const TensorLayout* find_tensor_layout(uint32_t id) {
  const auto row = std::ranges::find(kLayouts, id, &TensorLayout::id);
  return row == std::end(kLayouts) ? nullptr : row;
}

std::string tensor_type_name(uint32_t id) {
  const TensorLayout* layout = find_tensor_layout(id);
  return layout ? std::string(layout->name) : "type " + std::to_string(id);
}

}  // namespace dendrokv
