#pragma once
// The bar on top: what is open, which run and how it came about, which lane, which step, find.

#include <QLabel>
#include <QLineEdit>
#include <QSlider>
#include <QSpinBox>
#include <QTimer>
#include <QToolButton>
#include <QWidget>

#include "gui/badge.h"
#include "gui/choice_box.h"
#include "gui/view.h"

namespace dendrokv {

class ControlBar : public QWidget {
  Q_OBJECT
 public:
  ControlBar(Workspace& workspace, QWidget* parent);

  void move_step(int by);
  void toggle_play();
  void focus_find();
  /// Gives the keys back to the window; answers whether the search field had them.
  bool leave_find();
  void find_next(int direction);
  /// As if it had been typed.
  void find(const QString& text);
  QToolButton* menu_button() const { return menu_; }
  /// Icons in the colours of the theme.
  void refresh();
  /// After a change of the fonts' size.
  void set_fonts();
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  /// Workspace::marks has other hits.
  void hits_changed();
  /// Somebody wants to name a set of lanes.
  void lanes_wanted();

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  /// Hides what the window can do without when it is narrow: facts, name, buttons that have keys.
  void make_room();
  void build();
  QToolButton* tool(const QString& tip);
  void connect_all();
  void fill();  // a document was opened
  void fill_lanes();
  void show_selection();  // the selection changed
  void choose_lane(int index);
  void show_hits(const QString& text);
  void show_place_in_hits();
  void play_on();

  Workspace& workspace_;
  QLabel *file_, *facts_, *step_text_, *hits_;
  ChoiceBox *runs_, *lane_;
  QSpinBox* layer_;
  Badge* badge_;
  QSlider* slider_;
  QToolButton *previous_, *play_, *next_, *menu_;
  QLineEdit* find_;
  QTimer player_;
};

}  // namespace dendrokv
