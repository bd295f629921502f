#pragma once
// Another run, or another trace, beside the chosen one: views of its own over a selection of its
// own that follows the window's and leads it. Views notice nothing: each sees one workspace.

#include <QLabel>
#include <QWidget>
#include <memory>
#include <vector>

#include "gui/view.h"

namespace dendrokv {

class SidePane : public QWidget {
  Q_OBJECT
 public:
  /// `run` of `document`, whose text is `alignment` away from the window's; null = the same text.
  SidePane(Workspace& main, Document& document, const Alignment* alignment, size_t run,
           QWidget* parent);

  Workspace& workspace() { return workspace_; }
  QString title() const;
  /// After a change of theme, font or marks.
  void refresh();

 private:
  void follow();  // the window's selection changed
  void lead();    // this one did
  Selection mapped(const Selection& main) const;
  Selection mapped_back(Selection main, const Selection& own) const;

  Workspace& main_;
  Document& document_;
  const Alignment* alignment_;
  size_t run_;
  SelectionModel selection_;
  Workspace workspace_;
  QLabel* title_;
  std::vector<View*> views_;
  bool following_ = false;
};

}  // namespace dendrokv
