#pragma once
// Two runs beside each other: who keeps what, at which step, in which lane. Over one text, or over
// two that share tokens. Counts follow from Retention; nothing is stored.

#include <cstdint>
#include <optional>
#include <vector>

#include "data/grid.h"
#include "gui/alignment.h"
#include "gui/lane_state.h"

namespace dendrokv {

/// Two runs, and which position of the second is which of the first. Outlived by all three.
struct Pairing {
  const Run& first;
  const Run& second;
  const Alignment& alignment;
};

/// The lane of the other run that serves the same heads: lanes are spread evenly over the heads of
/// a layer, so the one at the same fraction. Nothing when the second run has no such layer.
std::optional<LaneId> lane_beside(const Run& first, const Run& second, LaneId lane);

enum class Membership : uint8_t { NotYet, Neither, OnlyFirst, OnlySecond, Both };

/// [position of the first text] after `step` of it.
std::vector<Membership> memberships(const Pairing& pairing, LaneId lane, Step step);

/// How many positions of either text are where, after a step. Those that one text lacks count for
/// the other.
struct Overlap {
  uint32_t both = 0, only_first = 0, only_second = 0;
  /// Of two empty sets: 1.
  double jaccard() const;
  bool operator==(const Overlap&) const = default;
};

/// [step of the first text], in time proportional to the text.
std::vector<Overlap> overlap_over_steps(const Pairing& pairing, LaneId lane);
Overlap overlap_at(const Pairing& pairing, LaneId lane, Step step);
/// [layer, lane of the first run]: Jaccard index after a step; NaN where the second has no such
/// lane.
Grid<float> jaccard_of_lanes(const Pairing& pairing, Step step);

struct Disagreement {
  LaneId lane;
  Step step;
  double jaccard;
};
/// The lane and step with the smallest index; of several, the earliest step of the first lane.
/// Nothing when the runs keep the same everywhere.
std::optional<Disagreement> largest_disagreement(const Pairing& pairing);

}  // namespace dendrokv
