#pragma once
// The keys of all commands on one sheet, and what the mouse does.

#include <QDialog>

namespace dendrokv {

class KeySheet : public QDialog {
  Q_OBJECT
 public:
  /// The actions of `window`, by their groups.
  explicit KeySheet(QWidget& window);
};

}  // namespace dendrokv
