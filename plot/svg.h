#pragma once
// Vector pictures as text. Names of clips and patterns follow from what they are, so that pictures
// of one page may share them. Colours are CSS values, so that a page's variables make them light or
// dark.

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace dendrokv {

/// & < > " ' become entities; control characters other than tab and newline become spaces.
std::string xml_escaped(std::string_view text);
/// At most 2 decimals, no trailing zeros: coordinates in pixels.
std::string coordinate(double pixels);

/// Classes of texts in a chart, whose type and colour the page's style says.
inline constexpr std::string_view kTickText = "class=\"tick\"", kTitleText = "class=\"axis-title\"";
inline constexpr double kLetterWidth = 6.6;  // pixels of such texts
/// Pixels of a text, estimated from the number of characters (bytes that begin one in UTF-8).
double text_width(std::string_view text);

struct Point {
  double x = 0, y = 0;
};
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};
enum class Anchor { Start, Middle, End };

class Svg {
 public:
  /// `label` is what a screen reader says.
  Svg(double width, double height, std::string_view label);

  /// `style` of each element: attributes such as `class="rule"`; written as given.
  void rect(const Box& box, std::string_view style);
  void line(Point from, Point to, std::string_view style);
  void path(std::span<const Point> points, std::string_view style);
  /// Filled, without an outline.
  void area(std::span<const Point> outline, std::string_view style);
  void circle(Point centre, double radius, std::string_view style);
  /// Data for scripts, not drawn.
  void metadata(std::string_view text);
  void text(Point at, Anchor anchor, std::string_view text, std::string_view style);
  /// Text turned by 90 degrees, read upwards, centred on `at`.
  void upright_text(Point at, std::string_view text, std::string_view style);
  /// The next elements up to end_clip() show inside of the box only.
  void begin_clip(const Box& box);
  void end_clip();
  /// A rectangle of diagonal lines in the given colour.
  void hatch(const Box& box, std::string_view colour);
  /// A tooltip over a box.
  void tooltip(const Box& box, std::string_view text, std::string_view style);

  std::string finish() const;

 private:
  std::string body_, head_;
};

}  // namespace dendrokv
