#pragma once
// Why a token is where it is, read from the record of a run: the duel that it lost, those that it
// won, and what would have kept it. Everything follows from Retention; nothing else is stored.

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

/// One change that would have kept a position when it left. Two kinds of change, which tests try by
/// running the policy again:
///
///   from the start   Sinks, Recent: with that key in the spec and the other keys as they are, so
///                    that the budget grows by as much. The position never leaves; or not at or
///                    before the step at which it did. Other rows may leave at other steps.
///   at this step     all others: everything before it as it was, the rows and the policy's own
///                    state among them. Whether the position would have left later, and what the
///                    same change had done earlier, only another run can tell.
///
/// What the policy has no key for, and what no record tells (duels of whole blocks of a prompt), is
/// not among them.
struct Remedy {
  enum class Kind {
    Sinks,   // at least `amount` sinks
    Recent,  // at least `amount` recent rows
    // This cut keeps `amount` rows more: all that left or, where the best stay, those that scored
    // no less.
    Rows,
    Tie,     // the other tie rule
    Cursor,  // TreeKV's pairs: the cursor `amount` rows further on; -1 = one back
    Score,   // a score higher by more than `amount`
  };
  Kind kind;
  double amount = 0;
};
std::string remedy_text(const Remedy& remedy);  // "recent >= 61"

/// What the remedies of a departure are read from.
struct Cut {
  Duel left;
  // All that left the lane at that step, itself among them, in time order.
  std::vector<Duel> leaving;
  uint32_t slot = 0;  // its place in the cache at the step, from the oldest
  uint32_t rows = 0;  // in the cache at the step, the newcomer included
};
/// In the order of Kind.
std::vector<Remedy> what_would_have_kept(const Run& run, const Cut& cut);
/// The same, looking for the cut in the whole lane; nothing if the position stayed to the end.
std::vector<Remedy> what_would_have_kept(const Run& run, Layer layer, Lane lane, Position position);

}  // namespace dendrokv
