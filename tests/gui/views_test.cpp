#include "gui/views.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

TEST(ViewTable, NamesAreUniqueAndFound) {
  for (const ViewRow& row : view_table()) {
    EXPECT_EQ(&view_row(row.name), &row);
    EXPECT_FALSE(row.title.empty());
    EXPECT_FALSE(row.summary.empty());
  }
  EXPECT_THROW(view_row("nothing"), Error);
}

/// Pixels of the panel below its header that are neither its ground nor its frame.
int drawn_pixels(const QImage& picture, const Palette& colours) {
  return testing::count_pixels(picture, picture.rect().adjusted(4, View::kHeader, -4, -4),
                               [&colours](Rgb pixel) { return pixel != colours.panel; });
}

TEST(Views, EveryRowOpensAndPaintsAtThreeSizesInEveryTheme) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) { wanted.others = {0}; });
  for (const ViewRow& row : view_table()) {
    opened.window().show_only(row.name);
    for (const QSize size : {QSize(960, 540), QSize(1280, 720), QSize(1920, 1080)}) {
      opened.window().resize(size);
      for (const Theme theme : all_themes()) {
        opened.window().set_theme(theme);
        testing::settle(opened.window());
        ASSERT_TRUE(opened.view(row.name).isVisible());
        const QImage picture = opened.picture(row.name);
        EXPECT_GT(picture.width(), 900);
        EXPECT_EQ(testing::pixel(picture, {picture.width() / 2, 2}), opened.colours().panel);
        EXPECT_GT(drawn_pixels(picture, opened.colours()), 2000)
            << row.name << " at " << size.width();
        EXPECT_EQ(testing::count_of(picture, {255, 0, 255}), 0) << "every pixel is painted";
      }
    }
    opened.window().show_only(row.name);
  }
}

TEST(Views, TheWindowKeepsTheSizeThatWasAsked) {
  OpenedWindow opened;
  for (const QSize size : {QSize(960, 540), QSize(1280, 720), QSize(3840, 2160)}) {
    opened.window().resize(size);
    testing::settle(opened.window());
    EXPECT_EQ(opened.window().size(), size);
  }
}

TEST(Views, TheSamePictureTwice) {
  OpenedWindow opened;
  for (const ViewRow& row : view_table())
    EXPECT_EQ(opened.picture(row.name), opened.picture(row.name)) << row.name;
}

TEST(Views, HoveringDrawsNoDataAnewButMarksTheTokenEverywhere) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) { wanted.position.reset(); });
  for (const char* name : {"retention", "contributions", "variability"}) {
    const QImage before = opened.picture(name);
    opened.change([](Selection& wanted) { wanted.hover = Position(48); });
    const QImage during = opened.picture(name);
    opened.change([](Selection& wanted) { wanted.hover.reset(); });
    EXPECT_NE(before, during) << name;
    EXPECT_EQ(before, opened.picture(name)) << name;
  }
}

TEST(Views, AVeryShortTextOpensAndSaysWhatItCannotShow) {
  testing::WindowSetUp set_up;
  set_up.trace.tokens = 1;
  set_up.policies = {"full"};
  for (const uint32_t tokens : {1u, 2u, 5u}) {
    set_up.trace.tokens = tokens;
    OpenedWindow opened(set_up);
    for (const ViewRow& row : view_table())
      EXPECT_GT(drawn_pixels(opened.picture(row.name), opened.colours()), 150) << row.name;
    for (const char* keys : {"Left", "Right", "W", "S", "A", "D", "F", ",", ".", "Up", "Down", "M",
                             "Shift+M", "Home", "End", "Ctrl+Left", "Ctrl+Right"})
      opened.press(keys);
    EXPECT_LT(opened.now().step.value, tokens);
  }
}

TEST(Views, OneLayerAndOneHead) {
  testing::WindowSetUp set_up;
  set_up.trace.layers = set_up.trace.heads = set_up.trace.kv_heads = 1;
  OpenedWindow opened(set_up);
  for (const ViewRow& row : view_table())
    EXPECT_GT(drawn_pixels(opened.picture(row.name), opened.colours()), 500) << row.name;
}

TEST(Views, AClosedLoopTraceShowsWhatWasAbsent) {
  testing::WindowSetUp set_up;
  set_up.trace.policy = "treekv:capacity=16,sinks=2,recent=6";
  OpenedWindow opened(set_up);
  EXPECT_EQ(opened.content().runs.size(), 1u);
  // Compared with itself: there is no other run.
  opened.change([](Selection& wanted) { wanted.others = {0}; });
  // A view that is hidden at first is small as yet.
  for (const ViewRow& row : view_table())
    EXPECT_GT(drawn_pixels(opened.picture(row.name), opened.colours()),
              row.at_start == AtStart::Shown ? 2000 : 1000)
        << row.name;
}

TEST(Views, ADocumentWithFewerRunsReplacesOneWithMore) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) {
    wanted.run = 1;
    wanted.step = Step(90);
    wanted.position = Position(80);
    wanted.hover = Position(85);
  });
  testing::SampleOptions small;
  small.tokens = 12;
  small.layers = 1;
  testing::write_sample_trace(opened.folder() / "small.h5", small);
  EXPECT_EQ(testing::open_and_settle(opened.window(), {opened.folder() / "small.h5"}).toStdString(),
            "");
  EXPECT_EQ(opened.now().run, 0u);
  EXPECT_EQ(opened.now().step, Step(11));
  for (const ViewRow& row : view_table()) opened.picture(row.name);
}

}  // namespace
}  // namespace dendrokv
