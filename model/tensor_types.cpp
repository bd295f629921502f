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

void bf16_to_float(std::span<const std::byte> blocks, std::span<float> values) {
  DENDROKV_ASSERT(blocks.size() == 2 * values.size());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = std::bit_cast<float>(uint32_t{load<uint16_t>(&blocks[2 * i])} << 16);
}

unsigned code_at(const std::byte* byte) {
  return std::to_integer<unsigned>(*byte);
}

// Sets one scale, and one minimum where the type has it, for all 32 values.
void set_scale(CodedBlock& coded, float scale, float minimum) {
  coded.scales[0] = coded.scales[1] = scale;
  coded.minima[0] = coded.minima[1] = minimum;
}

// Blocks of 32 with 4-bit codes: value j is the low nibble of byte j, value j + 16 the high one.
// `high` has the fifth bit of value j at bit j, where the type has one. `zero` is the code of the
// value 0 of a type without minima.
void decode_nibbles(const std::byte* bytes, uint32_t high, int zero, CodedBlock& coded) {
  for (size_t j = 0; j < 16; ++j) {
    const unsigned two = code_at(bytes + j);
    const unsigned low = (two & 15) | (high >> j & 1) << 4;
    const unsigned top = two >> 4 | (high >> (j + 16) & 1) << 4;
    coded.codes[j] = static_cast<int8_t>(static_cast<int>(low) - zero);
    coded.codes[j + 16] = static_cast<int8_t>(static_cast<int>(top) - zero);
  }
}

// f16 scale, 16 code bytes.
void decode_q4_0(const std::byte* block, CodedBlock* coded) {
  set_scale(*coded, half_at(block), 0);
  decode_nibbles(block + 2, 0, 8, *coded);
}

// f16 scale, f16 minimum, 16 code bytes.
void decode_q4_1(const std::byte* block, CodedBlock* coded) {
  set_scale(*coded, half_at(block), half_at(block + 2));
  decode_nibbles(block + 4, 0, 0, *coded);
}

// f16 scale, u32 of fifth bits, 16 code bytes.
void decode_q5_0(const std::byte* block, CodedBlock* coded) {
  set_scale(*coded, half_at(block), 0);
  decode_nibbles(block + 6, load<uint32_t>(block + 2), 16, *coded);
}

// f16 scale, f16 minimum, u32 of fifth bits, 16 code bytes.
void decode_q5_1(const std::byte* block, CodedBlock* coded) {
  set_scale(*coded, half_at(block), half_at(block + 2));
  decode_nibbles(block + 8, load<uint32_t>(block + 4), 0, *coded);
}

// f16 scale, 32 signed bytes.
void decode_q8_0(const std::byte* block, CodedBlock* coded) {
  set_scale(*coded, half_at(block), 0);
  std::memcpy(coded->codes, block + 2, sizeof coded->codes);
}

// The K types: blocks of 256, whose sub-blocks have scales (and minima) of a few bits, scaled once
// more by an f16 of the block. The products have at most 24 bits: floats hold them exactly.

// 16 bytes of scale (low nibble) and minimum (high nibble), 64 code bytes, f16 scale, f16 scale of
// the minima. Sub-blocks of 16; bits 2j, 2j + 1 of the code bytes of a half belong to its values
// 32j to 32j + 31.
void decode_q2_k(const std::byte* block, CodedBlock* coded) {
  const float scale = half_at(block + 80), minimum = half_at(block + 82);
  for (size_t b = 0; b < 8; ++b, ++coded) {
    for (size_t i = 0; i < 2; ++i) {
      const unsigned sub_block = code_at(block + 2 * b + i);
      coded->scales[i] = scale * static_cast<float>(sub_block & 15);
      coded->minima[i] = -minimum * static_cast<float>(sub_block >> 4);
    }
    const std::byte* bytes = block + 16 + b / 4 * 32;
    for (size_t l = 0; l < 32; ++l)
      coded->codes[l] = static_cast<int8_t>(code_at(bytes + l) >> (b % 4 * 2) & 3);
  }
}

// Scale i of the sixteen of a Q3_K block, -32 to 31: four bits in the first eight bytes, two in the
// last four.
int scale_of_q3_k(const std::byte* scales, size_t i) {
  const unsigned low = code_at(scales + i % 8) >> (i < 8 ? 0 : 4) & 15;
  const unsigned high = code_at(scales + 8 + i % 4) >> (2 * (i / 4)) & 3;
  return static_cast<int>(low | high << 4) - 32;
}

// 32 bytes of third bits, 64 bytes of two bits as in Q2_K, 12 scale bytes, f16 scale. The third bit
// of value 32j + l of half h is bit 4h + j of byte l; codes without it are negative.
void decode_q3_k(const std::byte* block, CodedBlock* coded) {
  const float scale = half_at(block + 108);
  for (size_t b = 0; b < 8; ++b, ++coded) {
    for (size_t i = 0; i < 2; ++i) {
      coded->scales[i] = scale * static_cast<float>(scale_of_q3_k(block + 96, 2 * b + i));
      coded->minima[i] = 0;
    }
    const std::byte* bytes = block + 32 + b / 4 * 32;
    for (size_t l = 0; l < 32; ++l) {
      const unsigned low = code_at(bytes + l) >> (b % 4 * 2) & 3;
      const unsigned high = code_at(block + l) >> b & 1;
      coded->codes[l] = static_cast<int8_t>(static_cast<int>(low | high << 2) - 4);
    }
  }
}

struct ScaleAndMinimum {
  unsigned scale, minimum;  // 6 bits each
};

