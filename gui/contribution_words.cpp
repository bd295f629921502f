// What the panel of contributions says of its picture.

#include <cmath>

#include "gui/contribution_view.h"
#include "gui/lane_sets.h"
#include "gui/paint.h"
#include "gui/reduced_rows.h"

namespace dendrokv {
namespace {

QString plural(size_t count, const char* what) {
  return grouped(count) + QLatin1Char(' ') + QLatin1String(what) +
         (count == 1 ? QString() : QStringLiteral("s"));
}

}  // namespace

QString ContributionView::what_is_merged() const {
  const std::optional<Cell> cell =
      cell_at(visible_steps().first + visible_steps().count / 2,
              Position(selection().first_visible.value + selection().visible / 2));
  if (!cell) return QStringLiteral(" · reading …");
  QString text;
  if (cell->steps.count * cell->positions.count > 1)
    text = QStringLiteral(" · a cell = ") + plural(cell->positions.count, "position") +
           QStringLiteral(" × ") + plural(cell->steps.count, "step");
  if (cell->sampling == Sampling::Bound)
    text += QStringLiteral(" · upper bound: largest weight × longest value");
  if (cell->sampling == Sampling::Preview)
    text += QStringLiteral(" · PREVIEW of every %1th step: the menu builds an index")
                .arg(cell->preview_stride);
  return reduced_rows_text(content()->info.capture,
                           static_cast<Reduction>(reduction_->currentData().toInt())) +
         text + index_state_;
}

QString ContributionView::caption() const {
  const std::optional<HeatSubject> of = subject();
  if (!of) return {};
  const Selection& now = selection();
  const bool set = now.scope == LaneScope::Set;
  QString text;
  if (!set) text = QStringLiteral("layer %1, ").arg(now.layer.value);
  const size_t heads = head_count(of->heads);
  if (heads > 1)
    text += of->reduction == Reduction::Max ? QStringLiteral("largest of ")
                                            : QStringLiteral("mean of ");
  text += plural(heads, "query head");
  if (now.scope == LaneScope::One)
    text += QStringLiteral(" of ") + to_qt(lane_name(content()->runs[now.run], now.lane));
  if (set) text += QStringLiteral(" of ") + lanes_in_words(content()->runs[now.run], now);
  text += what_is_merged() + QStringLiteral(" · ") + to_qt(scale_shape_name(scale().shape)) +
          QStringLiteral(" scale");
  if (workspace().level_overlay == LevelOverlay::Show)
    text += QStringLiteral(" · over it what is kept at each step");
  const QString clipped = clipped_text(scale());
  if (!clipped.isEmpty()) text += QStringLiteral(" · ") + clipped;
  const uint32_t sinks = std::max(1u, content()->runs[now.run].sinks);
  return text + QStringLiteral(" · sinks (below %1) not scaled").arg(sinks);
}

QString ContributionView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  if (!position || !subject()) return {};
  const std::vector<Step>& steps = content()->info.steps;
  const double row = step_axis().data(point.y());
  if (row < 0 || row >= static_cast<double>(steps.size())) return {};
  const auto index = static_cast<size_t>(row);
  const std::optional<Cell> cell = cell_at(index, *position);
  if (!cell) return {};
  const QString where = QStringLiteral("step %1 · position %2: ")
                            .arg(grouped(steps[index].value), grouped(position->value));
  const size_t last = std::min(cell->steps.first + cell->steps.count, steps.size()) - 1;
  if (!std::isnan(cell->value)) return where + to_qt(short_number(double{cell->value}));
  return where + (cell->positions.first > steps[last].index() ? QStringLiteral("not read yet")
                                                              : QStringLiteral("not in the cache"));
}

}  // namespace dendrokv
