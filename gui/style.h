#pragma once
// Colours, fonts and measures of the window, in Qt's types.

#include <QColor>
#include <QFont>
#include <QPainter>
#include <QPalette>
#include <QString>
#include <string_view>

#include "plot/colormap.h"

namespace dendrokv {

inline QColor to_qt(Rgb colour) {
  return {colour.red, colour.green, colour.blue};
}
/// `fraction` of the way from one colour to the other.
Rgb mix(Rgb first, Rgb second, double fraction);
inline QString to_qt(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<int>(text.size()));
}
/// 1234567 as "1 234 567" with thin spaces.
QString grouped(uint64_t number);

/// For numbers from low to high: low ones are near the panel's own darkness in the dark themes, and
/// never black on paper.
const ColourMap& sequential_map(Theme theme);

struct Style {
  Theme theme = Theme::Light;
  const Palette& colours() const { return palette(theme); }
  /// Ink for text that has not been read yet: weaker than evicted text, still 3 : 1.
  Rgb future_ink() const;
};

/// All texts of the window together, in per cent of their normal sizes; clamped.
inline constexpr int kSmallestFontPercent = 80, kLargestFontPercent = 160;
void set_font_percent(int percent);
int font_percent();
/// A height or width that has to grow with the text in it.
double scaled(double pixels);

/// One humanist sans: Inter where installed, else the desktop's. Sizes in pixels at 100 %.
QFont body_font();
QFont small_font();
QFont tiny_font();
QFont title_font();
QFont sized_font(int pixels, QFont::Weight weight = QFont::Normal);

inline constexpr int kGutter = 12;
inline constexpr int kRadius = 8;
inline constexpr int kPadding = 16;

/// Qt's palette and style sheet for controls (combo boxes, sliders, buttons) in a theme.
QPalette control_palette(Theme theme);
QString style_sheet(Theme theme);

/// How a label lies in a box that says where it belongs: texts may be larger than it.
inline constexpr int kRightLabel = Qt::AlignRight | Qt::AlignVCenter | Qt::TextDontClip;
inline constexpr int kBelowLabel = Qt::AlignHCenter | Qt::AlignTop | Qt::TextDontClip;
inline constexpr int kCentreLabel = Qt::AlignCenter | Qt::TextDontClip;

/// Diagonal lines, for areas that are not data.
void hatch(QPainter& painter, const QRectF& area, QColor colour, double spacing = 7);

}  // namespace dendrokv
