#pragma once
// How much contributions vary along the text: the five Haar bands of the chosen step, on a log
// axis.

#include "gui/position_view.h"

namespace dendrokv {

class VariabilityView : public PositionView {
  Q_OBJECT
 public:
  using PositionView::PositionView;
  QString caption() const override;
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  void selection_changed(const Selection& now, const Selection& before) override;
  void document_opened() override;
  void snapshot_arrived(Topic topic) override;
  int header_reserve() const override;

 private:
  /// The bands to draw, or nothing while they are on their way.
  struct Curves {
    const std::vector<Envelope>& bands;
    IndexRange window;
  };
  std::optional<Curves> curves() const;
  void ask();
  /// Of the values of all curves; found once for each answer of the document, as it looks at some
  /// thousand values.
  struct Extent {
    double low, high;
  };
  Extent extent_of(const Curves& curves) const;
  Axis value_axis(const Curves& curves) const;
  void paint_curve(QPainter& painter, const Curves& curves, size_t level, const Axis& value) const;
  /// A line with the corners of a band's steps.
  void paint_steps(QPainter& painter, size_t level, const std::vector<Envelope::Cell>& cells,
                   const Axis& value) const;
  /// Where a pixel holds several positions: one upright bar a pixel.
  void paint_bars(QPainter& painter, size_t level, const std::vector<Envelope::Cell>& cells,
                  const Axis& value) const;
  void paint_value_ticks(QPainter& painter, const Axis& value) const;
  void paint_invalid(QPainter& painter, const Curves& curves) const;
  void paint_legend(QPainter& painter) const;

  mutable std::optional<Extent> extent_;  // of the curves that are drawn
};

}  // namespace dendrokv
