#pragma once
// "Go to": what a typed place means.

#include <QString>
#include <optional>

#include "data/ids.h"

namespace dendrokv {

struct Destination {
  enum class Kind { ToPosition, ToStep, ToLane } kind = Kind::ToPosition;
  uint32_t number = 0;  // position or step
  Layer layer;
  Lane lane;
};

/// "1200", "120k", "1.5M": a position; "step 40", "s40": a step; "14.2": lane 2 of layer 14.
/// Nothing when it is none of these or beyond 32 bits.
std::optional<Destination> parse_destination(const QString& typed);

}  // namespace dendrokv
