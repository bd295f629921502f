#include "gui/panel_place.h"

#include <array>
#include <vector>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 3> kSides = {"left", "centre", "right"};

}  // namespace

std::string_view side_name(Side side) {
  return kSides[static_cast<size_t>(side)];
}

Side side_named(std::string_view name) {
  for (size_t i = 0; i < kSides.size(); ++i)
    if (kSides[i] == name) return static_cast<Side>(i);
  fail("side of a panel", "\"" + std::string(name) + "\"", "wanted left, centre or right");
}

}  // namespace dendrokv
