// Pictures of the canvases, compared with those of tests/data/canvases: the plots alone, without
// text, so that fonts do not matter. After a change that is meant, scripts/update-canvases writes
// them anew.

#include <QDir>
#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>

#include "gui/retention_view.h"
#include "gui/text_view.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

/// Share of pixels that differ by more than a shade in any channel.
double share_that_differs(const QImage& one, const QImage& other) {
  int count = 0;
  for (int y = 0; y < one.height(); ++y)
    for (int x = 0; x < one.width(); ++x) {
      const QRgb a = one.pixel(x, y), b = other.pixel(x, y);
      const int most = std::max({std::abs(qRed(a) - qRed(b)), std::abs(qGreen(a) - qGreen(b)),
                                 std::abs(qBlue(a) - qBlue(b))});
      count += most > 12;
    }
  return static_cast<double>(count) / (one.width() * one.height());
}

void expect_golden(const QImage& picture, const std::string& name) {
  const std::filesystem::path path = testing::data_file("canvases") / (name + ".png");
  const QString file = QString::fromStdString(path.string());
  if (std::getenv("DENDROKV_UPDATE_CANVASES")) {
    QDir().mkpath(QString::fromStdString(path.parent_path().string()));
    ASSERT_TRUE(picture.save(file));
    return;
  }
  QImage wanted;
  ASSERT_TRUE(wanted.load(file)) << path << ": run scripts/update-canvases";
  ASSERT_EQ(wanted.size(), picture.size()) << name;
  // Lines are anti-aliased a little differently from one version of Qt to the next.
  EXPECT_LT(share_that_differs(picture, wanted), 0.01) << name;
}

QImage plot_of(OpenedWindow& opened, const char* name) {
  return opened.picture(name).copy(
      opened.position_view(name).plot().toAlignedRect().adjusted(2, 2, -2, -2));
}

testing::WindowSetUp set_up(Theme theme) {
  testing::WindowSetUp made;
  made.trace.tokens = 256;
  made.options.width = 760;
  made.options.height = 420;
  made.options.theme = theme;
  return made;
}

TEST(GoldenCanvases, PlotsOfTheSampleTrace) {
  for (const Theme theme : {Theme::Light, Theme::Dark}) {
    const std::string suffix = theme == Theme::Light ? "-light" : "-dark";
    for (const char* name : {"retention", "contributions", "variability", "scalogram"}) {
      OpenedWindow opened(set_up(theme));
      opened.window().show_only(name);
      testing::settle(opened.window());
      opened.change([](Selection& wanted) { wanted.position.reset(); });
      expect_golden(plot_of(opened, name), name + suffix);
    }
  }
}

TEST(GoldenCanvases, RetentionOverSteps) {
  OpenedWindow opened(set_up(Theme::Light));
  opened.window().show_only("retention");
  dynamic_cast<RetentionView&>(opened.view("retention")).show_rows(RetentionView::Rows::Steps);
  testing::settle(opened.window());
  opened.change([](Selection& wanted) { wanted.position.reset(); });
  expect_golden(plot_of(opened, "retention"), "retention-steps");
}

TEST(GoldenCanvases, TextAsCells) {
  OpenedWindow opened(set_up(Theme::Light));
  opened.window().show_only("text");
  testing::settle(opened.window());
  auto& text = dynamic_cast<TextView&>(opened.view("text"));
  opened.change([](Selection& wanted) { wanted.position.reset(); });
  text.set_size(TextView::size_count() - 5);
  testing::settle(opened.window());
  expect_golden(opened.picture("text").copy(16, View::kHeader, 700, 60), "text-cells");
}

}  // namespace
}  // namespace dendrokv
