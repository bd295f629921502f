#include "gui/views.h"

// How to add a view: write gui/foo_view.h and .cpp with a class derived from View (or PositionView, for the
// shared axis of positions), add the file to gui/CMakeLists.txt and a row here. The window, the View menu,
// --view and the test that opens every view find it in the table.

#include <algorithm>
#include <array>
#include <vector>

#include "data/error.h"
#include "gui/contribution_view.h"
#include "gui/inspector_view.h"
#include "gui/mosaic_view.h"
#include "gui/retention_view.h"
#include "gui/text_view.h"
#include "gui/variability_view.h"

namespace dendrokv {
namespace {

template <class Kind>
View* make(Workspace& workspace, const QString& title, QWidget* parent) {
  return new Kind(workspace, title, parent);
}

constexpr std::array<ViewRow, 6> kViews = {{
    {"mosaic", "Layers × heads", "growth of variability in every head", Side::Left, 1,
     make<MosaicView>},
    {"text", "Text", "tokens of the text on the colour of their tree level", Side::Centre, 33,
     make<TextView>},
    {"retention", "Retention", "positions that every lane holds", Side::Centre, 27,
     make<RetentionView>},
    {"contributions", "Contributions", "attention over positions and steps", Side::Centre, 21,
     make<ContributionView>},
    {"variability", "Variability", "Haar bands of the contributions", Side::Centre, 19,
     make<VariabilityView>},
    {"inspector", "Token", "why a token left, and who took its place", Side::Right, 1,
     make<InspectorView>},
}};

}  // namespace

std::span<const ViewRow> view_table() {
  return kViews;
}

const ViewRow& view_row(std::string_view name) {
  const auto found = std::find_if(kViews.begin(), kViews.end(),
                                  [name](const ViewRow& row) { return row.name == name; });
  if (found != kViews.end()) return *found;
  std::vector<std::string_view> names;
  for (const ViewRow& row : kViews) names.push_back(row.name);
  fail("view", "\"" + std::string(name) + "\" is unknown", "wanted a view of the table",
       did_you_mean(name, names));
}

}  // namespace dendrokv
