#pragma once
// The saved state of a window: which files, what is selected, how it looks. A small text file
// beside the trace, with relative paths, so that a folder can be moved as a whole.

#include <QByteArray>
#include <filesystem>
#include <string>
#include <vector>

#include "gui/panel_place.h"
#include "gui/selection.h"
#include "plot/colormap.h"

namespace dendrokv {

struct SavedWorkspace {
  std::filesystem::path trace;  // absolute, or relative to the current folder
  std::string trace_uuid;
  std::vector<std::filesystem::path> runs;
  Selection selection;
  Theme theme = Theme::Light;
  int font_percent = 100;
  bool level_marks = true;
  bool level_overlay = false;
  // Shown ones, in the order of the table; empty = all that open by themselves.
  std::vector<std::string> views;
  std::vector<PanelPlace> panels;  // every view, in order; empty = the usual places
  std::vector<int> sizes;          // of the splitters, one after the other
};

/// TRACE.h5 -> TRACE.dendrokv
std::filesystem::path workspace_path(const std::filesystem::path& trace);
bool is_workspace_name(const std::filesystem::path& path);

/// Paths relative to the folder of `file`. The same state gives the same bytes.
QByteArray workspace_text(const SavedWorkspace& saved, const std::filesystem::path& file);
/// Throws Error that names `file`: not JSON, not a workspace, newer, without a trace, a number out
/// of range. The selection may lie outside of the text: SelectionModel brings it into range.
SavedWorkspace parse_workspace(const std::filesystem::path& file, const QByteArray& text);

}  // namespace dendrokv
