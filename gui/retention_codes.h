#pragma once
// What a run kept, as codes of a colour table: one row per lane, or one row per step of a lane.

#include <QVector>

#include "gui/run_index.h"
#include "gui/style.h"
#include "gui/tiles.h"

namespace dendrokv {

/// In order of notability: of several positions in one cell the largest code shows.
inline constexpr uint8_t kUnreadCode = 0, kEvictedCode = 1, kRecentCode = 2, kLevelCode = 3,
                         kSinkCode = 12;
uint8_t retention_code(TokenState state);
QVector<QRgb> retention_colours(const Palette& colours);

/// One row of cells of `factor` positions: a lane after a step.
void retention_row(const RunIndex& index, LaneId lane, Step step, IndexRange positions,
                   size_t factor, std::span<uint8_t> codes);
/// [lane, column], every row after the same step.
CodeGrid retention_by_lane(const RunIndex& index, std::span<const LaneId> lanes, Step step,
                           IndexRange positions, size_t factor);
/// [row, column] of one lane: row r after step `first + r * every`, up to `last`.
CodeGrid retention_by_step(const RunIndex& index, LaneId lane, Step first, uint32_t every,
                           size_t rows, IndexRange positions, size_t factor);

}  // namespace dendrokv