// Of sub-block s of the eight of a Q4_K or Q5_K block, from 12 bytes.
ScaleAndMinimum scale_of_q4_k(const std::byte* bytes, size_t s) {
  if (s < 4) return {code_at(bytes + s) & 63, code_at(bytes + s + 4) & 63};
  const unsigned low = code_at(bytes + s + 4);
  return {(low & 15) | code_at(bytes + s - 4) >> 6 << 4, low >> 4 | code_at(bytes + s) >> 6 << 4};
}

// f16 scale, f16 scale of the minima, 12 bytes of both, codes. Groups of 64 values on 32 code
// bytes: low nibbles, then high ones. `high`, where not null, has the fifth bit of sub-block s of
// value l at bit s of byte l.
void decode_q4_or_5_k(const std::byte* block, const std::byte* high, const std::byte* codes,
                      CodedBlock* coded) {
  const float scale = half_at(block), minimum = half_at(block + 2);
  for (size_t s = 0; s < 8; ++s, ++coded) {
    const ScaleAndMinimum sub_block = scale_of_q4_k(block + 4, s);
    set_scale(*coded, scale * static_cast<float>(sub_block.scale),
              -minimum * static_cast<float>(sub_block.minimum));
    for (size_t l = 0; l < 32; ++l) {
      const unsigned low = code_at(codes + 32 * (s / 2) + l) >> (4 * (s % 2)) & 15;
      const unsigned top = high == nullptr ? 0 : (code_at(high + l) >> s & 1) << 4;
      coded->codes[l] = static_cast<int8_t>(low | top);
    }
  }
}

void decode_q4_k(const std::byte* block, CodedBlock* coded) {
  decode_q4_or_5_k(block, nullptr, block + 16, coded);
}

void decode_q5_k(const std::byte* block, CodedBlock* coded) {
  decode_q4_or_5_k(block, block + 16, block + 48, coded);
}

// 128 bytes of low nibbles, 64 bytes of upper two bits, 16 signed scales, f16 scale. Quarter q (32
// values) of a half: nibbles of its bytes 32 (q mod 2) onwards, low ones in the first two quarters,
// bits 2q, 2q + 1 of the upper bytes.
void decode_q6_k(const std::byte* block, CodedBlock* coded) {
  const float scale = half_at(block + 208);
  for (size_t b = 0; b < 8; ++b, ++coded) {
    const size_t half = b / 4, quarter = b % 4;
    for (size_t i = 0; i < 2; ++i) {
      coded->scales[i] = scale * static_cast<float>(load<int8_t>(block + 192 + 2 * b + i));
      coded->minima[i] = 0;
    }
    const std::byte* bytes = block + 64 * half + 32 * (quarter % 2);
    for (size_t l = 0; l < 32; ++l) {
      const unsigned low = code_at(bytes + l) >> (quarter / 2 * 4) & 15;
      const unsigned high = code_at(block + 128 + 32 * half + l) >> (2 * quarter) & 3;
      coded->codes[l] = static_cast<int8_t>(static_cast<int>(low | high << 4) - 32);
    }
  }
}

// The two columns of the table that follow from the decoder of one block of kValues.
template <size_t kValues, size_t kBytes, void (*decode)(const std::byte*, CodedBlock*)>
void decode_blocks(std::span<const std::byte> blocks, std::span<CodedBlock> coded) {
  constexpr size_t kCoded = kValues / kCodedValues;
  DENDROKV_ASSERT(coded.size() % kCoded == 0 && blocks.size() == coded.size() / kCoded * kBytes);
  for (size_t block = 0; block < coded.size() / kCoded; ++block)
    decode(blocks.data() + block * kBytes, coded.data() + block * kCoded);
}

template <size_t kValues, size_t kBytes, void (*decode)(const std::byte*, CodedBlock*)>
void blocks_to_float(std::span<const std::byte> blocks, std::span<float> values) {
  DENDROKV_ASSERT(values.size() % kValues == 0 &&
                  blocks.size() == values.size() / kValues * kBytes);
  CodedBlock coded[kValues / kCodedValues];
  for (size_t first = 0; first < values.size(); first += kValues) {
    decode(blocks.data() + first / kValues * kBytes, coded);
    for (size_t i = 0; i < kValues; ++i)
      values[first + i] = coded[i / kCodedValues].value(i % kCodedValues);
  }
}

template <size_t kValues, size_t kBytes, void (*decode)(const std::byte*, CodedBlock*)>
constexpr TensorType row(uint32_t id, std::string_view name) {
  return {id,
          name,
          kValues,
          kBytes,
          blocks_to_float<kValues, kBytes, decode>,
          decode_blocks<kValues, kBytes, decode>};
}

// To add a type: a function that decodes a block, a row here (values and bytes of a block,
// decoder), and a row in tensor_types_test.cpp; the layout in memory of its codes is a row in
// packed_matrix.cpp.
constexpr TensorType kTensorTypes[] = {
    {0, "F32", 1, 4, f32_to_float, nullptr},    {1, "F16", 1, 2, f16_to_float, nullptr},
    {30, "BF16", 1, 2, bf16_to_float, nullptr}, row<32, 18, decode_q4_0>(2, "Q4_0"),
    row<32, 20, decode_q4_1>(3, "Q4_1"),        row<32, 22, decode_q5_0>(6, "Q5_0"),
    row<32, 24, decode_q5_1>(7, "Q5_1"),        row<32, 34, decode_q8_0>(8, "Q8_0"),
    row<256, 84, decode_q2_k>(10, "Q2_K"),      row<256, 110, decode_q3_k>(11, "Q3_K"),
    row<256, 144, decode_q4_k>(12, "Q4_K"),     row<256, 176, decode_q5_k>(13, "Q5_K"),
    row<256, 210, decode_q6_k>(14, "Q6_K"),
};

// Every id that the format defines, so that a file can be measured and an error can name what it
// holds.
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
