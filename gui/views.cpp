#include "gui/views.h"

// How to add a view: write gui/foo_view.h and .cpp with a class derived from View (or PositionView,
// for the shared axis of positions), add the file to gui/CMakeLists.txt and a row here. The window,
// the View menu, --view and the test that opens every view find it in the table.

#include <algorithm>
#include <array>
#include <vector>

#include "data/error.h"
#include "gui/agreement_view.h"
#include "gui/compare_view.h"
#include "gui/contribution_view.h"
#include "gui/density_view.h"
#include "gui/inspector_view.h"
#include "gui/lineage_view.h"
#include "gui/mosaic_view.h"
#include "gui/overview_view.h"
#include "gui/retention_view.h"
#include "gui/scalogram_view.h"
#include "gui/table_view.h"
#include "gui/text_view.h"
#include "gui/variability_view.h"

namespace dendrokv {
namespace {

template <class Kind>
View* make(Workspace& workspace, const QString& title, QWidget* parent) {
  return new Kind(workspace, title, parent);
}

constexpr std::array<ViewRow, 13> kViews = {{
    {"mosaic", "Layers × heads", "one number for every head", Side::Left, AtStart::Shown, 70,
     make<MosaicView>},
    {"density", "Kept by distance", "kept share of the text against distance from the step",
     Side::Left, AtStart::Shown, 30, make<DensityView>},
    {"overview", "Whole text", "what is kept of the whole text, and which part is in sight",
     Side::Centre, AtStart::Shown, 9, make<OverviewView>},
    {"text", "Text", "tokens of the text on the colour of their tree level", Side::Centre,
     AtStart::Shown, 28, make<TextView>},
    {"retention", "Retention", "positions that every lane holds", Side::Centre, AtStart::Shown, 24,
     make<RetentionView>},
    {"contributions", "Contributions", "attention over positions and steps", Side::Centre,
     AtStart::Shown, 22, make<ContributionView>},
    {"variability", "Variability", "Haar bands of the contributions", Side::Centre, AtStart::Shown,
     17, make<VariabilityView>},
    {"scalogram", "Scalogram", "contributions by position and scale", Side::Centre, AtStart::Hidden,
     20, make<ScalogramView>},
    {"table", "Table", "the visible range in numbers", Side::Centre, AtStart::Hidden, 20,
     make<TokenTableView>},
    {"inspector", "Token", "why a token left, and who took its place", Side::Right, AtStart::Shown,
     1, make<InspectorView>},
    {"lineage", "Lineage", "who took whose place, as a tree over time", Side::Centre,
     AtStart::Hidden, 25, make<LineageView>},
    {"compare", "Comparison", "what two or three runs keep, and where they differ", Side::Centre,
     AtStart::Hidden, 25, make<CompareView>},
    {"agreement", "Agreement", "how alike two runs are in every lane", Side::Left, AtStart::Hidden,
     60, make<AgreementView>},
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
