#include "data/trace.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include "data/error.h"
#include "data/half.h"

namespace dendrokv {
namespace {

constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();

uint8_t code_of(float weight) {
  std::byte code{};
  encode_weights(Encoding::U8, {&weight, 1}, {&code, 1});
  return static_cast<uint8_t>(code);
}

TEST(Trace, EncodingsHaveNamesAndSizes) {
  for (const auto& [encoding, name, bytes] : {std::tuple(Encoding::F16, "f16", 2u),
                                              {Encoding::U8, "u8", 1u},
                                              {Encoding::F32, "f32", 4u}}) {
    EXPECT_EQ(encoding_name(encoding), name);
    EXPECT_EQ(parse_encoding(name), encoding);
    EXPECT_EQ(encoded_bytes(encoding), bytes);
  }
  EXPECT_THROW(parse_encoding("f64"), Error);
}

TEST(Trace, CodeTableIsAsDocumented) {
  const auto table = u8_code_table();
  ASSERT_EQ(table.size(), 256u);
  EXPECT_TRUE(std::isnan(table[0]));
  EXPECT_EQ(table[1], 0.0f);
  EXPECT_EQ(table[255], 1.0f);
  EXPECT_EQ(table[239], 0.5f);
  EXPECT_EQ(table[247], std::sqrt(0.5f));
  for (size_t code = 2; code < 256; ++code)
    EXPECT_EQ(table[code], static_cast<float>(std::exp2((static_cast<double>(code) - 255) / 16)));
}

TEST(Trace, U8CodesAreNearestInLogarithm) {
  EXPECT_EQ(code_of(kAbsent), 0);
  EXPECT_EQ(code_of(0.0f), 1);
  EXPECT_EQ(code_of(std::nextafter(u8_code_table()[2], 0.0f)), 1);
  EXPECT_EQ(code_of(1.0005f), 255);
  for (size_t code = 2; code < 256; ++code) EXPECT_EQ(code_of(u8_code_table()[code]), code);
  std::mt19937 random(3);
  std::uniform_real_distribution<double> exponent(-253.0 / 16, 0);
  for (int i = 0; i < 100000; ++i) {
    const auto weight = static_cast<float>(std::exp2(exponent(random)));
    if (weight < u8_code_table()[2]) continue;
    const double nearest = std::round(255 + 16 * std::log2(static_cast<double>(weight)));
    ASSERT_EQ(code_of(weight), nearest) << weight;
    // Half a step of a sixteenth octave: 2^(1/32) - 1, plus the float's own rounding.
    ASSERT_LE(std::abs(u8_code_table()[code_of(weight)] / weight - 1), 0.0219);
  }
}

TEST(Trace, FloatEncodingsKeepBitsAndAbsence) {
  std::vector<float> weights(1500);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = i % 7 == 3 ? kAbsent : 1.0f / static_cast<float>(i + 1);
  std::vector<std::byte> bytes(weights.size() * 4);
  encode_weights(Encoding::F32, weights, bytes);
  EXPECT_EQ(std::memcmp(bytes.data(), weights.data(), bytes.size()), 0);

  bytes.resize(weights.size() * 2 + 2);
  const auto shifted = std::span(bytes).subspan(2);  // a row starts at any number of a chunk
  encode_weights(Encoding::F16, weights, shifted);
  for (size_t i = 0; i < weights.size(); ++i) {
    uint16_t half = 0;
    std::memcpy(&half, shifted.data() + 2 * i, 2);
    ASSERT_EQ(half, i % 7 == 3 ? kHalfNan : to_half(weights[i]));
  }
}

TEST(Trace, PiecesAreSlicesOfTheBytes) {
  const TokenText text{{5, 6, 7}, {0, 3, 3, 6}, "OneTwo"};
  EXPECT_EQ(text.piece(Position(0)), "One");
  EXPECT_EQ(text.piece(Position(1)), "");
  EXPECT_EQ(text.piece(Position(2)), "Two");
}

TEST(Trace, QueryHeadsShareKvHeadsInOrder) {
  TraceInfo info;
  info.model.heads = 9;
  info.model.kv_heads = 3;
  EXPECT_EQ(info.group(), 3u);
  EXPECT_EQ(info.kv_head_of(Head(2)), KvHead(0));
  EXPECT_EQ(info.kv_head_of(Head(3)), KvHead(1));
  EXPECT_EQ(info.kv_head_of(Head(8)), KvHead(2));
}

}  // namespace
}  // namespace dendrokv
