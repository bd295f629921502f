// Encodings of attention weights.
//
// U8 is logarithmic: code c >= 2 stands for 2^((c - 255) / 16), the nearest in log2, so the
// relative error is at most 2^(1/32) - 1 = 2.2 % over 15.8 octaves. Encoding is exact arithmetic on
// the float's bits: the octave is its exponent; the sixteenth comes from a table of the mantissa's
// leading 8 bits, whose cell holds at most one rounding boundary.

#include "data/trace.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/error.h"
#include "data/half.h"

namespace dendrokv {
namespace {

struct EncodingRow {
  Encoding encoding;
  std::string_view name;
  size_t bytes;
};

constexpr EncodingRow kEncodings[] = {
    {Encoding::F16, "f16", 2},
    {Encoding::U8, "u8", 1},
    {Encoding::F32, "f32", 4},
};

const EncodingRow& row_of(Encoding encoding) {
  for (const EncodingRow& row : kEncodings)
    if (row.encoding == encoding) return row;
  DENDROKV_ASSERT(!"encoding is in the table");
  return kEncodings[0];
}

constexpr int kCodesPerOctave = 16;
constexpr int kCodeOfOne = 255;
constexpr uint8_t kCodeAbsent = 0, kCodeZero = 1, kFirstCode = 2;
constexpr uint32_t kMantissaBits = 23;
constexpr uint32_t kCellShift = kMantissaBits - 8;

/// For a mantissa m in [1, 2): which of the 17 points 2^(k / 16), k = 0..16, is nearest in log2.
struct Sixteenths {
  std::array<uint8_t, 256> at_cell_start{};
  std::array<uint32_t, 17> next_boundary{};  // mantissa bits at which k becomes k + 1

  Sixteenths() {
    for (uint32_t k = 0; k < 16; ++k) {
      const double boundary = std::exp2((k + 0.5) / kCodesPerOctave);
      next_boundary[k] = static_cast<uint32_t>(std::ceil((boundary - 1) * (1u << kMantissaBits)));
    }
    next_boundary[16] = 1u << kMantissaBits;
    for (uint32_t cell = 0; cell < 256; ++cell)
      at_cell_start[cell] = static_cast<uint8_t>(nearest(cell << kCellShift));
  }

  uint32_t nearest(uint32_t mantissa) const {
    uint32_t k = 0;
    while (mantissa >= next_boundary[k]) ++k;
    return k;
  }
  uint32_t operator()(uint32_t mantissa) const {
    const uint32_t k = at_cell_start[mantissa >> kCellShift];
    return k + (mantissa >= next_boundary[k] ? 1 : 0);
  }
};

uint8_t code_of(float weight, float lowest, const Sixteenths& sixteenths) {
  if (std::isnan(weight)) return kCodeAbsent;
  if (!(weight >= lowest)) return kCodeZero;
  const uint32_t bits = std::bit_cast<uint32_t>(weight);
  const int octave = static_cast<int>(bits >> kMantissaBits) - 127;
  const int sixteenth = static_cast<int>(sixteenths(bits & ((1u << kMantissaBits) - 1)));
  return static_cast<uint8_t>(
      std::clamp(kCodeOfOne + kCodesPerOctave * octave + sixteenth, int{kFirstCode}, kCodeOfOne));
}

void encode_u8(std::span<const float> weights, std::span<std::byte> out) {
  static const Sixteenths sixteenths;
  const float lowest = u8_code_table()[kFirstCode];
  for (size_t i = 0; i < weights.size(); ++i)
    out[i] = static_cast<std::byte>(code_of(weights[i], lowest, sixteenths));
}

// Rows start where their numbers may: chunks and boxes of f16 hold nothing else.
void encode_f16(std::span<const float> weights, std::span<std::byte> out) {
  DENDROKV_ASSERT(reinterpret_cast<uintptr_t>(out.data()) % alignof(uint16_t) == 0);
  to_half(weights, {reinterpret_cast<uint16_t*>(out.data()), weights.size()});
}

void decode_f16(std::span<const std::byte> bytes, std::span<float> out) {
  DENDROKV_ASSERT(reinterpret_cast<uintptr_t>(bytes.data()) % alignof(uint16_t) == 0);
  from_half({reinterpret_cast<const uint16_t*>(bytes.data()), out.size()}, out);
}

}  // namespace

std::string_view encoding_name(Encoding encoding) {
  return row_of(encoding).name;
}

Encoding parse_encoding(std::string_view name) {
  std::vector<std::string_view> known;
  for (const EncodingRow& row : kEncodings) {
    if (row.name == name) return row.encoding;
    known.push_back(row.name);
  }
  fail("encoding '" + std::string(name) + "'", "not known", "wanted f16, u8 or f32",
       did_you_mean(name, known));
}

size_t encoded_bytes(Encoding encoding) {
  return row_of(encoding).bytes;
}

std::span<const float> u8_code_table() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> values{};
    values[kCodeAbsent] = std::numeric_limits<float>::quiet_NaN();
    for (int code = kFirstCode; code <= kCodeOfOne; ++code)
      values[static_cast<size_t>(code)] =
          static_cast<float>(std::exp2(double(code - kCodeOfOne) / kCodesPerOctave));
    return values;
  }();
  return table;
}

void encode_weights(Encoding encoding, std::span<const float> weights, std::span<std::byte> out) {
  DENDROKV_ASSERT(out.size() == weights.size() * encoded_bytes(encoding));
  if (weights.empty()) return;
  switch (encoding) {
    case Encoding::F16:
      return encode_f16(weights, out);
    case Encoding::U8:
      return encode_u8(weights, out);
    case Encoding::F32:
      std::memcpy(out.data(), weights.data(), weights.size_bytes());
      return;
  }
}

void decode_weights(Encoding encoding, std::span<const std::byte> bytes,
                    std::span<const float> code_table, std::span<float> out) {
  DENDROKV_ASSERT(bytes.size() == out.size() * encoded_bytes(encoding));
  if (out.empty()) return;
  switch (encoding) {
    case Encoding::F16:
      return decode_f16(bytes, out);
    case Encoding::U8:
      DENDROKV_ASSERT(code_table.size() == 256);
      for (size_t i = 0; i < out.size(); ++i)
        out[i] = code_table[std::to_integer<size_t>(bytes[i])];
      return;
    case Encoding::F32:
      std::memcpy(out.data(), bytes.data(), bytes.size());
      return;
  }
}

std::string Capture::text() const {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (rows == FullRows::Record) add("full rows");
  if (top_k > 0) add("top " + std::to_string(top_k) + " + rest");
  if (pool > 0) add("pools of " + std::to_string(pool) + " positions");
  if (entropy == EntropyRows::Record) add("entropy");
  return text;
}

std::string_view TokenText::piece(Position position) const {
  DENDROKV_ASSERT(position.index() + 1 < offset.size());
  const size_t first = offset[position.index()];
  return std::string_view(bytes).substr(first, offset[position.index() + 1] - first);
}

}  // namespace dendrokv
