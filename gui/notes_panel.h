#pragma once
// The notes on the open trace as a list: go to one, write on it, take it away.

#include <QFrame>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>

#include "gui/view.h"

namespace dendrokv {

class NotesPanel : public QFrame {
  Q_OBJECT
 public:
  NotesPanel(Workspace& workspace, NotesModel& notes, QWidget* parent);

  /// A note on the marked range, else on the locked token, with the keys on its text. Nothing
  /// without either.
  void add_note();
  /// Selects the note behind or before the locked token.
  void go(int direction);
  /// The id of the chosen note, or empty.
  QString chosen() const;

 Q_SIGNALS:
  void failed(const QString& message);

 private:
  void build();
  void fill();
  void show_chosen();
  void look_at(const Note& note);
  void write_text();
  const Note* note(const QString& id) const;
  /// Runs a change and says why its file could not be written.
  template <class Change>
  void guarded(const Change& change);

  Workspace& workspace_;
  NotesModel& notes_;
  QListWidget* list_;
  QPlainTextEdit* text_;
  QPushButton *add_, *remove_;
  bool filling_ = false;
};

}  // namespace dendrokv
