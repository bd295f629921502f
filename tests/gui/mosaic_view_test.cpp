#include "gui/mosaic_view.h"

#include <cmath>
#include <gtest/gtest.h>

#include "gui/value_scale.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

testing::WindowSetUp long_enough() {
  testing::WindowSetUp set_up;
  set_up.trace.tokens = 130;
  set_up.options.view = "mosaic";
  set_up.options.width = 1000;
  set_up.options.height = 600;
  return set_up;
}

/// The middle of a tile, found by what the view reads out there.
std::optional<QPointF> tile_place(OpenedWindow& opened, uint32_t layer, uint32_t head) {
  const QString wanted = QStringLiteral("%1·%2: ").arg(layer).arg(head);
  QRectF found;
  const View& view = opened.view("mosaic");
  for (int y = 0; y < view.height(); y += 3)
    for (int x = 0; x < view.width(); x += 3)
      if (view.describe(QPointF(x, y)).startsWith(wanted)) found |= QRectF(x, y, 1, 1);
  if (found.isEmpty()) return std::nullopt;
  return found.center();
}

TEST(MosaicView, TilesHaveTheColourOfTheirGrowthAndAClickChoosesTheirLane) {
  OpenedWindow opened(long_enough());
  const MapSnapshot* map = opened.window().document().map();
  ASSERT_TRUE(map);
  const std::span<const float> all = map->growth.all();
  const ValueScale scale = log_scale({all.begin(), all.end()});
  const QImage picture = opened.picture("mosaic");
  for (uint32_t layer = 0; layer < 3; ++layer)
    for (uint32_t head = 0; head < 4; ++head) {
      const std::optional<QPointF> place = tile_place(opened, layer, head);
      ASSERT_TRUE(place) << layer << " " << head;
      const float growth = map->growth(layer, head);
      ASSERT_FALSE(std::isnan(growth));
      EXPECT_EQ(testing::pixel(picture, place->toPoint()),
                colour_map("viridis").at(scale.fraction(double{growth})));
      opened.click("mosaic", *place);
      EXPECT_EQ(opened.now().layer, Layer(layer));
      EXPECT_EQ(opened.now().lane, Lane(head / 2)) << "two query heads to a KV head";
    }
}

TEST(MosaicView, TheFrameIsRoundTheChosenLane) {
  OpenedWindow opened(long_enough());
  opened.change([](Selection& wanted) { wanted.scope = LaneScope::AllMean; });
  EXPECT_LT(testing::count_of(opened.picture("mosaic"), opened.colours().accent), 50);
  opened.change([](Selection& wanted) { wanted.scope = LaneScope::One; });
  EXPECT_GT(testing::count_of(opened.picture("mosaic"), opened.colours().accent), 300);
}

TEST(MosaicView, AShortTextSaysWhyItIsEmpty) {
  testing::WindowSetUp set_up = long_enough();
  set_up.trace.tokens = 40;
  OpenedWindow opened(set_up);
  const QImage picture = opened.picture("mosaic");
  EXPECT_GT(testing::colours_in(picture), 10);
  EXPECT_EQ(testing::count_of(picture.copy(picture.rect().adjusted(9, 9, -9, -9)),
                              opened.colours().absent),
            0);
}

}  // namespace
}  // namespace dendrokv
