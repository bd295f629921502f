#include "gui/paint.h"

#include <gtest/gtest.h>

#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

constexpr Theme kThemes[] = {Theme::Light, Theme::Dark};

TokenState tree(uint16_t level) {
  return {Place::Tree, level};
}

TEST(Contrast, TextOnEveryGroundOfAKeptToken) {
  for (const Theme theme : kThemes) {
    const Palette& colours = palette(theme);
    std::vector<TokenState> states = {{Place::Sink, 0}, {Place::Recent, 0}};
    for (uint16_t level = 0; level < 12; ++level) states.push_back(tree(level));
    for (const TokenState& state : states) {
      const Rgb ground = state_colour(colours, state);
      EXPECT_GE(contrast_ratio(ink_on(ground), ground), 4.5)
          << place_mark(state) << " on " << to_hex(ground);
    }
    for (int i = 0; i <= 100; ++i) {
      const Rgb ground = fraction_colour(colours, i / 100.0);
      EXPECT_GE(contrast_ratio(ink_on(ground), ground), 4.5) << i << " % " << to_hex(ground);
    }
  }
}

TEST(Contrast, WordsOnThePanel) {
  for (const Theme theme : kThemes) {
    const Palette& colours = palette(theme);
    for (const Rgb ink : {colours.ink, colours.secondary, colours.evicted_ink})
      EXPECT_GE(contrast_ratio(ink, colours.panel), 4.5) << to_hex(ink);
    EXPECT_GE(contrast_ratio(Style{theme}.future_ink(), colours.panel), 3.0);
    EXPECT_GE(contrast_ratio(colours.accent, colours.panel), 3.0) << "outlines";
  }
}

TEST(LevelColours, LightnessIsMonotone) {
  for (const Theme theme : kThemes) {
    const Palette& colours = palette(theme);
    for (unsigned level = 1; level < 9; ++level) {
      const double before = relative_luminance(colours.level_colour(level - 1));
      const double now = relative_luminance(colours.level_colour(level));
      if (theme == Theme::Light) {
        EXPECT_LT(now, before) << level;
      } else {
        EXPECT_GT(now, before) << level;
      }
    }
    EXPECT_EQ(colours.level_colour(40), colours.level_colour(8));
  }
}

TEST(StateColour, EvictedAndUnreadTokensLieOnThePanel) {
  for (const Theme theme : kThemes) {
    const Palette& colours = palette(theme);
    EXPECT_EQ(state_colour(colours, {Place::Evicted, 3}), colours.panel);
    EXPECT_EQ(state_colour(colours, {Place::NotYet, 0}), colours.panel);
    for (uint16_t level = 0; level < 9; ++level)
      EXPECT_NE(state_colour(colours, tree(level)), colours.panel) << level;
  }
}

TEST(FractionColour, RunsThroughTheLevels) {
  const Palette& colours = palette(Theme::Light);
  EXPECT_EQ(fraction_colour(colours, 0), colours.level[0]);
  EXPECT_EQ(fraction_colour(colours, 0.5), colours.level[4]);
  EXPECT_EQ(fraction_colour(colours, 1), colours.level[8]);
  EXPECT_EQ(fraction_colour(colours, 7), colours.level[8]);
}

TEST(Mix, IsBetween) {
  EXPECT_EQ(mix({0, 100, 200}, {100, 0, 200}, 0), (Rgb{0, 100, 200}));
  EXPECT_EQ(mix({0, 100, 200}, {100, 0, 200}, 1), (Rgb{100, 0, 200}));
  EXPECT_EQ(mix({0, 100, 200}, {100, 0, 200}, 0.5), (Rgb{50, 50, 200}));
}

TEST(Grouped, ThinSpacesFromTenThousandOn) {
  EXPECT_EQ(grouped(9999).toStdString(), "9999");
  EXPECT_EQ(grouped(10000).toStdString(), "10\u202f000");
  EXPECT_EQ(grouped(1234567).toStdString(), "1\u202f234\u202f567");
}

TEST(ClippedText, SaysWhatLiesOutside) {
  EXPECT_EQ(clipped_text({}).toStdString(), "");
  ValueScale scale;
  scale.clipped_above = 0.021;
  scale.clipped_below = 0.003;
  EXPECT_EQ(clipped_text(scale).toStdString(), "2.1 % above, 0.3 % below");
  scale.clipped_below = 0.0001;
  EXPECT_EQ(clipped_text(scale).toStdString(), "2.1 % above");
}

TEST(PaintSwatch, HasTheColourOfTheState) {
  const Palette& colours = palette(Theme::Light);
  for (const TokenState& state : {tree(3), TokenState{Place::Sink, 0}}) {
    QImage image(30, 20, QImage::Format_RGB32);
    image.fill(to_qt(colours.panel));
    QPainter painter(&image);
    paint_swatch(painter, {4, 3, 22, 14}, colours, state);
    painter.end();
    EXPECT_EQ(testing::pixel(image, {8, 10}), state_colour(colours, state));
    EXPECT_EQ(testing::pixel(image, {1, 1}), colours.panel);
    EXPECT_GT(testing::colours_in(image), 3) << "the mark";
  }
}

TEST(PaintColourBar, GoesFromTheLowToTheHighEndOfTheMap) {
  const Palette& colours = palette(Theme::Light);
  const ColourMap& map = colour_map("viridis");
  const ValueScale scale{.shape = ScaleShape::Linear, .low = 0, .high = 1};
  QImage image(240, 40, QImage::Format_RGB32);
  image.fill(Qt::white);
  QPainter painter(&image);
  paint_colour_bar(painter, {20, 4, 200, 8}, map, scale, colours, QStringLiteral("%"));
  painter.end();
  const auto near = [](Rgb first, Rgb second) {
    return std::abs(first.red - second.red) + std::abs(first.green - second.green) +
               std::abs(first.blue - second.blue) <=
           12;
  };
  EXPECT_TRUE(near(testing::pixel(image, {24, 8}), map.at(0.02)));
  EXPECT_TRUE(near(testing::pixel(image, {120, 8}), map.at(0.5)));
  EXPECT_TRUE(near(testing::pixel(image, {215, 8}), map.at(0.98)));
}

TEST(Hatch, StaysInsideItsArea) {
  QImage image(60, 60, QImage::Format_RGB32);
  image.fill(Qt::white);
  QPainter painter(&image);
  hatch(painter, {10, 10, 40, 40}, Qt::black);
  hatch(painter, {0, 0, 0, 40}, Qt::black);
  painter.end();
  int inside = 0;
  for (int y = 0; y < 60; ++y)
    for (int x = 0; x < 60; ++x) {
      const bool drawn = image.pixel(x, y) != qRgb(255, 255, 255);
      const bool in = x >= 10 && x < 50 && y >= 10 && y < 50;
      ASSERT_FALSE(drawn && !in) << x << " " << y;
      inside += drawn;
    }
  EXPECT_GT(inside, 200);
}

}  // namespace
}  // namespace dendrokv
