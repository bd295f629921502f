#pragma once
// The printable characters that stand for bytes in the token texts of byte-level BPE: 0x21 to 0x7E,
// 0xA1 to 0xAC and 0xAE to 0xFF stand for themselves, U+0100 upwards for the other 68 in order.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace dendrokv {

class ByteAlphabet {
 public:
  ByteAlphabet();
  /// The text of one byte.
  const std::string& text_of(unsigned char byte) const { return texts_[byte]; }
  /// None when a character of `text` stands for no byte.
  std::optional<std::string> to_bytes(std::string_view text) const;

 private:
  std::array<std::string, 256> texts_;
  std::unordered_map<char32_t, char> bytes_;
};

}  // namespace dendrokv
