#include "gui/choice_box.h"

#include <QPainter>
#include <QStyleOptionComboBox>
#include <QStylePainter>

#include "gui/style.h"

namespace dendrokv {
namespace {

constexpr int kIcon = 16;

void triangle(QPainter& painter, double left, double right) {
  const double middle = kIcon / 2.0;
  painter.drawPolygon(QPolygonF({{left, middle - 5}, {right, middle}, {left, middle + 5}}));
}

}  // namespace

// A text that does not fit ends in an ellipsis: the style would cut it.
void ChoiceBox::paintEvent(QPaintEvent*) {
  QStylePainter painter(this);
  QStyleOptionComboBox option;
  initStyleOption(&option);
  painter.drawComplexControl(QStyle::CC_ComboBox, option);
  const QRect field =
      style()->subControlRect(QStyle::CC_ComboBox, &option, QStyle::SC_ComboBoxEditField, this);
  option.currentText =
      fontMetrics().elidedText(option.currentText, Qt::ElideRight, field.width() - 4);
  painter.drawControl(QStyle::CE_ComboBoxLabel, option);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(palette().color(QPalette::PlaceholderText), 1.5, Qt::SolidLine, Qt::RoundCap,
                      Qt::RoundJoin));
  const QPointF tip(width() - 14, height() / 2.0 + 2);
  painter.drawPolyline(QPolygonF({tip + QPointF(-4, -4), tip, tip + QPointF(4, -4)}));
}

QIcon glyph_icon(Glyph glyph, Rgb ink) {
  constexpr int kScale = 3;  // sharp up to three times the pixel density
  QPixmap picture(kIcon * kScale, kIcon * kScale);
  picture.setDevicePixelRatio(kScale);
  picture.fill(Qt::transparent);
  QPainter painter(&picture);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  painter.setBrush(to_qt(ink));
  switch (glyph) {
    case Glyph::Menu:
      for (const double top : {3.5, 7.25, 11.0})
        painter.drawRoundedRect(QRectF(2, top, 12, 1.5), 0.7, 0.7);
      break;
    case Glyph::Previous:
      triangle(painter, 10.5, 5);
      break;
    case Glyph::Play:
      triangle(painter, 4.5, 13);
      break;
    case Glyph::Pause:
      painter.drawRect(QRectF(4, 3, 3, 10));
      painter.drawRect(QRectF(9, 3, 3, 10));
      break;
    case Glyph::Next:
      triangle(painter, 5.5, 11);
      break;
  }
  return QIcon(picture);
}

}  // namespace dendrokv
