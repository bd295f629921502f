#pragma once
// What the chosen run is compared with: other runs over the text, or another trace of it; and how:
// side by side, by blinking, in the comparison views.

#include <QObject>
#include <QTimer>
#include <filesystem>
#include <memory>
#include <vector>

#include "gui/comparison.h"
#include "gui/side_pane.h"
#include "gui/view_deck.h"

namespace dendrokv {

class CompareControl : public QObject {
  Q_OBJECT
 public:
  CompareControl(Workspace& workspace, ViewDeck& deck, QObject* parent);

  /// Before another document is opened.
  void forget();
  /// Adds the next run to the comparison; after the last one, none is left. Shows the comparison
  /// views.
  void cycle();
  /// The views of a comparison in place of others, until it is stopped.
  void show();
  /// One run more beside those that are compared.
  void add_next();
  void stop();
  /// The trace in `file`, and runs over it; beside this one, token by token.
  void open_beside(const std::vector<std::filesystem::path>& files);
  /// Panes for all that is compared, or none.
  void toggle_side_by_side();
  bool side_by_side() const { return !panes_.empty(); }
  const std::vector<SidePane*>& panes() const { return panes_; }
  /// Chosen run and compared one take turns.
  void toggle_blink();
  bool blinks() const { return blink_.isActive(); }
  void blink_once();
  /// To the lane and step where the two are least alike.
  void jump_to_disagreement();

  Document* second() const { return second_.get(); }
  void refresh();

 Q_SIGNALS:
  void told(const QString& text);
  /// The other trace cannot be compared with.
  void refused(const QString& text);
  /// The other trace has answered all that it was asked.
  void settled();

 private:
  void hide_views();
  void rebuild_panes();
  void drop_panes();
  void second_opened();
  /// The first thing that the chosen run is compared with; nothing without one.
  std::optional<Pairing> first_pairing();
  std::vector<size_t> candidates() const;

  Workspace& workspace_;
  ViewDeck& deck_;
  std::unique_ptr<Document> second_;
  std::vector<SidePane*> panes_;
  std::optional<Alignment> identity_;
  bool wants_panes_ = false;
  std::vector<std::string> before_;  // views that were shown; empty = no comparison is shown
  QTimer blink_;
};

}  // namespace dendrokv
