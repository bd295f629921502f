#pragma once
// Runs under each other on the shared axis: what each keeps, where two differ, and how alike they
// were at every step. Differences have a pattern each, so that colour is not the only carrier.

#include "gui/comparison.h"
#include "gui/position_view.h"

namespace dendrokv {

class CompareView : public PositionView {
  Q_OBJECT
 public:
  using PositionView::PositionView;
  QString caption() const override;
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;

 private:
  /// A run to compare with, and whose it is.
  struct Other {
    const Run* run;
    const Content* content;
    const Alignment* alignment;
    QString title;
  };
  const Alignment& same_text() const;
  std::vector<Other> others() const;
  Pairing pairing(const Other& other) const;
  LaneId lane() const { return {selection().layer, selection().lane}; }
  QRectF strip(size_t row) const;
  QRectF curve_box() const;
  QRectF curves(QPainter& painter, const std::vector<Other>& all) const;
  void paint_label(QPainter& painter, size_t row, const QString& text) const;
  void paint_own(QPainter& painter, size_t row) const;
  void paint_other(QPainter& painter, size_t row, const Other& other) const;
  void paint_states(QPainter& painter, size_t row, const std::vector<TokenState>& states) const;
  void paint_difference(QPainter& painter, size_t row, const Other& other) const;
  void paint_legend(QPainter& painter) const;

  mutable std::optional<Alignment> identity_;
};

/// Share of the members of [first, first + count) of each kind: both, only the first, only the
/// second; of those that are read.
struct MemberShares {
  double both = 0, only_first = 0, only_second = 0;
};
MemberShares member_shares(std::span<const Membership> members, size_t first, size_t count);

}  // namespace dendrokv
