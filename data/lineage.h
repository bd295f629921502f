#pragma once
// Why a token is where it is, read from the record of a run: the duel that it lost, and those that
// it won. Everything follows from Retention; nothing else is stored. What would have kept it is a
// question about its policy as well: cache/remedies.h.

#include <optional>
#include <string>
#include <vector>

#include "data/retention.h"

namespace dendrokv {

/// Whether a row is out of a policy's reach.
enum class Protection { Sink, Recent, None };
std::string_view protection_name(Protection protection);  // "sink", "recent", "none"

/// Of a position after a step, in a cache that holds it. Of a policy without a budget: none.
Protection protection(const Run& run, Layer layer, Lane lane, Position position, Step step);

/// How a position left, as the record has it.
struct Duel {
  Position position;
  Step step;  // it was seen by this step's query, and is gone after it
  Reason reason = Reason::Rule;
  std::optional<Position> rival;
  float score = 0, rival_score = 0;  // NaN when nothing was compared
  float margin = 0;                  // rival_score - score, >= 0; NaN when nothing was compared
};

/// Nothing if the position stayed to the end. Looks at one position alone.
std::optional<Duel> duel(const Run& run, Layer layer, Lane lane, Position position);

/// The whole story of one departure, for which all of the lane is read.
struct Departure : Duel {
  std::string rule;          // the full spec of the policy
  uint32_t slot = 0;         // its place in the cache at the step, from the oldest
  uint32_t rows = 0;         // in the cache at the step, the newcomer included
  uint32_t order = 0;        // number of departures of the lane before this one
  uint32_t level = 0;        // rivals that it had outlived itself
  uint32_t unprotected = 0;  // steps from its own one to this one in which it could have left
};

/// Nothing if the position stayed to the end.
std::optional<Departure> departure(const Run& run, Layer layer, Lane lane, Position position);

/// Rivals that a position has outlived by the end of `step`, in the order in which they left.
std::vector<Position> outlived(const Retention& retention, Layer layer, Lane lane,
                               Position position, Step step);

/// Those, those that they had outlived, and so on: the part of the text that the position stands
/// for, in time order, itself not included.
std::vector<Position> descendants(const Retention& retention, Layer layer, Lane lane,
                                  Position position, Step step);

/// The winners above a position after `step`: who it lost to, who that one lost to, ...; the last
/// one is still there, or left by rule. Empty for a position that is kept.
std::vector<Position> winners(const Retention& retention, Layer layer, Lane lane, Position position,
                              Step step);

}  // namespace dendrokv
