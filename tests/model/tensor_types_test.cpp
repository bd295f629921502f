#include "model/tensor_types.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <vector>

#include "data/half.h"
#include "tests/support/files.h"

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
  for (const auto& [id, name] :
       {std::pair{9u, "Q8_1"}, std::pair{15u, "Q8_K"}, std::pair{20u, "IQ4_NL"},
        std::pair{35u, "TQ2_0"}, std::pair{39u, "MXFP4"}, std::pair{99u, "type 99"}}) {
    EXPECT_EQ(find_tensor_type(id), nullptr) << name;
    EXPECT_EQ(tensor_type_name(id), name);
  }
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

TEST(TensorTypes, UpperHalvesOfFloats) {
  // 1, -2, the smallest subnormal of f32's exponent, the largest finite.
  const auto bytes = bytes_of({0x80, 0x3F, 0x00, 0xC0, 0x01, 0x00, 0x7F, 0x7F});
  EXPECT_EQ(decode(30, bytes), (std::vector<float>{1.0f, -2.0f, 0x1p-133f, 0x1.FEp127f}));
}

// Where the bits of a number lie in a block, lowest first: bit 8 b + i is bit i of byte b. All
// block layouts are written down as such lists, value by value, so that nothing is shared with the
// decoders' loops and shifts.
using Bits = std::vector<size_t>;

Bits run(size_t first, size_t count) {
  Bits bits;
  for (size_t i = 0; i < count; ++i) bits.push_back(first + i);
  return bits;
}

Bits operator+(Bits low, const Bits& high) {
  low.insert(low.end(), high.begin(), high.end());
  return low;
}

unsigned number(std::span<const std::byte> block, const Bits& bits) {
  unsigned number = 0;
  for (size_t i = 0; i < bits.size(); ++i)
    number |= (std::to_integer<unsigned>(block[bits[i] / 8]) >> (bits[i] % 8) & 1) << i;
  return number;
}

double half(std::span<const std::byte> block, size_t byte) {
  return static_cast<double>(from_half(static_cast<uint16_t>(number(block, run(8 * byte, 16)))));
}

// A type as the format describes it: value i = scale(i) * (code(i) - zero) - minimum(i).
struct Layout {
  uint32_t id;
  std::vector<size_t> halves;  // bytes at which the f16 numbers lie
  Bits (*code)(size_t i);
  Bits (*scale)(size_t i);  // of the sub-block of value i; null: none, the scale is halves[0]
  // null: none, the minimum is halves[1] where there is one, and is added
  Bits (*minimum)(size_t i);
  double (*value)(std::span<const std::byte> block, const Layout& layout, size_t i);
};

unsigned code(std::span<const std::byte> block, const Layout& layout, size_t i) {
  return number(block, layout.code(i));
}
double scale(std::span<const std::byte> block, const Layout& layout, size_t i) {
  return number(block, layout.scale(i));
}

// d * (q - kZero)
template <int kZero>
double centred(std::span<const std::byte> block, const Layout& layout, size_t i) {
  return half(block, layout.halves[0]) * (static_cast<int>(code(block, layout, i)) - kZero);
}
// d * q + m
double raised(std::span<const std::byte> block, const Layout& layout, size_t i) {
  return half(block, layout.halves[0]) * code(block, layout, i) + half(block, layout.halves[1]);
}
// d * sc * q - dmin * mn
double lowered(std::span<const std::byte> block, const Layout& layout, size_t i) {
  return half(block, layout.halves[0]) * scale(block, layout, i) * code(block, layout, i) -
         half(block, layout.halves[1]) * number(block, layout.minimum(i));
}
double signed_bytes(std::span<const std::byte> block, const Layout& layout, size_t i) {
  return half(block, 0) * static_cast<int8_t>(code(block, layout, i));
}
double q3_k(std::span<const std::byte> block, const Layout& layout, size_t i) {
  return half(block, 108) * (scale(block, layout, i) - 32) *
         (static_cast<int>(code(block, layout, i)) - 4);
}
double q6_k(std::span<const std::byte> block, const Layout& layout, size_t i) {
  return half(block, 208) * static_cast<int8_t>(scale(block, layout, i)) *
         (static_cast<int>(code(block, layout, i)) - 32);
}

