#include "gui/text_view.h"

#include <gtest/gtest.h>
#include <map>

#include "gui/paint.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

testing::WindowSetUp text_only() {
  testing::WindowSetUp set_up;
  set_up.options.view = "text";
  set_up.options.width = 1000;
  set_up.options.height = 600;
  return set_up;
}

constexpr int kLine = 28, kMiddle = 10;  // of the layout: height of a line, middle of its grounds

/// Where each token answers, probed along the middle of the lines: [left, right] pixels and y.
struct Spot {
  int left, right, y;
  QPointF centre() const { return {(left + right) / 2.0, y + 0.5}; }
  QRect box(int inset) const { return {QPoint(left + inset, y - 7), QPoint(right - inset, y + 7)}; }
};
std::map<uint32_t, Spot> places_by_token(OpenedWindow& opened) {
  std::map<uint32_t, Spot> places;
  const View& view = opened.view("text");
  for (int y = View::kHeader + kMiddle; y < view.height(); y += kLine)
    for (int x = 0; x < view.width(); x += 2)
      if (const auto position = view.position_at(QPointF(x + 0.5, y + 0.5))) {
        const auto place = places.try_emplace(position->value, Spot{x, x, y}).first;
        place->second.right = x;
      }
  return places;
}

int pixels_of(const QImage& picture, const QRect& part, Rgb colour) {
  return testing::count_pixels(picture, part, [colour](Rgb pixel) { return pixel == colour; });
}

TEST(TextView, EveryTokenInSightIsFoundByPosition) {
  OpenedWindow opened(text_only());
  const auto places = places_by_token(opened);
  EXPECT_EQ(places.size(), 96u);
}

TEST(TextView, GroundsAreTheColoursOfTheStates) {
  OpenedWindow opened(text_only());
  for (const Theme theme : {Theme::Light, Theme::Dark}) {
    opened.window().set_theme(theme);
    for (const uint32_t step : {40u, 95u}) {
      opened.change([step](Selection& wanted) {
        wanted.step = Step(step);
        wanted.position.reset();
      });
      const auto places = places_by_token(opened);
      const QImage picture = opened.picture("text");
      const Selection& now = opened.now();
      const std::vector<TokenState> states =
          token_states(opened.run(), now.layer, now.lane, now.step);
      const Palette& colours = opened.colours();
      int kept = 0, gone = 0;
      for (const auto& [p, place] : places) {
        const TokenState& state = states[p];
        if (state.kept()) {
          EXPECT_GT(pixels_of(picture, place.box(0), state_colour(colours, state)), 3)
              << "token " << p << " step " << step;
          ++kept;
        } else {
          // Its neighbours' grounds reach a pixel or two beyond their own text.
          if (place.right - place.left > 10) {
            EXPECT_GT(pixels_of(picture, place.box(4), colours.panel), 20) << "token " << p;
            for (const Rgb level : colours.level)
              EXPECT_EQ(pixels_of(picture, place.box(4), level), 0) << "token " << p;
          }
          ++gone;
        }
      }
      EXPECT_EQ(kept, 24);
      EXPECT_GT(gone, 50);
    }
  }
}

TEST(TextView, MeansShowTheFractionThatKeeps) {
  OpenedWindow opened(text_only());
  opened.change([](Selection& wanted) {
    wanted.scope = LaneScope::AllMean;
    wanted.position.reset();
  });
  const auto places = places_by_token(opened);
  const QImage picture = opened.picture("text");
  const std::vector<float> fraction =
      kept_fraction(opened.run(), all_lanes(opened.run()), opened.now().step);
  int some = 0;
  for (const auto& [p, place] : places) {
    if (fraction[p] == 0) continue;
    ++some;
    EXPECT_GT(
        pixels_of(picture, place.box(0), fraction_colour(opened.colours(), double{fraction[p]})), 6)
        << "token " << p;
  }
  EXPECT_GT(some, 24);
}

