#include "gui/style.h"

#include <QFontDatabase>
#include <QFontInfo>
#include <algorithm>
#include <cmath>

namespace dendrokv {
namespace {

uint8_t mix_byte(uint8_t first, uint8_t second, double fraction) {
  return static_cast<uint8_t>(std::lround(first + (second - first) * fraction));
}

QString font_family() {
  static const QString family = [] {
    const QString inter = QStringLiteral("Inter");
    if (QFontDatabase().families().contains(inter)) return inter;
    return QFontDatabase::systemFont(QFontDatabase::GeneralFont).family();
  }();
  return family;
}

/// Names in capitals stand for colours of the theme.
constexpr const char* kSheet = R"(
    QMainWindow, QWidget#body { background: %GROUND; }
    QLabel { color: %INK; }
    QComboBox, QSpinBox, QLineEdit, QPushButton, QMenu, QListView, QPlainTextEdit { font-size: %SIZEpx; }
    QWidget#control_bar { background: %PANEL; border-bottom: 1px solid %RULE; }
    QComboBox, QSpinBox, QLineEdit {
      background: %FIELD; color: %INK; border: 1px solid %RULE; border-radius: 5px;
      padding: 3px 8px; min-height: 20px; selection-background-color: %TEAL; }
    QComboBox:hover, QSpinBox:hover, QLineEdit:hover { border-color: %SECONDARY; }
    QComboBox:focus, QSpinBox:focus, QLineEdit:focus { border: 1px solid %ACCENT; }
    QComboBox::drop-down { border: none; width: 20px; }
    QComboBox QAbstractItemView {
      background: %PANEL; color: %INK; border: 1px solid %RULE; selection-background-color: %TEAL;
      selection-color: %ONTEAL; outline: none; }
    QToolButton {
      background: transparent; color: %INK; border: 1px solid transparent; border-radius: 5px;
      padding: 3px 6px; }
    QToolButton:hover { background: %FIELD; border-color: %RULE; }
    QToolButton:focus { border-color: %ACCENT; }
    QToolButton::menu-indicator { image: none; }
    QSlider::groove:horizontal { height: 3px; background: %RULE; border-radius: 1px; }
    QSlider::sub-page:horizontal { height: 3px; background: %TEAL; border-radius: 1px; }
    QSlider::handle:horizontal {
      width: 12px; height: 12px; margin: -6px 0; border-radius: 7px; background: %PANEL;
      border: 2px solid %TEAL; }
    QSlider::handle:horizontal:focus { border-color: %ACCENT; }
    QSplitter::handle { background: transparent; }
    QScrollBar:vertical { background: transparent; width: 8px; margin: 0; }
    QScrollBar::handle:vertical { background: %THUMB; border-radius: 4px; min-height: 28px; }
    QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
    QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
    QMenu { background: %PANEL; color: %INK; border: 1px solid %RULE; padding: 4px; }
    QMenu::item { padding: 5px 24px 5px 16px; border-radius: 4px; }
    QMenu::item:selected { background: %TEAL; color: %ONTEAL; }
    QMenu::separator { height: 1px; background: %RULE; margin: 4px 8px; }
    QDialog, QFrame#card, QWidget#sheet { background: %PANEL; }
    QDialog { border: 1px solid %RULE; }
    QFrame#notes {
      background: %PANEL; border: 1px solid %RULE; border-radius: 8px; margin: 12px 12px 12px 0; }
    QFrame#card { border: 1px solid %RULE; border-radius: 8px; }
    QFrame#notice { background: %NOTICE; border-bottom: 1px solid %RULE; }
    QPushButton {
      background: %FIELD; color: %INK; border: 1px solid %RULE; border-radius: 5px;
      padding: 4px 12px; }
    QPushButton:hover { border-color: %SECONDARY; }
    QPushButton:focus { border-color: %ACCENT; }
    QPushButton:default { background: %TEAL; color: %ONTEAL; border-color: %TEAL; }
    QPushButton:default:focus { border-color: %ACCENT; }
    QPushButton:disabled { color: %SECONDARY; }
    QListView, QListWidget, QPlainTextEdit {
      background: %PANEL; color: %INK; border: 1px solid %RULE; border-radius: 5px; outline: none;
      selection-background-color: %TEAL; selection-color: %ONTEAL; }
    QListView::item { padding: 4px 8px; border-radius: 4px; }
    QListView::item:selected { background: %TEAL; color: %ONTEAL; }
    QScrollArea { border: none; background: transparent; }
    QToolTip { background: %PANEL; color: %INK; border: 1px solid %RULE; padding: 4px; }
  )";

