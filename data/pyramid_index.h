#pragma once
// The pyramid of a trace that has none, in a file of its own: the trace is never written to.

#include <filesystem>
#include <functional>

#include "data/trace_reader.h"

namespace dendrokv {

/// Where the index of a trace is looked for, in this order: beside it, and by its uuid in the
/// user's cache folder.
std::vector<std::filesystem::path> pyramid_index_places(const std::filesystem::path& trace,
                                                        const std::string& uuid);
/// The first of them that is an index of this very trace, as long as it is now; empty when there is
/// none.
std::filesystem::path find_pyramid_index(const std::filesystem::path& trace, const TraceInfo& info);

/// Hears of bands of steps done and of all; false = stop.
using IndexProgress = std::function<bool(size_t done, size_t all)>;

/// Writes a file whose /pyramid equals, bit for bit, what the recorder would have written, counts
/// always among it, under a name of its own first, so that two that build it do not harm each
/// other. Returns false when stopped, and leaves nothing. Throws Error: no full rows, unwritable.
bool build_pyramid_index(const TraceReader& trace, const std::filesystem::path& path,
                         const IndexProgress& progress);

}  // namespace dendrokv
