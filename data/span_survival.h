#pragma once
// Named parts of a text, and how much of each the lanes of a cache still hold as the text goes on.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/grid.h"
#include "data/retention.h"

namespace dendrokv {

/// Tokens [first, end) of a text.
struct TextSpan {
  std::string name;
  uint32_t first = 0, end = 0;
  bool operator==(const TextSpan&) const = default;
};

/// Which quantiles over lanes are kept: fewest, quartiles, most.
inline constexpr std::array kSpanQuantiles{0.0, 0.25, 0.5, 0.75, 1.0};

/// What became of some spans under one policy.
struct SpanSurvival {
  LaneKind lane_kind = LaneKind::PerKvHead;
  uint32_t layers = 0, lanes = 0;
  // [span, step]: fraction of (token, lane) after the step; NaN before the span's last token
  Grid<float> kept;
  // [span * 5 + quantile, step]: over lanes, of the fraction of the tokens that a lane holds
  Grid<float> quantiles;
  /// [span, layer, lane]: the step at whose end the lane lost the last of the span's tokens; -1 =
  /// it holds one at the end.
  std::vector<int32_t> held_until;
};

/// Fraction of (token of the span, lane) in the cache after a step.
double fraction_held(const Retention& retention, const TextSpan& span, Step step);

/// `steps` rise and are below the run's tokens, as are the ends of the spans.
SpanSurvival survival(const Run& run, std::span<const TextSpan> spans, std::span<const Step> steps);

}  // namespace dendrokv
