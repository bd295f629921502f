#include "gui/tiles.h"

#include <gtest/gtest.h>

namespace dendrokv {
namespace {

QVector<QRgb> grey_table() {
  QVector<QRgb> table;
  for (int code = 0; code < 256; ++code) table << qRgb(code, 255 - code, 7);
  return table;
}

std::shared_ptr<CodeGrid> pattern(size_t rows, size_t columns) {
  auto codes = std::make_shared<CodeGrid>(rows, columns);
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c)
      (*codes)(r, c) = static_cast<uint8_t>((r * 31 + c * 17) % 256);
  return codes;
}

QImage painted(const TileImage& tiles, QSize size, const QRectF& source,
               QPainter::RenderHints hints = {}) {
  QImage image(size, QImage::Format_RGB32);
  image.fill(Qt::white);
  QPainter painter(&image);
  painter.setRenderHints(hints);
  tiles.paint(painter, QRectF(QPointF(0, 0), size), source);
  return image;
}

TEST(TileImage, OneCodeAPixelIsTheTableItself) {
  const auto codes = pattern(300, 520);
  const TileImage tiles(codes, grey_table());
  const QImage image = painted(tiles, {520, 300}, {0, 0, 520, 300});
  for (int y = 0; y < 300; ++y)
    for (int x = 0; x < 520; ++x)
      ASSERT_EQ(image.pixel(x, y),
                grey_table()[(*codes)(static_cast<size_t>(y), static_cast<size_t>(x))])
          << x << " " << y;
}

TEST(TileImage, CellsBecomeBlocksWithSharpEdges) {
  const auto codes = pattern(10, 20);
  const TileImage tiles(codes, grey_table());
  const QImage image = painted(tiles, {100, 50}, {0, 0, 20, 10});
  for (int y = 0; y < 50; ++y)
    for (int x = 0; x < 100; ++x)
      ASSERT_EQ(image.pixel(x, y),
                grey_table()[(*codes)(static_cast<size_t>(y / 5), static_cast<size_t>(x / 5))]);
}

TEST(TileImage, PaintsThePartThatIsAskedForAndNothingBeside) {
  const auto codes = pattern(600, 600);
  const TileImage tiles(codes, grey_table());
  QImage image(120, 90, QImage::Format_RGB32);
  image.fill(Qt::white);
  QPainter painter(&image);
  tiles.paint(painter, QRectF(10, 20, 100, 50), QRectF(400, 300, 100, 50));
  painter.end();
  for (int y = 0; y < 90; ++y)
    for (int x = 0; x < 120; ++x) {
      const bool inside = x >= 10 && x < 110 && y >= 20 && y < 70;
      const QRgb wanted = inside ? grey_table()[(*codes)(static_cast<size_t>(300 + y - 20),
                                                         static_cast<size_t>(400 + x - 10))]
                                 : qRgb(255, 255, 255);
      ASSERT_EQ(image.pixel(x, y), wanted) << x << " " << y;
    }
  EXPECT_EQ(tiles.tiles_made(), 1u) << "rows 256 to 511, columns 256 to 511";
}

TEST(TileImage, NoSeamShowsBetweenTilesAtAnyScale) {
  auto codes = std::make_shared<CodeGrid>(300, 700, uint8_t{90});
  const TileImage tiles(codes, grey_table());
  for (const int width : {333, 701, 933, 1501}) {
    const QImage image = painted(tiles, {width, 217}, {0, 0, 700, 300}, QPainter::Antialiasing);
    for (int y = 0; y < image.height(); ++y)
      for (int x = 0; x < image.width(); ++x)
        ASSERT_EQ(image.pixel(x, y), grey_table()[90]) << width << " at " << x << " " << y;
  }
}

TEST(TileImage, RecolouringKeepsTheTiles) {
  const auto codes = pattern(300, 300);
  TileImage tiles(codes, grey_table());
  painted(tiles, {300, 300}, {0, 0, 300, 300});
  EXPECT_EQ(tiles.tiles_made(), 4u);
  tiles.recolour(QVector<QRgb>(256, qRgb(1, 2, 3)));
  EXPECT_EQ(painted(tiles, {300, 300}, {0, 0, 300, 300}).pixel(280, 10), qRgb(1, 2, 3));
  EXPECT_EQ(tiles.tiles_made(), 4u);
}

TEST(TileImage, NothingToPaintPaintsNothing) {
  for (const TileImage& tiles :
       {TileImage(), TileImage(std::make_shared<CodeGrid>(0, 5), grey_table())}) {
    EXPECT_TRUE(tiles.empty());
    EXPECT_EQ(painted(tiles, {8, 8}, {0, 0, 5, 5}).pixel(3, 3), qRgb(255, 255, 255));
  }
}

}  // namespace
}  // namespace dendrokv
