#pragma once
// Where a panel is: a side of the window and a place there, or a window of its own.

#include <QRect>
#include <optional>
#include <string>
#include <string_view>

namespace dendrokv {

enum class Side { Left, Centre, Right };
std::string_view side_name(Side side);
/// Throws Error: none of "left", "centre", "right".
Side side_named(std::string_view name);

struct PanelPlace {
  std::string view;
  Side side = Side::Centre;          // where it lies, or goes back to
  std::optional<QRect> window = {};  // of its own, on the screen
  bool operator==(const PanelPlace&) const = default;
};

}  // namespace dendrokv
