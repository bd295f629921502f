#pragma once
// Every command by name: type a few letters, Enter runs it. Also takes a place to go to.

#include <QAction>
#include <QDialog>
#include <QLineEdit>
#include <QListWidget>
#include <vector>

namespace dendrokv {

/// How well `typed` fits a name: 0 = not at all; letters must come in order. Beginnings of words
/// and runs of letters count more.
int palette_score(const QString& typed, const QString& name);

/// Actions of the window that a user may run: named ones, those of views and menus included, by
/// menu and name.
std::vector<QAction*> palette_actions(const QWidget& window);

class CommandPalette : public QDialog {
  Q_OBJECT
 public:
  CommandPalette(std::vector<QAction*> actions, QWidget* parent);
  QLineEdit* line() const { return line_; }
  /// The names in sight, best first.
  QStringList shown() const;

 Q_SIGNALS:
  /// The text was a place ("120k", "step 40", "14.2") rather than a command.
  void went_to(const QString& place);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void fill();
  void run();

  std::vector<QAction*> actions_;
  QLineEdit* line_;
  QListWidget* list_;
};

}  // namespace dendrokv
