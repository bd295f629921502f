#pragma once
// What `dendrokv trace` says at the end: on standard output which files there are, or JSON; on
// standard error how fast it was, or how far it came.

#include <filesystem>
#include <string>
#include <vector>

#include "cli/trace_recording.h"

namespace dendrokv {

void print_trace(const Session& session, const std::filesystem::path& output,
                 const Recorded& recorded, double seconds);
/// `files` of windows, and what all of them came to.
void print_windows(const Session& session, const std::filesystem::path& output,
                   const std::vector<std::string>& files, const Recorded& sum, double seconds);

/// Of a run that a signal ended: how to go on.
void tell_stopped(const Session& session, const std::filesystem::path& output, size_t fed,
                  size_t planned);
void tell_stopped_at_window(const Session& session, size_t window, size_t windows);

}  // namespace dendrokv
