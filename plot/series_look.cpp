#include "plot/series_look.h"

#include <array>
#include <cmath>
#include <numbers>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr double kDashed[] = {5, 4}, kLongDashes[] = {11, 4}, kDots[] = {2, 3},
                 kDashDot[] = {9, 3, 2, 3}, kDashDotDot[] = {9, 3, 2, 3, 2, 3};
constexpr std::array<LineStyle, 5> kTurns = {LineStyle::Solid, LineStyle::LongDashes,
                                             LineStyle::Dots, LineStyle::DashDot,
                                             LineStyle::DashDotDot};
constexpr std::array<Marker, 6> kMarkers = {Marker::Circle,  Marker::Square, Marker::Triangle,
                                            Marker::Diamond, Marker::Cross,  Marker::Wedge};

/// Corners on a circle, the first one `start` turns from the right, downwards.
std::vector<Point> regular(size_t corners, double start, Point centre, double radius) {
  std::vector<Point> outline;
  for (size_t corner = 0; corner < corners; ++corner) {
    const double angle =
        2 * std::numbers::pi * (start + static_cast<double>(corner) / static_cast<double>(corners));
    outline.push_back({centre.x + radius * std::cos(angle), centre.y + radius * std::sin(angle)});
  }
  return outline;
}

std::vector<Point> cross(Point centre, double radius) {
  const double arm = radius / 3;
  std::vector<Point> outline;
  for (const auto& [x, y] : {std::pair{arm, radius},
                             {arm, arm},
                             {radius, arm},
                             {radius, -arm},
                             {arm, -arm},
                             {arm, -radius},
                             {-arm, -radius},
                             {-arm, -arm},
                             {-radius, -arm},
                             {-radius, arm},
                             {-arm, arm},
                             {-arm, radius}})
    outline.push_back({centre.x + x, centre.y + y});
  return outline;
}

}  // namespace

std::span<const double> dashes(LineStyle style) {
  switch (style) {
    case LineStyle::Solid:
      return {};
    case LineStyle::Dashed:
      return kDashed;
    case LineStyle::LongDashes:
      return kLongDashes;
    case LineStyle::Dots:
      return kDots;
    case LineStyle::DashDot:
      return kDashDot;
    case LineStyle::DashDotDot:
      return kDashDotDot;
  }
  return {};
}

std::vector<Point> marker_outline(Marker marker, Point centre, double radius) {
  switch (marker) {
    case Marker::None:
      return {};
    case Marker::Circle:
      return regular(16, 0, centre, radius * 0.9);
    case Marker::Square:
      return regular(4, 0.125, centre, radius * 1.1);
    case Marker::Triangle:
      return regular(3, 0.75, centre, radius * 1.2);
    case Marker::Diamond:
      return regular(4, 0, centre, radius * 1.25);
    case Marker::Cross:
      return cross(centre, radius * 1.1);
    case Marker::Wedge:
      return regular(3, 0.25, centre, radius * 1.2);
  }
  return {};
}

SeriesLook series_look(size_t index, size_t colours) {
  DENDROKV_ASSERT(colours >= 1 && colours <= kMarkers.size());
  return {index % colours, kTurns[index / colours % kTurns.size()],
          kMarkers[index % kMarkers.size()]};
}

}  // namespace dendrokv