// Nibbles of a block of 32 whose codes begin at a byte: byte j holds value j in its low nibble,
// value j + 16 in its high one.
template <size_t kByte>
Bits nibble(size_t i) {
  return i < 16 ? run(8 * (kByte + i), 4) : run(8 * (kByte + i - 16) + 4, 4);
}
// The same with a fifth bit: bit i of a u32.
template <size_t kByte, size_t kHighByte>
Bits five(size_t i) {
  return nibble<kByte>(i) + Bits{8 * kHighByte + i};
}
Bits byte(size_t i) {
  return run(8 * (2 + i), 8);
}

// Two bits of a block of 256 whose codes begin at a byte.
template <size_t kByte>
Bits two(size_t i) {
  const size_t half = i / 128, j = i % 128 / 32, l = i % 32;
  return run(8 * (kByte + 32 * half + l) + 2 * j, 2);
}
Bits three(size_t i) {
  const size_t half = i / 128, j = i % 128 / 32, l = i % 32;
  return two<32>(i) + Bits{8 * l + 4 * half + j};
}
// Nibbles in groups of 64 values.
template <size_t kByte>
Bits grouped(size_t i) {
  const size_t group = i / 64, in_group = i % 64;
  const size_t first = 8 * (kByte + 32 * group);
  return in_group < 32 ? run(first + 8 * in_group, 4) : run(first + 8 * (in_group - 32) + 4, 4);
}
Bits grouped_five(size_t i) {
  const size_t group = i / 64, l = i % 32;
  return grouped<48>(i) + Bits{8 * (16 + l) + 2 * group + (i % 64 < 32 ? 0u : 1u)};
}
Bits six(size_t i) {
  const size_t low = 8 * 64 * (i / 128), high = 8 * (128 + 32 * (i / 128)), l = i % 32;
  switch (i % 128 / 32) {
    case 0:
      return run(low + 8 * l, 4) + run(high + 8 * l, 2);
    case 1:
      return run(low + 8 * (l + 32), 4) + run(high + 8 * l + 2, 2);
    case 2:
      return run(low + 8 * l + 4, 4) + run(high + 8 * l + 4, 2);
    default:
      return run(low + 8 * (l + 32) + 4, 4) + run(high + 8 * l + 6, 2);
  }
}

Bits scale_of_q2_k(size_t i) {
  return run(8 * (i / 16), 4);
}
Bits minimum_of_q2_k(size_t i) {
  return run(8 * (i / 16) + 4, 4);
}
Bits scale_of_q3_k(size_t i) {
  const size_t s = i / 16, b = 8 * 96;
  const Bits low = s < 8 ? run(b + 8 * s, 4) : run(b + 8 * (s - 8) + 4, 4);
  return low + run(b + 8 * (8 + s % 4) + 2 * (s / 4), 2);
}
Bits scale_of_q4_k(size_t i) {
  const size_t s = i / 32, b = 8 * 4;
  return s < 4 ? run(b + 8 * s, 6) : run(b + 8 * (s + 4), 4) + run(b + 8 * (s - 4) + 6, 2);
}
Bits minimum_of_q4_k(size_t i) {
  const size_t s = i / 32, b = 8 * 4;
  return s < 4 ? run(b + 8 * (s + 4), 6) : run(b + 8 * (s + 4) + 4, 4) + run(b + 8 * s + 6, 2);
}
Bits scale_of_q6_k(size_t i) {
  return run(8 * (192 + i / 16), 8);
}

