#pragma once
// A combo box with a drawn arrow (the style sheet takes the desktop's away), and icons of the step
// buttons.

#include <QComboBox>
#include <QIcon>

#include "plot/colormap.h"

namespace dendrokv {

class ChoiceBox : public QComboBox {
  Q_OBJECT
 public:
  using QComboBox::QComboBox;

 protected:
  void paintEvent(QPaintEvent* event) override;
};

enum class Glyph { Menu, Previous, Play, Pause, Next };
QIcon glyph_icon(Glyph glyph, Rgb ink);

}  // namespace dendrokv
