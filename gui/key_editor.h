#pragma once
// The keys of all commands, to change: choose a command, press the key that it shall have.

#include <QDialog>
#include <QKeySequenceEdit>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTreeWidget>
#include <filesystem>
#include <optional>

#include "gui/key_bindings.h"

namespace dendrokv {

class KeyEditor : public QDialog {
  Q_OBJECT
 public:
  /// Writes each change to `file`; none = they last as long as the window.
  KeyEditor(std::vector<QAction*> actions, std::optional<std::filesystem::path> file,
            QWidget* parent);

  QLineEdit* filter() const { return filter_; }
  QTreeWidget* list() const { return list_; }
  QKeySequenceEdit* key() const { return key_; }
  /// Chooses an action of the list by its name; false when there is none.
  bool choose(const QString& name);
  /// What was refused, or done last.
  QString message() const { return message_->text(); }

 private:
  void build();
  QPushButton* button(const QString& text, QString (KeyEditor::*act)());
  QAction* chosen() const;
  void fill();
  void show_keys();
  void apply(const QString& problem, const QString& done);
  // Each returns why not.
  QString assign();
  QString add();
  QString clear();
  QString restore();
  QString restore_all();

  KeyBindings bindings_;
  std::optional<std::filesystem::path> file_;
  QLineEdit* filter_;
  QTreeWidget* list_;
  QKeySequenceEdit* key_;
  QLabel* message_;
  std::vector<QPushButton*> of_one_;  // buttons that need a chosen command
};

}  // namespace dendrokv
