#pragma once
// How curves of one picture are told apart: by colour, and without it by a mark and a pattern of
// dashes, for print and for readers who see fewer colours. No drawing, no Qt; report and viewer
// share it.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "plot/svg.h"

namespace dendrokv {

/// Dashed is left to references: nulls, laws, levels.
enum class LineStyle : uint8_t { Solid, Dashed, LongDashes, Dots, DashDot, DashDotDot };
/// Pixels drawn and left out in turn; empty = solid.
std::span<const double> dashes(LineStyle style);

enum class Marker : uint8_t { None, Circle, Square, Triangle, Diamond, Cross, Wedge };
/// A closed outline around `centre`; `radius` in pixels, from the middle to a corner.
std::vector<Point> marker_outline(Marker marker, Point centre, double radius);

struct SeriesLook {
  size_t colour;  // index
  LineStyle line;
  Marker marker;
};

/// Of the index-th of several curves, with `colours` of up to 6: colours take turns, and each turn
/// has dashes of its own. The first 5 turns differ without colour, and beyond them looks repeat.
SeriesLook series_look(size_t index, size_t colours);

}  // namespace dendrokv
