#pragma once
// The side panel: paints what gui/inspector.h says.

#include "gui/inspector.h"
#include "gui/view.h"

namespace dendrokv {

class InspectorView : public View {
  Q_OBJECT
 public:
  InspectorView(Workspace& workspace, const QString& title, QWidget* parent);
  QString heading() const override;

 protected:
  void paint_back(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void snapshot_arrived(Topic topic) override;
  void document_opened() override;
  void selection_changed(const Selection& now, const Selection& before) override;
  void wheelEvent(QWheelEvent* event) override;

 private:
  Inspection told() const;
  /// For how other policies rank the locked token.
  void ask();
  double paint_card(QPainter& painter, const Card& card, double top) const;
  double paint_section(QPainter& painter, const Section& section, double top) const;
  void paint_thread(QPainter& painter, const Section& section, double top) const;
  double paint_entry(QPainter& painter, const Entry& entry, double top) const;
  double paint_note(QPainter& painter, const Entry& entry, double top) const;
  void paint_pair(QPainter& painter, const Entry& entry, const QRectF& row) const;
  void paint_fact(QPainter& painter, const Entry& entry, double top) const;
  void paint_link(QPainter& painter, const Entry& entry, double top) const;
  void paint_duel(QPainter& painter, const Entry& entry, double top) const;
  void paint_share(QPainter& painter, const Entry& entry, double top) const;
  void paint_legend_entry(QPainter& painter, const Entry& entry, double top) const;
  void paint_more(QPainter& painter) const;
  double most_scroll() const;
  void copy() const;

  double scroll_ = 0, height_ = 0;
};

}  // namespace dendrokv
