#include "tests/gui/opened_window.h"

#include <QAbstractEventDispatcher>
#include <QAction>
#include <QApplication>
#include <QElapsedTimer>
#include <QMouseEvent>
#include <QWheelEvent>
#include <gtest/gtest.h>
#include <unordered_set>

namespace dendrokv::testing {

void settle(MainWindow& window) {
  QElapsedTimer clock;
  clock.start();
  do {
    QApplication::processEvents(QEventLoop::AllEvents);
    if (window.busy()) QApplication::processEvents(QEventLoop::WaitForMoreEvents, 1000);
    ASSERT_LT(clock.elapsed(), 60'000) << "the document never settled";
  } while (window.busy());
  // One call may handle a resize and leave the layout that it asks for to the next.
  while (QAbstractEventDispatcher::instance()->processEvents(QEventLoop::AllEvents))
    ASSERT_LT(clock.elapsed(), 60'000) << "events never ceased";
}

QString open_and_settle(MainWindow& window, const std::vector<std::filesystem::path>& files) {
  window.open(files);
  settle(window);
  return window.message();
}

OpenedWindow::OpenedWindow(const WindowSetUp& set_up) {
  write_sample_trace(trace(), set_up.trace);
  std::vector<std::filesystem::path> files = {trace()};
  if (set_up.trace.policy.empty() && !set_up.policies.empty()) {
    write_sample_runs(runs(), trace(), set_up.policies);
    files.push_back(runs());
  }
  window_ = std::make_unique<MainWindow>(set_up.options);
  window_->resize(static_cast<int>(set_up.options.width), static_cast<int>(set_up.options.height));
  window_->show();
  EXPECT_EQ(open_and_settle(*window_, files).toStdString(), "");
}

PositionView& OpenedWindow::position_view(std::string_view name) {
  return dynamic_cast<PositionView&>(view(name));
}

QImage OpenedWindow::picture(std::string_view name) {
  QImage image(view(name).size(), QImage::Format_RGB32);
  image.fill(Qt::magenta);
  view(name).render(&image);
  return image;
}

void OpenedWindow::move_to(std::string_view name, QPointF point) {
  QMouseEvent event(QEvent::MouseMove, point, Qt::NoButton, Qt::NoButton, Qt::NoModifier);
  QApplication::sendEvent(&view(name), &event);
}

void OpenedWindow::click(std::string_view name, QPointF point, Qt::KeyboardModifiers modifiers) {
  QMouseEvent press(QEvent::MouseButtonPress, point, Qt::LeftButton, Qt::LeftButton, modifiers);
  QApplication::sendEvent(&view(name), &press);
  QMouseEvent release(QEvent::MouseButtonRelease, point, Qt::LeftButton, Qt::NoButton, modifiers);
  QApplication::sendEvent(&view(name), &release);
  settle(*window_);
}

void OpenedWindow::drag(std::string_view name, QPointF from, QPointF to) {
  const auto send = [&](QEvent::Type type, QPointF at, Qt::MouseButtons held) {
    QMouseEvent event(type, at, type == QEvent::MouseMove ? Qt::NoButton : Qt::LeftButton, held,
                      {});
    QApplication::sendEvent(&view(name), &event);
  };
  send(QEvent::MouseButtonPress, from, Qt::LeftButton);
  send(QEvent::MouseMove, (from + to) / 2, Qt::LeftButton);
  send(QEvent::MouseMove, to, Qt::LeftButton);
  send(QEvent::MouseButtonRelease, to, Qt::NoButton);
  settle(*window_);
}

void OpenedWindow::wheel(std::string_view name, QPointF point, int notches,
                         Qt::KeyboardModifiers modifiers) {
  QWheelEvent event(point, view(name).mapToGlobal(point.toPoint()), QPoint(),
                    QPoint(0, 120 * notches), Qt::NoButton, modifiers, Qt::NoScrollPhase, false);
  QApplication::sendEvent(&view(name), &event);
  settle(*window_);
}

void OpenedWindow::leave(std::string_view name) {
  QEvent event(QEvent::Leave);
  QApplication::sendEvent(&view(name), &event);
}

void OpenedWindow::press(const char* keys) {
  const QKeySequence wanted{QString::fromLatin1(keys)};
  for (QAction* action : window_->actions())
    if (action->shortcuts().contains(wanted)) {
      action->trigger();
      settle(*window_);
      return;
    }
  ADD_FAILURE() << "no action has the key " << keys;
}

Rgb pixel(const QImage& picture, QPoint point) {
  const QRgb colour = picture.pixel(point);
  return {static_cast<uint8_t>(qRed(colour)), static_cast<uint8_t>(qGreen(colour)),
          static_cast<uint8_t>(qBlue(colour))};
}

int count_of(const QImage& picture, Rgb colour) {
  return count_pixels(picture, picture.rect(), [colour](Rgb pixel) { return pixel == colour; });
}

int colours_in(const QImage& picture) {
  std::unordered_set<QRgb> colours;
  for (int y = 0; y < picture.height(); ++y) {
    const auto* line = reinterpret_cast<const QRgb*>(picture.constScanLine(y));
    colours.insert(line, line + picture.width());
  }
  return static_cast<int>(colours.size());
}

}  // namespace dendrokv::testing