TEST(TextView, AClickKeepsATokenAndAnotherLetsItGo) {
  OpenedWindow opened(text_only());
  const auto places = places_by_token(opened);
  const QPointF place = places.at(30).centre();
  opened.click("text", place);
  EXPECT_EQ(opened.now().position, Position(30));
  opened.click("text", place);
  EXPECT_EQ(opened.now().position, std::nullopt);
  opened.move_to("text", place);
  EXPECT_EQ(opened.now().hover, Position(30));
  EXPECT_NE(opened.view("text").describe(place).indexOf(QStringLiteral("position 30")), -1);
  opened.leave("text");
  EXPECT_EQ(opened.now().hover, std::nullopt);
}

TEST(TextView, WhereNoTokenIsNothingIsSelected) {
  OpenedWindow opened(text_only());
  const View& view = opened.view("text");
  EXPECT_EQ(view.position_at({5, 5}), std::nullopt);
  EXPECT_EQ(view.position_at({view.width() - 20.0, view.height() - 12.0}), std::nullopt);
  EXPECT_EQ(view.position_at({-3, 1e6}), std::nullopt);
}

TEST(TextView, ALineThatIsNotPaintedCannotBeClicked) {
  testing::WindowSetUp set_up = text_only();
  set_up.trace.tokens = 400;
  set_up.options.height = 551;
  OpenedWindow opened(set_up);
  const QImage picture = opened.picture("text");
  const View& view = opened.view("text");
  for (int y = View::kHeader; y < view.height(); y += 2) {
    const auto position = view.position_at({60.5, y + 0.5});
    if (!position) continue;
    int inked = 0;
    for (int x = 20; x < 200; ++x)
      for (int row = std::max(0, y - 14); row < std::min(view.height() - 4, y + 14); ++row)
        inked += testing::pixel(picture, {x, row}) != opened.colours().panel;
    EXPECT_GT(inked, 20) << "token " << position->value << " at " << y;
  }
}

TEST(TextView, ATokenChosenElsewhereComesIntoSightAndResizingKeepsThePlace) {
  testing::WindowSetUp set_up = text_only();
  set_up.trace.tokens = 1500;
  set_up.policies = {};
  set_up.trace.layers = 1;
  set_up.trace.heads = set_up.trace.kv_heads = 1;
  OpenedWindow opened(set_up);
  opened.change([](Selection& wanted) { wanted.position = Position(1400); });
  EXPECT_TRUE(places_by_token(opened).contains(1400));
  opened.change([](Selection& wanted) { wanted.position = Position(3); });
  EXPECT_TRUE(places_by_token(opened).contains(3));
  opened.wheel("text", {200, 200}, -8);
  const uint32_t top = places_by_token(opened).begin()->first;
  EXPECT_GT(top, 100u);
  opened.window().resize(1100, 640);
  testing::settle(opened.window());
  const auto after = places_by_token(opened);
  EXPECT_TRUE(after.contains(top)) << "the first token in sight stays in sight";
  EXPECT_LT(top - after.begin()->first, 60u);
}

TEST(TextView, OddTextIsLaidOutAndPainted) {
  testing::WindowSetUp set_up = text_only();
  set_up.trace.text =
      "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d tide \xf0\x9f\x8c\x8a\t\x01 caf\xc3\xa9\n\n\xe6\xbd\xae";
  OpenedWindow opened(set_up);
  EXPECT_GT(testing::colours_in(opened.picture("text")), 20);
  // The pieces are single bytes here: they show as hex, and each can be pointed at.
  EXPECT_GT(places_by_token(opened).size(), 60u);
}

TEST(TextView, AMarkedRangeIsTintedAtEverySize) {
  OpenedWindow opened;
  auto& text = dynamic_cast<TextView&>(opened.view("text"));
  for (size_t size = 0; size < TextView::size_count(); ++size) {
    text.set_size(size);
    opened.change([](Selection& wanted) { wanted.range.reset(); });
    const QImage plain = opened.picture("text");
    const IndexRange sight = text.in_sight();
    const PositionRange range{Position(sight.first), Position(sight.first + sight.count / 2)};
    opened.change([&](Selection& wanted) { wanted.range = range; });
    const QImage marked = opened.picture("text");
    int changed = 0;
    for (int y = View::kHeader; y < plain.height(); ++y)
      for (int x = 0; x < plain.width(); ++x) changed += plain.pixel(x, y) != marked.pixel(x, y);
    EXPECT_GT(changed, 40) << size;
  }
}

}  // namespace
}  // namespace dendrokv
