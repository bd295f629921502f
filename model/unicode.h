#pragma once
// UTF-8 and the character classes that pre-tokenizers ask for (Unicode, through ICU).

#include <cstdint>
#include <string>
#include <string_view>

namespace dendrokv {

enum class CharClass : uint8_t { Letter, Number, Space, Other };
CharClass char_class(char32_t character);

inline constexpr char32_t kReplacement = 0xFFFD;

/// Takes one character off the front of `text`, which is not empty. A byte that is not part of a
/// well-formed UTF-8 sequence (overlong forms, surrogates and code points above U+10FFFF are not)
/// counts as one U+FFFD.
char32_t take_character(std::string_view& text);
void append_utf8(char32_t character, std::string& out);
/// The same text with every such byte replaced by the three bytes of U+FFFD.
std::string valid_utf8(std::string_view text);
/// A text from a file as an error may show it: valid UTF-8 on one line, control characters as '?',
/// cut after 60 characters.
std::string shown(std::string_view text);
/// The number of bytes at the end of `text` that begin a sequence which more bytes could complete;
/// 0 to 3.
size_t unfinished_bytes(std::string_view text);

}  // namespace dendrokv
