#pragma once
// A window over a sample trace, shown offscreen, with mouse and keys; what it draws, as pixels.

#include <QImage>
#include <QString>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gui/main_window.h"
#include "gui/position_view.h"
#include "tests/gui/sample_trace.h"
#include "tests/support/files.h"

namespace dendrokv::testing {

/// Lets events run until the document has answered everything.
void settle(MainWindow& window);

/// Opens files in a window and waits for the answer: the message in place of the views, or empty.
QString open_and_settle(MainWindow& window, const std::vector<std::filesystem::path>& files);

struct WindowSetUp {
  SampleOptions trace;
  std::vector<std::string> policies = {"treekv:capacity=16,sinks=2,recent=6"};  // replayed over it
  ViewOptions options;
};

class OpenedWindow {
 public:
  /// A test failure is added when it does not open.
  explicit OpenedWindow(const WindowSetUp& set_up = {});

  MainWindow& window() { return *window_; }
  const Content& content() { return *window_->document().content(); }
  const Selection& now() { return window_->selection().now(); }
  View& view(std::string_view name) { return *window_->view(name); }
  PositionView& position_view(std::string_view name);
  const Run& run() { return content().runs[now().run]; }
  const Palette& colours() { return palette(window_->workspace().style.theme); }
  template <class Change>
  void change(const Change& change) {
    window_->selection().change(change);
    settle(*window_);
  }

  /// What a view draws now.
  QImage picture(std::string_view name);

  void move_to(std::string_view name, QPointF point);
  void click(std::string_view name, QPointF point, Qt::KeyboardModifiers modifiers = {});
  /// With the left button.
  void drag(std::string_view name, QPointF from, QPointF to);
  void wheel(std::string_view name, QPointF point, int notches,
             Qt::KeyboardModifiers modifiers = {});
  void leave(std::string_view name);
  /// A key combination, as in the table of actions.
  void press(const char* keys);

  const TemporaryFolder& folder() const { return folder_; }
  std::filesystem::path trace() const { return folder_ / "trace.h5"; }
  std::filesystem::path runs() const { return folder_ / "runs.h5"; }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<MainWindow> window_;
};

Rgb pixel(const QImage& picture, QPoint point);
/// Pixels of a part of the picture (32 bits each) for which `wanted` holds.
template <class Wanted>
int count_pixels(const QImage& picture, const QRect& part, const Wanted& wanted) {
  int count = 0;
  for (int y = part.top(); y <= part.bottom(); ++y) {
    const auto* line = reinterpret_cast<const QRgb*>(picture.constScanLine(y));
    for (int x = part.left(); x <= part.right(); ++x)
      count +=
          wanted(Rgb{static_cast<uint8_t>(qRed(line[x])), static_cast<uint8_t>(qGreen(line[x])),
                     static_cast<uint8_t>(qBlue(line[x]))});
  }
  return count;
}
/// Pixels of exactly one colour.
int count_of(const QImage& picture, Rgb colour);
int colours_in(const QImage& picture);

}  // namespace dendrokv::testing
