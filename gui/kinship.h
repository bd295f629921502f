#pragma once
// The kin of the token in focus: who took its place, and for whom it stands. Computed once per
// selection, for views that draw it while the pointer moves.

#include <optional>
#include <vector>

#include "gui/content.h"
#include "gui/selection.h"

namespace dendrokv {

struct Kin {
  std::vector<Position> winners;  // data/lineage.h: the chain above an evicted token
  // Those it outlived, and whom they had outlived, in time order.
  std::vector<Position> descendants;
};

/// Remembers the last answer.
class Kinship {
 public:
  /// Of the position that is locked; nothing for means of lanes, or without one.
  const Kin& of(const Content& content, const Selection& selection);
  void forget() { known_.reset(); }

 private:
  std::optional<Selection> known_;
  Kin kin_;
};

}  // namespace dendrokv
