#pragma once
// What the viewer remembers from one start to the next: files opened of late, the files of the last
// window, whether the tour has been shown. A small file in the user's state folder; a broken one is
// started anew.

#include <filesystem>
#include <vector>

namespace dendrokv {

struct Recent {
  using Files = std::vector<std::filesystem::path>;
  std::vector<Files> opened;  // newest first; the trace first in each
  bool tour_seen = false;
};
inline constexpr size_t kMostRecent = 12;

/// ${XDG_STATE_HOME:-~/.local/state}/dendrokv/viewer.json
std::filesystem::path recent_path();
/// The workspace of the window that was closed last.
std::filesystem::path last_window_path();
/// Nothing is remembered when the file is missing or broken: it holds no work of the user's.
Recent read_recent(const std::filesystem::path& path);
/// Throws Error: unwritable.
void write_recent(const std::filesystem::path& path, const Recent& recent);
/// Puts files first, once.
void remember_opened(Recent& recent, const Recent::Files& files);

}  // namespace dendrokv
