#pragma once
// The metadata of a GGUF file: names and typed values. Part of model/gguf.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/gguf.h"
#include "model/gguf_cursor.h"

namespace dendrokv {

using GgufMetadata = std::vector<std::pair<std::string, GgufValue>>;

inline constexpr std::string_view kGgufAlignmentKey = "general.alignment";

/// `count` pairs from the cursor's place on. Throws Error: truncated, a type that there is not, a
/// key twice, more elements than the file has bytes for.
GgufMetadata read_gguf_metadata(GgufCursor& cursor, uint64_t count);

/// A key or the name of a tensor, `what` in errors. Both stand in errors and reports, so they have
/// to be plain: throws Error unless printable ASCII without blanks.
std::string read_gguf_name(GgufCursor& cursor, uint64_t longest, const std::string& what);

}  // namespace dendrokv
