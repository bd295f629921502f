// What the panel of the text says of its picture.

#include "gui/lane_sets.h"
#include "gui/paint.h"
#include "gui/text_view.h"

namespace dendrokv {

QString TextView::what_is_coloured() const {
  const Selection& now = selection();
  const QString step = grouped(now.step.value);
  const QString whose = lanes_in_words(content()->runs[now.run], now);
  switch (metric()) {
    case Metric::Kept:
      if (now.scope == LaneScope::One)
        return QStringLiteral("kept by ") + whose +
               QStringLiteral(" after step %1, ground and mark = tree level; no ground = evicted")
                   .arg(step);
      return QStringLiteral("fraction of ") + whose +
             QStringLiteral(
                 " that keep a token after step %1: darker = more, mark = tenths, + = all")
                 .arg(step);
    case Metric::MeanLevel:
      return QStringLiteral("mean tree level where kept, ") + whose +
             QStringLiteral(", after step %1").arg(step);
    case Metric::Weight:
      return QStringLiteral("attention of step %1, ").arg(step) + whose +
             QStringLiteral(": 0 to %1, asinh scale").arg(to_qt(short_number(value_scale_.high)));
    case Metric::Loss:
      return QStringLiteral("−ln p of the token: 0 to %1 nat")
          .arg(to_qt(short_number(value_scale_.high)));
  }
  return {};
}

QString TextView::caption() const {
  QString text = what_is_coloured();
  if (!as_text() && cells().merged > 1)
    text += QStringLiteral(" · a pixel shows the most notable of %1 tokens").arg(cells().merged);
  return text;
}

QString TextView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  if (!position) return {};
  QString text = QStringLiteral("position %1 · id %2")
                     .arg(grouped(position->value))
                     .arg(content()->tokens.id[position->index()]);
  if (!as_text()) text += QStringLiteral(" · ") + quoted_piece(content()->tokens.piece(*position));
  return text;
}

}  // namespace dendrokv
