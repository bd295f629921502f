#pragma once
// The views of the table in their places: left, centre, right; which of them show, and how large.

#include <QSplitter>
#include <QWidget>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gui/views.h"

namespace dendrokv {

enum class Visibility { Shown, Hidden };

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

  /// Between centre and right side.
  void add_pane(QWidget* pane);
  /// After a change of theme or font.
  void refresh();

 Q_SIGNALS:
  void visibility_changed();

 private:
  QSplitter* build_side(Side side);
  void share_heights();
  void make_room(const ViewRow& row);
  void arrange();

  Workspace& workspace_;
  QSplitter* across_;
  std::map<std::string_view, View*> views_;
  std::map<std::string_view, Visibility> visibility_;
  std::vector<std::pair<Side, QSplitter*>> sides_;
  std::string alone_;
};

}  // namespace dendrokv
