#include "model/unicode.h"

#include <algorithm>
#include <unicode/uchar.h>

namespace dendrokv {
namespace {

unsigned byte_at(std::string_view text, size_t index) {
  return static_cast<unsigned char>(text[index]);
}

// Length that a lead byte announces; 0 for one that cannot lead.
size_t announced_length(unsigned lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// The second byte alone tells overlong forms, surrogates and too large code points.
bool fits_second(unsigned lead, unsigned second) {
  if (lead == 0xE0) return second >= 0xA0 && second <= 0xBF;
  if (lead == 0xED) return second >= 0x80 && second <= 0x9F;
  if (lead == 0xF0) return second >= 0x90 && second <= 0xBF;
  if (lead == 0xF4) return second >= 0x80 && second <= 0x8F;
  return (second & 0xC0) == 0x80;
}

// Bytes of `text` that begin a well-formed sequence, at most the announced length.
size_t formed_bytes(std::string_view text, size_t length) {
  size_t formed = 1;
  while (formed < std::min(length, text.size())) {
    const unsigned byte = byte_at(text, formed);
    const bool fits = formed == 1 ? fits_second(byte_at(text, 0), byte) : (byte & 0xC0) == 0x80;
    if (!fits) break;
    ++formed;
  }
  return formed;
}

CharClass ask_icu(char32_t character) {
  const auto code = static_cast<UChar32>(character);
  if (u_isUWhiteSpace(code)) return CharClass::Space;
  const uint32_t category = U_GET_GC_MASK(code);
  if (category & U_GC_L_MASK) return CharClass::Letter;
  return category & U_GC_N_MASK ? CharClass::Number : CharClass::Other;
}

}  // namespace

CharClass char_class(char32_t character) {
  if (character >= 128) return ask_icu(character);
  if ((character | 32) >= 'a' && (character | 32) <= 'z') return CharClass::Letter;
  if (character >= '0' && character <= '9') return CharClass::Number;
  return character == ' ' || (character >= 9 && character <= 13) ? CharClass::Space
                                                                 : CharClass::Other;
}

char32_t take_character(std::string_view& text) {
  const unsigned lead = byte_at(text, 0);
  const size_t length = announced_length(lead);
  if (length == 0 || formed_bytes(text, length) < length) {
    text.remove_prefix(1);
    return kReplacement;
  }
  constexpr unsigned kLeadMask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t character = lead & kLeadMask[length];
  for (size_t i = 1; i < length; ++i) character = (character << 6) | (byte_at(text, i) & 0x3F);
  text.remove_prefix(length);
  return character;
}

void append_utf8(char32_t character, std::string& out) {
  const auto put = [&](char32_t byte) {
    out += static_cast<char>(static_cast<unsigned char>(byte));
  };
  if (character < 0x80) return put(character);
  if (character < 0x800) {
    put(0xC0 | (character >> 6));
    return put(0x80 | (character & 0x3F));
  }
  if (character < 0x10000) {
    put(0xE0 | (character >> 12));
  } else {
    put(0xF0 | (character >> 18));
    put(0x80 | ((character >> 12) & 0x3F));
  }
  put(0x80 | ((character >> 6) & 0x3F));
  put(0x80 | (character & 0x3F));
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) append_utf8(take_character(text), valid);
  return valid;
}

std::string shown(std::string_view text) {
  constexpr size_t kLongest = 60;
  std::string line;
  for (size_t characters = 0; !text.empty(); ++characters) {
    if (characters == kLongest) return line + "...";
    const char32_t character = take_character(text);
    append_utf8(u_iscntrl(static_cast<UChar32>(character)) ? U'?' : character, line);
  }
  return line;
}

size_t unfinished_bytes(std::string_view text) {
  for (size_t tail = 1; tail <= std::min<size_t>(3, text.size()); ++tail) {
    const std::string_view end = text.substr(text.size() - tail);
    const size_t length = announced_length(byte_at(end, 0));
    if (length > tail && formed_bytes(end, length) == tail) return tail;
  }
  return 0;
}

}  // namespace dendrokv
