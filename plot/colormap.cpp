#include "plot/colormap.h"

// Sequential maps of 256 colours. Viridis and inferno are polynomials of degree six per channel,
// fitted to the published tables (within 2 % of full scale); cividis is linear between ten of its
// published colours; grey rises evenly in CIE lightness. All rise in lightness from end to end, so
// they survive grey print and every kind of colour blindness.

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kColours = 256;
using Table = std::array<Rgb, kColours>;

struct Triple {
  double red, green, blue;
};
/// Coefficients of 1, t, t^2, ..., t^6.
using Polynomial = std::array<Triple, 7>;

constexpr Polynomial kViridis = {{
    {0.2777273272234177, 0.005407344544966578, 0.3340998053353061},
    {0.1050930431085774, 1.404613529898575, 1.384590162594685},
    {-0.3308618287255563, 0.214847559468213, 0.09509516302823659},
    {-4.634230498983486, -5.799100973351585, -19.33244095627987},
    {6.228269936347081, 14.17993336680509, 56.69055260068105},
    {4.776384997670288, -13.74514537774601, -65.35303263337234},
    {-5.435455855934631, 4.645852612178535, 26.3124352495832},
}};
constexpr Polynomial kInferno = {{
    {0.0002189403691192265, 0.001651004631001012, -0.01948089843709184},
    {0.1065134194856116, 0.5639564367884091, 3.932712388889277},
    {11.60249308247187, -3.972853965665698, -15.9423941062914},
    {-41.70399613139459, 17.43639888205313, 44.35414519872813},
    {77.162935699427, -33.40235894210092, -81.80730925738993},
    {-71.31942824499214, 32.62606426397723, 73.20951985803202},
    {25.13112622477341, -12.24266895238567, -23.07032500287172},
}};
constexpr std::array<Rgb, 10> kCividis = {{{0x00, 0x20, 0x4d},
                                           {0x00, 0x33, 0x6f},
                                           {0x39, 0x48, 0x6b},
                                           {0x57, 0x5c, 0x6d},
                                           {0x70, 0x71, 0x73},
                                           {0x8a, 0x87, 0x79},
                                           {0xa6, 0x9d, 0x75},
                                           {0xc4, 0xb5, 0x6c},
                                           {0xe4, 0xcf, 0x5b},
                                           {0xff, 0xea, 0x46}}};

constexpr uint8_t to_byte(double fraction) {
  return static_cast<uint8_t>(std::clamp(fraction, 0.0, 1.0) * 255 + 0.5);
}

constexpr double fraction_of(size_t index) {
  return static_cast<double>(index) / (kColours - 1);
}

constexpr Table from_polynomial(const Polynomial& polynomial) {
  Table table;
  for (size_t i = 0; i < kColours; ++i) {
    Triple sum{0, 0, 0};
    for (size_t k = polynomial.size(); k-- > 0;) {
      const double t = fraction_of(i);
      sum = {sum.red * t + polynomial[k].red, sum.green * t + polynomial[k].green,
             sum.blue * t + polynomial[k].blue};
    }
    table[i] = {to_byte(sum.red), to_byte(sum.green), to_byte(sum.blue)};
  }
  return table;
}

constexpr uint8_t between(uint8_t first, uint8_t second, double fraction) {
  return to_byte((first + (second - first) * fraction) / 255);
}

constexpr Table from_anchors(std::span<const Rgb> anchors) {
  Table table;
  for (size_t i = 0; i < kColours; ++i) {
    const double place = fraction_of(i) * static_cast<double>(anchors.size() - 1);
    const size_t left = std::min(static_cast<size_t>(place), anchors.size() - 2);
    const double fraction = place - static_cast<double>(left);
    const Rgb first = anchors[left], second = anchors[left + 1];
    table[i] = {between(first.red, second.red, fraction),
                between(first.green, second.green, fraction),
                between(first.blue, second.blue, fraction)};
  }
  return table;
}

