#pragma once
// How the weights of 16 rows, a group, lie in memory. All sizes are of whole groups.
//
//   F32, F16, BF16   [col][row].
//   W4, W8           4- and 8-bit codes with scales, in blocks of 32 columns: weight = scale * code
//                    + minimum. In front the scales of a block, [row], or [half][row] where only 16
//                    columns share one; then its minima likewise; then the codes: 4 chunks [row][4
//                    bytes] of W4, 8 of W8. W4   byte i of chunk j holds column 4j + i in its low
//                    nibble and column 16 + 4j + i in its high one. W8   byte i of chunk j holds
//                    column 4j + i. Layouts without a minimum have signed codes, stored as code + 8
//                    and code + 128. Where the scales of a block fill half a cache line, two blocks
//                    lie together: both scales, then both codes.
//
// Four columns of one row share a 32-bit lane: the order that the 4-fold dot product of u8 and s8
// wants.

#include <cstddef>
#include <cstdint>

namespace dendrokv {

/// Output rows are dealt out in groups of 16, the SIMD width of the packed layouts.
inline constexpr size_t kRowGroup = 16;
/// Activations are quantised, and weights coded, in blocks of 32 along a row.
inline constexpr size_t kBlock = 32;

enum class PackedKind : uint8_t {
  F32,
  F16,
  BF16,
  W4,               // f16 scale
  W4Minimum,        // f16 scale and minimum
  W4WideMinimum,    // f32 scale and minimum
  W8,               // f16 scale
  W8Minimum,        // f16 scale and minimum
  W8WideMinimum,    // f32 scale and minimum
  W8Halves,         // f32 scale of 16 columns
  W8HalvesMinimum,  // f32 scale and minimum of 16 columns
};

enum class Minimum : uint8_t { None, Stored };

struct PackedLayout {
  size_t bits;                      // of a weight or its code
  size_t scale_bytes = 0;           // 2: f16, 4: f32, 0: the weights are floats
  Minimum minimum = Minimum::None;  // in the type of the scale
  size_t scale_columns = kBlock;    // that share a scale

  constexpr bool is_coded() const { return scale_bytes != 0; }
  constexpr size_t scales() const { return kBlock / scale_columns; }  // of a row in a block
  // Bytes of a block: what lies in front, where the minima begin in it, the codes.
  constexpr size_t minimum_offset() const { return kRowGroup * scale_bytes * scales(); }
  constexpr size_t header_bytes() const {
    return minimum_offset() * (minimum == Minimum::Stored ? 2 : 1);
  }
  constexpr size_t code_bytes() const { return kRowGroup * kBlock * bits / 8; }
  // Blocks that lie together, so that codes start at a cache line.
  constexpr size_t unit_blocks() const { return header_bytes() % 64 == 0 ? 1 : 2; }
  constexpr size_t block_bytes() const { return header_bytes() + code_bytes(); }
  constexpr size_t unit_bytes() const { return unit_blocks() * block_bytes(); }
  constexpr size_t header_at(size_t block) const {
    return block / unit_blocks() * unit_bytes() + block % unit_blocks() * header_bytes();
  }
  constexpr size_t codes_at(size_t block) const {
    return block / unit_blocks() * unit_bytes() + unit_blocks() * header_bytes() +
           block % unit_blocks() * code_bytes();
  }
  constexpr size_t group_bytes(size_t cols) const {
    if (is_coded()) return (cols / kBlock + unit_blocks() - 1) / unit_blocks() * unit_bytes();
    return (cols * kRowGroup * bits / 8 + 63) / 64 * 64;
  }
};

constexpr PackedLayout layout_of(PackedKind kind) {
  switch (kind) {
    case PackedKind::F32:
      return {.bits = 32};
    case PackedKind::F16:
    case PackedKind::BF16:
      return {.bits = 16};
    case PackedKind::W4:
      return {.bits = 4, .scale_bytes = 2};
    case PackedKind::W4Minimum:
      return {.bits = 4, .scale_bytes = 2, .minimum = Minimum::Stored};
    case PackedKind::W4WideMinimum:
      return {.bits = 4, .scale_bytes = 4, .minimum = Minimum::Stored};
    case PackedKind::W8:
      return {.bits = 8, .scale_bytes = 2};
    case PackedKind::W8Minimum:
      return {.bits = 8, .scale_bytes = 2, .minimum = Minimum::Stored};
    case PackedKind::W8WideMinimum:
      return {.bits = 8, .scale_bytes = 4, .minimum = Minimum::Stored};
    case PackedKind::W8Halves:
      return {.bits = 8, .scale_bytes = 4, .scale_columns = 16};
    case PackedKind::W8HalvesMinimum:
      break;
  }
  return {.bits = 8, .scale_bytes = 4, .minimum = Minimum::Stored, .scale_columns = 16};
}

}  // namespace dendrokv
