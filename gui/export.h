#pragma once
// Pictures and tables of what the window shows.

#include <filesystem>
#include <string>

#include "gui/content.h"
#include "gui/selection.h"

namespace dendrokv {

class MainWindow;

/// The whole window as .png (pixels), .svg or .pdf (vectors), by the extension. Throws Error: unwritable.
void render_window(MainWindow& window, const std::filesystem::path& path);

/// One line per visible position: id, text, state, level, when it left, to whom, with which scores; for a mean
/// of lanes: the fraction that keeps it. The first line names the columns.
std::string csv_of(const Content& content, const Selection& selection);
/// Throws Error: unwritable.
void write_csv(const Content& content, const Selection& selection,
               const std::filesystem::path& path);

}  // namespace dendrokv
