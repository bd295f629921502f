#pragma once
// Drags a panel by its title to a place among the others, or out of the window; notices which panel
// was clicked or got the focus.

#include <QObject>
#include <QPoint>
#include <QRubberBand>
#include <map>
#include <optional>
#include <string_view>

#include "gui/view.h"

namespace dendrokv {

class ViewDeck;
enum class PanelEdge;

class PanelMover : public QObject {
  Q_OBJECT
 public:
  explicit PanelMover(ViewDeck& deck);
  void watch(View& view, std::string_view name);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  struct Target {
    std::string_view name;
    PanelEdge edge;
    QRect line;  // of the deck: where the panel would come
  };
  std::optional<Target> target_at(QPoint global) const;
  void drag_to(QPoint global);
  void drop_at(QPoint global);
  void end();

  ViewDeck& deck_;
  std::map<const QObject*, std::string_view> names_;
  View* dragged_ = nullptr;  // whose title is held
  bool moves_ = false;       // far enough to be meant
  QPoint from_;
  QRubberBand* line_ = nullptr;
};

}  // namespace dendrokv
