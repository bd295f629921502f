#include "plot/colormap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>

#include "data/error.h"

namespace dendrokv {
namespace {

/// CIE 1976 lightness, 0 to 100.
double lightness(Rgb colour) {
  const double y = relative_luminance(colour);
  return y > 216.0 / 24389 ? 116 * std::cbrt(y) - 16 : y * 24389.0 / 27;
}

int largest_difference(Rgb one, Rgb other) {
  return std::max({std::abs(one.red - other.red), std::abs(one.green - other.green),
                   std::abs(one.blue - other.blue)});
}

class EveryMap : public ::testing::TestWithParam<ColourMap> {};

TEST_P(EveryMap, RisesInLightness) {
  const ColourMap map = GetParam();
  ASSERT_EQ(map.table.size(), 256u);
  double highest = -1;
  for (const Rgb colour : map.table) {
    // Rounding to 8 bits moves lightness by at most about 0.35 at the dark end.
    EXPECT_GE(lightness(colour), highest - 0.35) << map.name;
    highest = std::max(highest, lightness(colour));
  }
  for (size_t i = 16; i < 256; i += 16)
    EXPECT_GT(lightness(map.table[i]), lightness(map.table[i - 16]) + 1) << map.name;
}

TEST_P(EveryMap, ClampsFractions) {
  const ColourMap map = GetParam();
  EXPECT_EQ(map.at(-1), map.table.front());
  EXPECT_EQ(map.at(0), map.table.front());
  EXPECT_EQ(map.at(1), map.table.back());
  EXPECT_EQ(map.at(9), map.table.back());
}

INSTANTIATE_TEST_SUITE_P(ColourMaps, EveryMap,
                         ::testing::ValuesIn(colour_maps().begin(), colour_maps().end()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(ColourMaps, MeetThePublishedColours) {
  // Ten evenly spaced colours as published; 8 = 3 % of full scale, the largest error of the fits.
  const std::array<Rgb, 10> viridis = {{{0x44, 0x01, 0x54},
                                        {0x48, 0x28, 0x78},
                                        {0x3e, 0x4a, 0x89},
                                        {0x31, 0x68, 0x8e},
                                        {0x26, 0x82, 0x8e},
                                        {0x1f, 0x9e, 0x89},
                                        {0x35, 0xb7, 0x79},
                                        {0x6d, 0xcd, 0x59},
                                        {0xb4, 0xde, 0x2c},
                                        {0xfd, 0xe7, 0x25}}};
  const std::array<Rgb, 10> inferno = {{{0x00, 0x00, 0x04},
                                        {0x1b, 0x0c, 0x42},
                                        {0x4b, 0x0c, 0x6b},
                                        {0x78, 0x1c, 0x6d},
                                        {0xa5, 0x2c, 0x60},
                                        {0xcf, 0x44, 0x46},
                                        {0xed, 0x69, 0x25},
                                        {0xfb, 0x9a, 0x06},
                                        {0xf7, 0xd0, 0x3c},
                                        {0xfc, 0xff, 0xa4}}};
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_LE(largest_difference(colour_map("viridis").at(static_cast<double>(i) / 9), viridis[i]),
              8)
        << i;
    EXPECT_LE(largest_difference(colour_map("inferno").at(static_cast<double>(i) / 9), inferno[i]),
              8)
        << i;
  }
}

TEST(ColourMaps, AnUnknownNameListsNearOnes) {
  try {
    colour_map("viridsi");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("viridis"), std::string::npos) << error.what();
  }
}

TEST(Contrast, ClosedForms) {
  EXPECT_NEAR(contrast_ratio({0, 0, 0}, {255, 255, 255}), 21, 1e-12);
  EXPECT_NEAR(contrast_ratio({10, 200, 30}, {10, 200, 30}), 1, 1e-12);
  EXPECT_EQ(ink_on({255, 255, 255}), (Rgb{0, 0, 0}));
  EXPECT_EQ(ink_on({10, 10, 60}), (Rgb{255, 255, 255}));
  EXPECT_EQ(to_hex({0x1c, 0x25, 0x30}), "#1c2530");
}

class EveryTheme : public ::testing::TestWithParam<Theme> {};

// 4.5 is what WCAG 2 asks of body text.
TEST_P(EveryTheme, TextIsReadable) {
  const Palette& colours = palette(GetParam());
  EXPECT_GE(contrast_ratio(colours.ink, colours.panel), 7);
  EXPECT_GE(contrast_ratio(colours.secondary, colours.panel), 4.5);
  EXPECT_GE(contrast_ratio(colours.secondary, colours.ground), 4.5);
  EXPECT_GE(contrast_ratio(colours.evicted_ink, colours.panel), 4.5);
  for (const Rgb ground : colours.level)
    EXPECT_GE(contrast_ratio(ink_on(ground), ground), 4.5) << to_hex(ground);
  EXPECT_GE(contrast_ratio(ink_on(colours.sink), colours.sink), 4.5);
  EXPECT_GE(contrast_ratio(ink_on(colours.recent), colours.recent), 4.5);
}

// 3 is what WCAG 2 asks of lines and marks that carry meaning.
TEST_P(EveryTheme, MarksAreVisible) {
  const Palette& colours = palette(GetParam());
  EXPECT_GE(contrast_ratio(colours.accent, colours.panel), 3);
  for (const Rgb band : colours.band)
    EXPECT_GE(contrast_ratio(band, colours.panel), 3) << to_hex(band);
}

TEST_P(EveryTheme, LevelsGoOneWayInLightness) {
  const Palette& colours = palette(GetParam());
  const double direction = is_dark_on_light(GetParam()) ? -1 : 1;
  for (size_t i = 1; i < colours.level.size(); ++i)
    EXPECT_GE(direction * (lightness(colours.level[i]) - lightness(colours.level[i - 1])), 2.5)
        << i;
  EXPECT_EQ(colours.level_colour(3), colours.level[3]);
  EXPECT_EQ(colours.level_colour(100), colours.level[8]);
}

INSTANTIATE_TEST_SUITE_P(Themes, EveryTheme,
                         ::testing::ValuesIn(all_themes().begin(), all_themes().end()),
                         [](const auto& test) {
                           std::string name(theme_name(test.param));
                           std::erase(name, '-');
                           return name;
                         });

// 7 is what WCAG 2 calls enhanced contrast.
TEST(Themes, HighContrastIsWhatItSays) {
  const Palette& colours = palette(Theme::HighContrast);
  for (const Rgb ink : {colours.ink, colours.secondary, colours.evicted_ink, colours.accent})
    EXPECT_GE(contrast_ratio(ink, colours.panel), 7) << to_hex(ink);
}

/// Linear light as people without one kind of cone see it: Machado, Oliveira and Fernandes 2009,
/// severity 1.
using Simulation = std::array<std::array<double, 3>, 3>;
constexpr std::array<Simulation, 3> kSimulations = {{
    {{{0.152286, 1.052583, -0.204868},
      {0.114503, 0.786281, 0.099216},
      {-0.003882, -0.048116, 1.051998}}},
    {{{0.367322, 0.860646, -0.227968},
      {0.280085, 0.672501, 0.047413},
      {-0.011820, 0.042940, 0.968881}}},
    {{{1.255528, -0.076749, -0.178779},
      {-0.078411, 0.930809, 0.147602},
      {0.004733, 0.691367, 0.303900}}},
}};

std::array<double, 3> times(const Simulation& matrix, const std::array<double, 3>& vector) {
  std::array<double, 3> product{};
  for (size_t row = 0; row < 3; ++row)
    for (size_t k = 0; k < 3; ++k) product[row] += matrix[row][k] * vector[k];
  return product;
}

/// CIE 1976 L*a*b* of a colour as it is seen, D65.
std::array<double, 3> seen_lab(Rgb colour, const Simulation& simulation) {
  const auto linear = [](uint8_t byte) {
    const double value = byte / 255.0;
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  std::array<double, 3> light =
      times(simulation, {linear(colour.red), linear(colour.green), linear(colour.blue)});
  for (double& channel : light) channel = std::clamp(channel, 0.0, 1.0);
  constexpr Simulation kToXyz = {{{0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047},
                                  {0.2126729, 0.7151522, 0.0721750},
                                  {0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883}}};
  std::array<double, 3> f = times(kToXyz, light);
  for (double& value : f)
    value = value > 216.0 / 24389 ? std::cbrt(value) : (24389.0 / 27 * value + 16) / 116;
  return {116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])};
}

// The colours that tell two runs apart in a comparison, beside each other and beside what both
// keep. 20 is some eight times a just noticeable difference; each has a pattern as well.
TEST_P(EveryTheme, DifferencesAreSeenByColourBlindPeople) {
  const Palette& colours = palette(GetParam());
  const Rgb first = colours.band[0], second = colours.band[3];
  const std::pair<Rgb, Rgb> pairs[] = {{first, second},          {first, colours.recent},
                                       {second, colours.recent}, {first, colours.panel},
                                       {second, colours.panel},  {colours.sink, colours.recent}};
  for (const Simulation& simulation : kSimulations)
    for (const auto& [one, other] : pairs) {
      const std::array<double, 3> a = seen_lab(one, simulation), b = seen_lab(other, simulation);
      EXPECT_GE(std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]), 20)
          << to_hex(one) << " " << to_hex(other);
    }
}

TEST(Themes, NamesAreReadBack) {
  for (const Theme theme : all_themes()) EXPECT_EQ(theme_named(theme_name(theme)), theme);
  EXPECT_THROW(theme_named("drak"), Error);
}

TEST(ColourMaps, WhatIsNoNumberHasTheFirstColour) {
  for (const ColourMap& map : colour_maps()) EXPECT_EQ(map.at(std::nan("")), map.table.front());
}

}  // namespace
}  // namespace dendrokv
