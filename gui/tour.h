#pragma once
// A tour of the window on the built-in sample: one card after the other, each beside what it speaks
// of.

#include <QFrame>
#include <QLabel>
#include <QPushButton>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace dendrokv {

class MainWindow;

struct TourStop {
  std::string_view title, text;
  std::string_view view;         // name in the table of views; empty = the whole window
  void (*prepare)(MainWindow&);  // brings the window to what the card speaks of
};
std::span<const TourStop> tour_stops();

/// Writes the built-in sample trace, and runs over it, to the user's cache folder unless they are
/// there. The trace first. Throws Error: unwritable.
std::vector<std::filesystem::path> sample_files();
bool is_sample(const std::filesystem::path& file);

/// An outline over a view that lets the mouse through, and the card.
class Tour : public QFrame {
  Q_OBJECT
 public:
  explicit Tour(MainWindow& window);

  void start();
  void go(int by);
  void leave();
  size_t stop() const { return stop_; }

 Q_SIGNALS:
  void left();

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  void show_stop();
  void place();
  QRect target() const;

  MainWindow& window_;
  QLabel *title_, *text_, *count_;
  QPushButton *back_, *next_, *leave_;
  QWidget* outline_;
  size_t stop_ = 0;
};

}  // namespace dendrokv
