#include "data/trace.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/error.h"
#include "data/half.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 3> kEncodingNames = {"f16", "u8", "f32"};
constexpr float kLowestCode = 2, kHighestCode = 255, kCodesPerOctave = 16;

std::array<float, 256> make_code_table() {
  std::array<float, 256> table{};
  table[0] = std::numeric_limits<float>::quiet_NaN();
  table[1] = 0;
  for (size_t code = 2; code < 256; ++code)
    table[code] = static_cast<float>(
        std::exp2((static_cast<double>(code) - double{kHighestCode}) / double{kCodesPerOctave}));
  return table;
}

uint8_t to_code(float weight) {
  if (std::isnan(weight)) return 0;
  if (weight <= 0) return 1;
  const float code = std::round(kHighestCode + kCodesPerOctave * std::log2(weight));
  return code < kLowestCode ? uint8_t{1} : static_cast<uint8_t>(std::min(code, kHighestCode));
}

}  // namespace

std::string_view encoding_name(Encoding encoding) {
  return kEncodingNames[static_cast<size_t>(encoding)];
}

Encoding parse_encoding(std::string_view name) {
  const auto found = std::find(kEncodingNames.begin(), kEncodingNames.end(), name);
  if (found == kEncodingNames.end())
    fail("encoding '" + std::string(name) + "'", "not known", "wanted f16, u8 or f32");
  return static_cast<Encoding>(found - kEncodingNames.begin());
}

size_t encoded_bytes(Encoding encoding) {
  constexpr std::array<size_t, 3> kBytes = {2, 1, 4};
  return kBytes[static_cast<size_t>(encoding)];
}

std::span<const float> u8_code_table() {
  static const std::array<float, 256> table = make_code_table();
  return table;
}

void encode_weights(Encoding encoding, std::span<const float> weights, std::span<std::byte> out) {
  DENDROKV_ASSERT(out.size() == weights.size() * encoded_bytes(encoding));
  switch (encoding) {
    case Encoding::F16:
      to_half(weights, {reinterpret_cast<uint16_t*>(out.data()), weights.size()});
      return;
    case Encoding::U8:
      for (size_t i = 0; i < weights.size(); ++i) out[i] = std::byte{to_code(weights[i])};
      return;
    case Encoding::F32:
      std::memcpy(out.data(), weights.data(), out.size());
      return;
  }
}

std::string_view TokenText::piece(Position position) const {
  DENDROKV_ASSERT(position.index() + 1 < offset.size());
  const uint64_t first = offset[position.index()];
  return std::string_view(bytes).substr(first, offset[position.index() + 1] - first);
}

}  // namespace dendrokv