/// One for the program, as the desktop's own font is.
int percent_of_fonts = 100;

}  // namespace

void set_font_percent(int percent) {
  percent_of_fonts = std::clamp(percent, kSmallestFontPercent, kLargestFontPercent);
}

int font_percent() {
  return percent_of_fonts;
}

double scaled(double pixels) {
  return pixels * percent_of_fonts / 100.0;
}

Rgb mix(Rgb first, Rgb second, double fraction) {
  return {mix_byte(first.red, second.red, fraction), mix_byte(first.green, second.green, fraction),
          mix_byte(first.blue, second.blue, fraction)};
}

QString grouped(uint64_t number) {
  QString digits = QString::number(number);
  if (digits.size() < 5) return digits;
  for (int place = digits.size() - 3; place > 0; place -= 3) digits.insert(place, QChar(0x202f));
  return digits;
}

const ColourMap& sequential_map(Theme theme) {
  const bool light = theme == Theme::Light || theme == Theme::Print;
  return colour_map(light ? "viridis" : "inferno");
}

Rgb Style::future_ink() const {
  switch (theme) {
    case Theme::Light:
      return {0x8a, 0x94, 0xa0};
    case Theme::Dark:
      return {0x68, 0x74, 0x82};
    case Theme::HighContrast:
      return {0x8b, 0x97, 0xa5};
    case Theme::Print:
      return {0x86, 0x8e, 0x98};
  }
  return {};
}

QFont sized_font(int pixels, QFont::Weight weight) {
  QFont font(font_family());
  font.setPixelSize(static_cast<int>(std::lround(scaled(pixels))));
  font.setWeight(weight);
  // Without hinting, widths scale and the picture is the same on every screen.
  font.setHintingPreference(QFont::PreferNoHinting);
  return font;
}

QFont body_font() {
  return sized_font(13);
}
QFont small_font() {
  return sized_font(12);
}
QFont tiny_font() {
  return sized_font(11);
}
QFont title_font() {
  return sized_font(13, QFont::DemiBold);
}

QPalette control_palette(Theme theme) {
  const Palette& colours = palette(theme);
  QPalette qt;
  qt.setColor(QPalette::Window, to_qt(colours.ground));
  qt.setColor(QPalette::Base, to_qt(colours.panel));
  qt.setColor(QPalette::AlternateBase, to_qt(colours.absent));
  qt.setColor(QPalette::Button, to_qt(colours.panel));
  for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText,
                                         QPalette::ToolTipText, QPalette::BrightText})
    qt.setColor(role, to_qt(colours.ink));
  qt.setColor(QPalette::PlaceholderText, to_qt(colours.secondary));
  qt.setColor(QPalette::ToolTipBase, to_qt(colours.panel));
  qt.setColor(QPalette::Highlight, to_qt(colours.level[4]));
  qt.setColor(QPalette::HighlightedText, to_qt(ink_on(colours.level[4])));
  for (const QPalette::ColorRole role :
       {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
    qt.setColor(QPalette::Disabled, role, to_qt(mix(colours.secondary, colours.panel, 0.4)));
  return qt;
}

QString style_sheet(Theme theme) {
  const Palette& colours = palette(theme);
  QString sheet = QString::fromLatin1(kSheet);
  const std::pair<const char*, Rgb> roles[] = {
      {"%GROUND", colours.ground},
      {"%PANEL", colours.panel},
      {"%RULE", mix(colours.rule, colours.secondary, 0.15)},
      {"%FIELD", mix(colours.panel, colours.ground, 0.8)},
      {"%INK", colours.ink},
      {"%SECONDARY", colours.secondary},
      {"%TEAL", colours.level[4]},
      {"%ONTEAL", ink_on(colours.level[4])},
      {"%ACCENT", colours.accent},
      {"%NOTICE", mix(colours.panel, colours.accent, 0.12)},
      {"%THUMB", mix(colours.rule, colours.secondary, 0.35)},
  };
  sheet.replace(QLatin1String("%SIZE"), QString::number(std::lround(scaled(13))));
  for (const auto& [name, colour] : roles)
    sheet.replace(QLatin1String(name), to_qt(to_hex(colour)));
  return sheet;
}

void hatch(QPainter& painter, const QRectF& area, QColor colour, double spacing) {
  if (area.isEmpty()) return;
  painter.save();
  painter.setClipRect(area, Qt::IntersectClip);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(colour, 1));
  for (double x = area.left() - area.height(); x < area.right(); x += spacing)
    painter.drawLine(QPointF(x, area.bottom()), QPointF(x + area.height(), area.top()));
  painter.restore();
}

}  // namespace dendrokv
