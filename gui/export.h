#pragma once
// Pictures and tables of what the window shows.

#include <filesystem>
#include <string>
#include <string_view>

#include "gui/document.h"
#include "gui/selection.h"

namespace dendrokv {

class MainWindow;

/// The whole window as .png (pixels), .svg or .pdf (vectors), by the extension. The file itself
/// says where it comes from, in its title and, of .png, its texts. Throws Error: unwritable.
void render_window(MainWindow& window, const std::filesystem::path& path);
/// One view, with its colour bars and a caption of its provenance.
void render_view(MainWindow& window, std::string_view view, const std::filesystem::path& path);

/// One line per visible position: id, text, state, level, when it left, to whom, with which scores;
/// for a mean of lanes: the fraction that keeps it. The first line names the columns.
std::string csv_of(const Content& content, const Selection& selection);
/// Beside PATH.csv its provenance in PATH.csv-metadata.json, where readers of the W3C's "CSV on the
/// Web" look for it. Throws Error: unwritable.
void write_csv(const Document& document, const Selection& selection,
               const std::filesystem::path& path);

}  // namespace dendrokv
