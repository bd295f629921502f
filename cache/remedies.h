#pragma once
// What would have kept a token that left a lane, read from the record of its run (data/lineage.h)
// and from what the policy's shape says about its contests.

#include <string>
#include <vector>

#include "data/lineage.h"

namespace dendrokv {

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
    Cursor,  // pairs under a cursor: it stands `amount` rows further on; -1 = one back
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
