#pragma once
// The views of the table in their places: left, centre, right, or in windows of their own; which of
// them show, and how large. Each is a panel: it can be moved among the others by its title or by
// keys.

#include <QPointer>
#include <QSplitter>
#include <QWidget>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gui/panel_place.h"
#include "gui/views.h"

namespace dendrokv {

class PanelMover;

enum class Visibility { Shown, Hidden };
/// Of another panel.
enum class PanelEdge { Above, Below };

class ViewDeck : public QWidget {
  Q_OBJECT
 public:
  ViewDeck(Workspace& workspace, QWidget* parent);

  /// Null when the table has no such view.
  View* view(std::string_view name) const;
  void set_visibility(std::string_view name, Visibility visibility);
  bool shows(std::string_view name) const;
  /// One view alone; the same again, or an empty name, brings the others back.
  void show_only(std::string_view name);
  /// What a document starts with.
  void show_standard();

  /// Of all views that are not hidden, in the order of the table.
  std::vector<std::string> shown() const;
  /// Exactly these; names that the table does not have are passed over.
  void set_shown(const std::vector<std::string>& names);
  /// Of the splitters, in one row of numbers; a row of another length is not taken.
  std::vector<int> sizes() const;
  void set_sizes(const std::vector<int>& sizes);

  /// The panel that has the focus, or was clicked last; before that the first one that shows.
  std::string_view current() const;
  void set_current(std::string_view name);
  /// To the panel `by` further, among those that show, from left to right and down.
  void focus_panel(int by);
  /// Changes places with the panel `by` further on its side.
  void move_panel(std::string_view name, int by);
  /// To the end of the next side.
  void move_panel_across(std::string_view name, int by);
  void place_panel(std::string_view name, std::string_view neighbour, PanelEdge edge);
  /// Into a window of its own, there if given; and back.
  void float_panel(std::string_view name, std::optional<QRect> window = {});
  void dock_panel(std::string_view name);
  bool floats(std::string_view name) const { return windows_.contains(name); }
  /// Every view, side by side in order. Places of views that are not named stay behind those that
  /// are.
  std::vector<PanelPlace> places() const;
  void set_places(const std::vector<PanelPlace>& places);
  void usual_places();

  /// Between centre and right side.
  void add_pane(QWidget* pane);
  /// After a change of theme or font.
  void refresh();

 Q_SIGNALS:
  void visibility_changed();

 private:
  struct Row {
    Side side;
    QSplitter* splitter;
    std::vector<std::string_view> order;  // of all of its views, those that float too
  };
  void build_side(Side side);
  void share_heights();
  void make_room(std::string_view name);
  void arrange();
  void lay_panels();
  Row& row_of(std::string_view name);
  std::vector<std::string_view> in_sight() const;

  Workspace& workspace_;
  QSplitter* across_;
  PanelMover* mover_;
  std::map<std::string_view, View*> views_;
  std::map<std::string_view, Visibility> visibility_;
  std::map<std::string_view, QPointer<QWidget>> windows_;
  std::vector<Row> sides_;
  std::string alone_;
  std::string_view current_;
};

}  // namespace dendrokv
