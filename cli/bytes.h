#pragma once
// Bytes that may not be text: the test for it, and a form that JSON can carry.

#include <string>
#include <string_view>

namespace dendrokv {

/// Well-formed UTF-8: no stray, overlong, surrogate or out-of-range sequences.
bool is_utf8(std::string_view bytes);
/// Base64 with padding (RFC 4648).
std::string base64(std::string_view bytes);

}  // namespace dendrokv
