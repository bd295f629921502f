#pragma once
// The words of the side panel: why a token left, who took its place, how the lane stands. Pure text and
// numbers from a selection; the view paints them, the tests read them, and "copy" puts them on the clipboard.

#include <QString>
#include <optional>
#include <vector>

#include "gui/content.h"
#include "gui/lane_state.h"
#include "gui/selection.h"
#include "gui/trace_queries.h"

namespace dendrokv {

enum class EntryKind {
  Fact,    // label left, value right
  Link,    // one token of a chain: swatch, text, place, until when
  Duel,    // how the token above it lost: scores and margin
  Share,   // a fact with a bar of `fraction`
  Legend,  // swatch, label, count
  Note,    // a sentence
};

struct Entry {
  EntryKind kind = EntryKind::Fact;
  QString label, middle, value;
  std::optional<TokenState> state;  // gives the swatch its colour and mark
  double fraction = 0;
};

struct Section {
  QString title;
  std::vector<Entry> entries;
};

/// The token that the panel is about.
struct Card {
  QString title;  // "Why was it evicted?"
  QString token;  // in quotes; empty when no token is chosen
  QString place;  // "position 130"
};

struct Inspection {
  Card card;
  std::vector<Section> sections;
};

/// `row` may be missing or of another selection; then what needs it is left out.
Inspection inspect(const Content& content, const Selection& selection, const RowSnapshot* row);

/// The title of its card alone, at a fraction of the cost.
QString inspection_title(const Content& content, const Selection& selection);

/// "sinks", "recent window", "level 2 · won twice" ...
QString place_name(TokenState state);

/// The token in focus and what became of it, as one would say it.
QString spoken_name(const Content& content, const Selection& selection);
QString spoken_value(const Content& content, const Selection& selection);

/// The same as lines of text with tabs.
QString as_text(const Inspection& inspection);

/// What the row snapshot must be asked for a selection; nothing when the layer or its heads were not recorded.
std::optional<RowRequest> row_request(const Content& content, const Selection& selection);

}  // namespace dendrokv
