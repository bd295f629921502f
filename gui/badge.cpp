#include "gui/badge.h"

#include <QPainter>

#include "gui/provenance.h"

namespace dendrokv {

Badge::Badge(Workspace& workspace, QWidget* parent) : QWidget(parent), workspace_(workspace) {
  setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
  setAccessibleName(QStringLiteral("provenance of the run"));
}

QString Badge::text() const {
  if (!workspace_.document.content()) return {};
  return banner_of(workspace_.document, workspace_.selection.now()).text;
}

QSize Badge::sizeHint() const {
  return {
      static_cast<int>(QFontMetricsF(sized_font(12, QFont::DemiBold)).horizontalAdvance(text())) +
          28,
      static_cast<int>(scaled(24))};
}

void Badge::paintEvent(QPaintEvent*) {
  const Content* content = workspace_.document.content();
  if (!content) return;
  const Palette& colours = workspace_.style.colours();
  const Banner banner = banner_of(workspace_.document, workspace_.selection.now());
  const bool measured = banner.kinds == std::vector{Validity::Measured};
  const Rgb tint = measured ? colours.band[2] : colours.band[1];
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF box = QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5);
  // Measured runs have a filled badge, approximations a dashed outline.
  painter.setPen(QPen(to_qt(tint), 1, measured ? Qt::SolidLine : Qt::DashLine));
  painter.setBrush(measured ? to_qt(mix(colours.panel, tint, 0.16)) : QColor(Qt::transparent));
  painter.drawRoundedRect(box, 12, 12);
  painter.setFont(sized_font(12, QFont::DemiBold));
  painter.setPen(to_qt(mix(tint, colours.ink, 0.45)));
  painter.drawText(rect(), Qt::AlignCenter, text());
}

}  // namespace dendrokv
