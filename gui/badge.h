#pragma once
// How the run in sight came about, in a few words.

#include <QWidget>

#include "gui/view.h"

namespace dendrokv {

/// The provenance of the run, always visible.
class Badge : public QWidget {
  Q_OBJECT
 public:
  Badge(Workspace& workspace, QWidget* parent);
  QString text() const;
  QSize sizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  Workspace& workspace_;
};

}  // namespace dendrokv
