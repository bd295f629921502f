#pragma once
// What a run keeps, laid over the heat map: at each recorded step the tree level of each position
// in the chosen lane, or the share of the chosen lanes that keep it. What was dropped lies under a
// veil. It knows retention alone, so it shows the levels of any policy.

#include <QImage>
#include <QPainter>

#include "gui/content.h"
#include "gui/selection.h"
#include "gui/style.h"

namespace dendrokv {

/// One row of cells of `factor` positions for each of `steps`: half transparent, wholly so where a
/// position has not been read.
QImage level_overlay(const Content& content, const Selection& selection, const Palette& colours,
                     std::span<const Step> steps, IndexRange positions, size_t factor);

/// What its colours say, in a box that ends at a corner: the upper right of a plot.
void paint_overlay_legend(QPainter& painter, QPointF corner, const Content& content,
                          const Selection& selection, const Palette& colours);

/// Lanes times rows that are worth the time of a frame: of a large set, one row stands for several
/// steps.
inline constexpr size_t kMostOverlayRows = 2048;
/// Rows of an overlay over a plot of `pixels` device pixels' height.
size_t overlay_rows(const Content& content, const Selection& selection, size_t pixels);

}  // namespace dendrokv
