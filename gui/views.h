#pragma once
// The table of views.

#include <QString>
#include <span>
#include <string_view>

#include "gui/panel_place.h"
#include "gui/view.h"

namespace dendrokv {

/// Whether a view is there before anybody asks for it.
enum class AtStart { Shown, Hidden };

struct ViewRow {
  std::string_view name;     // of --view and of the menu's keys
  std::string_view title;    // of the panel
  std::string_view summary;  // of the menu
  Side side;
  AtStart at_start;
  int share;  // of the height, among the views of the side
  View* (*make)(Workspace&, const QString& title, QWidget* parent);
};

std::span<const ViewRow> view_table();
/// Throws Error with near names.
const ViewRow& view_row(std::string_view name);

}  // namespace dendrokv
