#pragma once
// Colours as data: sequential maps, the colours of tree levels, roles of the house. No drawing, no
// Qt.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dendrokv {

struct Rgb {
  uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Rgb&) const = default;
};

std::string to_hex(Rgb colour);  // "#rrggbb"
/// WCAG 2 relative luminance and contrast ratio (1 to 21).
double relative_luminance(Rgb colour);
double contrast_ratio(Rgb first, Rgb second);
/// Black or white, whichever reads better on `ground`.
Rgb ink_on(Rgb ground);

struct ColourMap {
  std::string_view name;
  /// fraction in [0, 1], clamped; NaN has the first colour.
  Rgb at(double fraction) const;
  std::span<const Rgb> table;
};
std::span<const ColourMap> colour_maps();            // viridis, cividis, inferno, grey
const ColourMap& colour_map(std::string_view name);  // throws Error with near names

enum class Theme {
  Light,
  Dark,
  HighContrast,  // on black, every text at 7 : 1 or more
  Print,         // on white paper: no tinted grounds, levels that survive grey
};
std::span<const Theme> all_themes();
std::string_view theme_name(Theme theme);  // "light", "dark", "high-contrast", "print"
Theme theme_named(std::string_view name);  // throws Error with near names
/// Whether ink is darker than the panel it stands on.
bool is_dark_on_light(Theme theme);

/// The roles of the house in one theme.
struct Palette {
  Rgb ground, panel, ink, secondary, rule, accent, evicted_ink;
  Rgb sink, recent, absent;
  // Tree level 0..8 and more; lightness falls (dark theme: rises) with level.
  std::array<Rgb, 9> level;
  std::array<Rgb, 5> band;  // curves of wavelet levels 1..5
  Rgb level_colour(unsigned level_number) const;
};
const Palette& palette(Theme theme);

}  // namespace dendrokv
