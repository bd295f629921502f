#pragma once
// What stands on the text beside the data: hits of a search, a marked range, notes. Views draw it
// over the shared axis of positions.

#include <QPainter>
#include <vector>

#include "gui/notes.h"
#include "gui/selection.h"
#include "gui/style.h"
#include "plot/axis.h"

namespace dendrokv {

struct Marks {
  std::vector<PositionRange> hits;  // of the search, in order
  std::vector<Note> notes;
};

/// The marked range as a tint, hits as ticks at the upper edge, notes as flags.
void paint_marks(QPainter& painter, const QRectF& plot, const Axis& positions, const Marks& marks,
                 const Selection& selection, const Palette& colours);

}  // namespace dendrokv
