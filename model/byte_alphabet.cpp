#include "model/byte_alphabet.h"

#include "model/unicode.h"

namespace dendrokv {

ByteAlphabet::ByteAlphabet() {
  char32_t next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    const char32_t character = printable ? char32_t{byte} : next++;
    append_utf8(character, texts_[byte]);
    bytes_[character] = static_cast<char>(static_cast<unsigned char>(byte));
  }
}

std::optional<std::string> ByteAlphabet::to_bytes(std::string_view text) const {
  std::string bytes;
  while (!text.empty()) {
    const auto found = bytes_.find(take_character(text));
    if (found == bytes_.end()) return std::nullopt;
    bytes += found->second;
  }
  return bytes;
}

}  // namespace dendrokv
