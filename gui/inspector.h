#pragma once
// The words of the side panel: why a token left, who took its place, how the lane stands. Pure text
// and numbers from a selection; the view paints them, the tests read them, and "copy" puts them on
// the clipboard.

#include <QString>
#include <optional>

#include "gui/content.h"
#include "gui/inspection.h"
#include "gui/rival_ranks.h"
#include "gui/selection.h"
#include "gui/trace_queries.h"

namespace dendrokv {

/// `row` and `ranks` may be missing or of another selection; then what needs them is left out.
Inspection inspect(const Content& content, const Selection& selection, const RowSnapshot* row,
                   const RankSnapshot* ranks = nullptr);

/// The title of its card alone, at a fraction of the cost.
QString inspection_title(const Content& content, const Selection& selection);

/// The token in focus and what became of it, as one would say it.
QString spoken_name(const Content& content, const Selection& selection);
QString spoken_value(const Content& content, const Selection& selection);

/// What the row snapshot must be asked for a selection; nothing when the layer or its heads were
/// not recorded.
std::optional<RowRequest> row_request(const Content& content, const Selection& selection);

}  // namespace dendrokv