/// sRGB value of linear light, IEC 61966-2-1.
double encode_srgb(double linear) {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

double decode_srgb(uint8_t byte) {
  const double value = byte / 255.0;
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

Table even_grey() {
  Table table;
  for (size_t i = 0; i < kColours; ++i) {
    const double f = (100 * fraction_of(i) + 16) / 116;  // CIE L* = 100 * fraction
    const double luminance =
        f > 6.0 / 29 ? f * f * f : 3 * (6.0 / 29) * (6.0 / 29) * (f - 4.0 / 29);
    const uint8_t byte = to_byte(encode_srgb(luminance));
    table[i] = {byte, byte, byte};
  }
  return table;
}

constexpr Table kViridisTable = from_polynomial(kViridis);
constexpr Table kInfernoTable = from_polynomial(kInferno);
constexpr Table kCividisTable = from_anchors(kCividis);

constexpr Rgb hex(uint32_t code) {
  return {static_cast<uint8_t>(code >> 16), static_cast<uint8_t>(code >> 8 & 0xff),
          static_cast<uint8_t>(code & 0xff)};
}

constexpr Palette kLight = {
    .ground = hex(0xf4f6f8),
    .panel = hex(0xffffff),
    .ink = hex(0x1c2530),
    .secondary = hex(0x5b6776),
    .rule = hex(0xe1e6ec),
    .accent = hex(0xe0562d),
    .evicted_ink = hex(0x6b7684),
    .sink = hex(0xe0962d),
    .recent = hex(0xc8ced8),
    .absent = hex(0xf0f2f5),
    .level = {hex(0xdfe7ee), hex(0xc9e4d3), hex(0x9fd4b9), hex(0x67bfa5), hex(0x349f98),
              hex(0x1d7f8c), hex(0x175f7c), hex(0x154467), hex(0x132b50)},
    .band = {hex(0xc2410c), hex(0xb7791f), hex(0x2f855a), hex(0x2b6cb0), hex(0x553c9a)},
};

constexpr Palette kDark = {
    .ground = hex(0x10141a),
    .panel = hex(0x191f27),
    .ink = hex(0xe8edf3),
    .secondary = hex(0xa3afbd),
    .rule = hex(0x2c3540),
    .accent = hex(0xff8057),
    .evicted_ink = hex(0x8b97a5),
    .sink = hex(0xe0962d),
    .recent = hex(0x475362),
    .absent = hex(0x1f262f),
    .level = {hex(0x2b3a4a), hex(0x234b5c), hex(0x1f616b), hex(0x237876), hex(0x36907f),
              hex(0x57a888), hex(0x83c094), hex(0xb3d8a6), hex(0xe6f0c4)},
    .band = {hex(0xf97a4b), hex(0xe6b04d), hex(0x5fc08d), hex(0x68a9f0), hex(0xa791ee)},
};

constexpr Palette kHighContrast = {
    .ground = hex(0x000000),
    .panel = hex(0x000000),
    .ink = hex(0xffffff),
    .secondary = hex(0xd7dee6),
    .rule = hex(0x8b97a5),
    .accent = hex(0xffd400),
    .evicted_ink = hex(0xb9c3ce),
    .sink = hex(0xff9d2e),
    .recent = hex(0x5d6b7b),
    .absent = hex(0x1b2129),
    .level = {hex(0x22364a), hex(0x1d4a63), hex(0x1a6274), hex(0x1f7d80), hex(0x2f9a88),
              hex(0x58b78e), hex(0x8ed39b), hex(0xc3ebb2), hex(0xf6ffd8)},
    .band = {hex(0xff8a5c), hex(0xffc84d), hex(0x66e0a0), hex(0x7cc0ff), hex(0xc4b0ff)},
};

constexpr Palette kPrint = {
    .ground = hex(0xffffff),
    .panel = hex(0xffffff),
    .ink = hex(0x000000),
    .secondary = hex(0x40474f),
    .rule = hex(0xc4c9cf),
    .accent = hex(0xb3261e),
    .evicted_ink = hex(0x59616a),
    .sink = hex(0xf0b35a),
    .recent = hex(0xd9dde2),
    .absent = hex(0xf4f5f6),
    .level = {hex(0xe9eef2), hex(0xcfe3d8), hex(0xabd3c0), hex(0x7dbcab), hex(0x4f9f9a),
              hex(0x2f7f88), hex(0x1f5f75), hex(0x16415d), hex(0x0d223f)},
    .band = {hex(0xa3360a), hex(0x8f5c10), hex(0x22693f), hex(0x1f5591), hex(0x432f7d)},
};

}  // namespace

std::string to_hex(Rgb colour) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "#";
  for (const uint8_t byte : {colour.red, colour.green, colour.blue}) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

double relative_luminance(Rgb colour) {
  return 0.2126 * decode_srgb(colour.red) + 0.7152 * decode_srgb(colour.green) +
         0.0722 * decode_srgb(colour.blue);
}

double contrast_ratio(Rgb first, Rgb second) {
  const double one = relative_luminance(first), other = relative_luminance(second);
  return (std::max(one, other) + 0.05) / (std::min(one, other) + 0.05);
}

Rgb ink_on(Rgb ground) {
  constexpr Rgb kBlack{0, 0, 0}, kWhite{255, 255, 255};
  return contrast_ratio(ground, kBlack) >= contrast_ratio(ground, kWhite) ? kBlack : kWhite;
}

Rgb ColourMap::at(double fraction) const {
  const double place =
      fraction > 0 ? std::min(fraction, 1.0) * static_cast<double>(table.size() - 1) : 0;
  return table[static_cast<size_t>(place + 0.5)];
}

std::span<const ColourMap> colour_maps() {
  static const Table grey = even_grey();
  static const std::array<ColourMap, 4> maps = {{{"viridis", kViridisTable},
                                                 {"cividis", kCividisTable},
                                                 {"inferno", kInfernoTable},
                                                 {"grey", grey}}};
  return maps;
}

const ColourMap& colour_map(std::string_view name) {
  const std::span<const ColourMap> maps = colour_maps();
  const auto found = std::find_if(maps.begin(), maps.end(),
                                  [name](const ColourMap& map) { return map.name == name; });
  if (found != maps.end()) return *found;
  std::vector<std::string_view> names;
  for (const ColourMap& map : maps) names.push_back(map.name);
  fail("colour map", "\"" + std::string(name) + "\" is not known", "wanted a name from the table",
       did_you_mean(name, names));
}

Rgb Palette::level_colour(unsigned level_number) const {
  return level[std::min<size_t>(level_number, level.size() - 1)];
}

std::span<const Theme> all_themes() {
  static constexpr std::array<Theme, 4> kThemes = {Theme::Light, Theme::Dark, Theme::HighContrast,
                                                   Theme::Print};
  return kThemes;
}

std::string_view theme_name(Theme theme) {
  constexpr std::array<std::string_view, 4> kNames = {"light", "dark", "high-contrast", "print"};
  return kNames[static_cast<size_t>(theme)];
}

Theme theme_named(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Theme theme : all_themes()) {
    if (theme_name(theme) == name) return theme;
    names.push_back(theme_name(theme));
  }
  fail("theme", "\"" + std::string(name) + "\"", "wanted light, dark, high-contrast or print",
       did_you_mean(name, names));
}

bool is_dark_on_light(Theme theme) {
  return theme == Theme::Light || theme == Theme::Print;
}

const Palette& palette(Theme theme) {
  switch (theme) {
    case Theme::Light:
      return kLight;
    case Theme::Dark:
      return kDark;
    case Theme::HighContrast:
      return kHighContrast;
    case Theme::Print:
      return kPrint;
  }
  return kLight;
}

}  // namespace dendrokv