const Layout kLayouts[] = {
    {2, {0}, nibble<2>, nullptr, nullptr, centred<8>},
    {3, {0, 2}, nibble<4>, nullptr, nullptr, raised},
    {6, {0}, five<6, 2>, nullptr, nullptr, centred<16>},
    {7, {0, 2}, five<8, 4>, nullptr, nullptr, raised},
    {8, {0}, byte, nullptr, nullptr, signed_bytes},
    {10, {80, 82}, two<16>, scale_of_q2_k, minimum_of_q2_k, lowered},
    {11, {108}, three, scale_of_q3_k, nullptr, q3_k},
    {12, {0, 2}, grouped<16>, scale_of_q4_k, minimum_of_q4_k, lowered},
    {13, {0, 2}, grouped_five, scale_of_q4_k, minimum_of_q4_k, lowered},
    {14, {208}, six, scale_of_q6_k, nullptr, q6_k},
};

class QuantisedTypes : public ::testing::TestWithParam<Layout> {
 protected:
  const TensorType& type() const { return *find_tensor_type(GetParam().id); }
};

// The oracle itself: every bit of a block belongs to exactly one number (those of a scale to the
// one its sub-block shares).
TEST_P(QuantisedTypes, EveryBitOfABlockIsUsedOnce) {
  const Layout& layout = GetParam();
  std::multiset<size_t> used;
  const auto use = [&](const Bits& bits) { used.insert(bits.begin(), bits.end()); };
  for (const size_t at : layout.halves) use(run(8 * at, 16));
  std::set<Bits> shared;
  for (size_t i = 0; i < type().block_values; ++i) {
    use(layout.code(i));
    if (layout.scale != nullptr) shared.insert(layout.scale(i));
    if (layout.minimum != nullptr) shared.insert(layout.minimum(i));
  }
  for (const Bits& bits : shared) use(bits);
  EXPECT_EQ(used.size(), 8 * type().block_bytes);
  EXPECT_EQ(std::set<size_t>(used.begin(), used.end()).size(), 8 * type().block_bytes);
  EXPECT_EQ(*used.rbegin(), 8 * type().block_bytes - 1);
}

// Products of scale and code fit 24 bits, so a float holds them exactly, and a minimum costs one
// rounding: that of the exact value.
TEST_P(QuantisedTypes, BlocksOfRandomBitsAsTheFormatSays) {
  constexpr size_t kBlocks = 9;
  std::mt19937 random(GetParam().id);
  std::vector<std::byte> blocks(kBlocks * type().block_bytes);
  for (std::byte& one : blocks) one = static_cast<std::byte>(random() & 255);
  for (size_t block = 0; block < kBlocks; ++block)
    for (const size_t at : GetParam().halves) {
      const uint16_t bits =
          to_half(static_cast<float>(static_cast<int>(random() % 4001) - 2000) / 256);
      std::memcpy(&blocks[block * type().block_bytes + at], &bits, sizeof bits);
    }
  const std::vector<float> values = decode(GetParam().id, blocks);
  for (size_t block = 0; block < kBlocks; ++block) {
    const auto bytes = std::span(blocks).subspan(block * type().block_bytes, type().block_bytes);
    for (size_t i = 0; i < type().block_values; ++i)
      ASSERT_EQ(values[block * type().block_values + i],
                static_cast<float>(GetParam().value(bytes, GetParam(), i)))
          << "value " << i << " of block " << block;
  }
}

// Blocks of random codes and what another reader of the format makes of them.
TEST_P(QuantisedTypes, BlocksThatAnotherReaderDecoded) {
  std::string name(type().name);
  const std::string blocks =
      testing::read_text(testing::data_file("tensor_types/" + name + ".blocks"));
  const auto expected =
      testing::read_npy<float>(testing::data_file("tensor_types/" + name + ".npy")).values;
  EXPECT_EQ(decode(GetParam().id, std::as_bytes(std::span(blocks))), expected);
}

INSTANTIATE_TEST_SUITE_P(Table, QuantisedTypes, ::testing::ValuesIn(kLayouts),
                         [](const auto& layout) { return tensor_type_name(layout.param.id); });

TEST(TensorTypes, EveryQuantisedTypeIsTested) {
  std::set<uint32_t> tested;
  for (const Layout& layout : kLayouts) tested.insert(layout.id);
  for (const TensorType& type : tensor_type_table())
    EXPECT_TRUE(type.block_values == 1 || tested.contains(type.id)) << type.name;
}

}  // namespace
}  // namespace dendrokv
