#include "gui/retention_codes.h"

#include <algorithm>

namespace dendrokv {

uint8_t retention_code(TokenState state) {
  switch (state.place) {
    case Place::NotYet:
      return kUnreadCode;
    case Place::Evicted:
      return kEvictedCode;
    case Place::Recent:
      return kRecentCode;
    case Place::Tree:
      return static_cast<uint8_t>(kLevelCode + std::min<unsigned>(state.level, 8));
    case Place::Sink:
      return kSinkCode;
  }
  return kUnreadCode;
}

QVector<QRgb> retention_colours(const Palette& colours) {
  QVector<QRgb> table(256, to_qt(colours.panel).rgb());
  table[kUnreadCode] = to_qt(colours.absent).rgb();
  table[kRecentCode] = to_qt(colours.recent).rgb();
  for (int level = 0; level < 9; ++level)
    table[kLevelCode + level] = to_qt(colours.level_colour(static_cast<unsigned>(level))).rgb();
  table[kSinkCode] = to_qt(colours.sink).rgb();
  return table;
}

void retention_row(const RunIndex& index, LaneId lane, Step step, IndexRange positions,
                   size_t factor, std::span<uint8_t> codes) {
  const LaneIndex& record = index.lane(lane);
  // Read so far: everything up to the step; the cell that the step is in counts as read.
  const size_t read =
      step.index() < positions.first ? 0 : (step.index() - positions.first) / factor + 1;
  const size_t known = std::min(read, codes.size());
  std::fill(codes.begin(), codes.begin() + static_cast<ptrdiff_t>(known), kEvictedCode);
  std::fill(codes.begin() + static_cast<ptrdiff_t>(known), codes.end(), kUnreadCode);
  const auto first = static_cast<uint32_t>(positions.first);
  const auto width = static_cast<uint32_t>(factor);
  record.for_each_kept(positions, step, [&](Position position) {
    uint8_t& code = codes[(position.value - first) / width];
    const Place place = index.place(position, step);
    const uint16_t level = place == Place::Tree ? record.level(position, step) : uint16_t{0};
    code = std::max(code, retention_code({place, level}));
  });
}

CodeGrid retention_by_lane(const RunIndex& index, std::span<const LaneId> lanes, Step step,
                           IndexRange positions, size_t factor) {
  CodeGrid codes(lanes.size(), (positions.count + factor - 1) / factor);
  for (size_t row = 0; row < lanes.size(); ++row)
    retention_row(index, lanes[row], step, positions, factor, codes.row(row));
  return codes;
}

CodeGrid retention_by_step(const RunIndex& index, LaneId lane, Step first, uint32_t every,
                           size_t rows, IndexRange positions, size_t factor) {
  CodeGrid codes(rows, (positions.count + factor - 1) / factor);
  for (size_t row = 0; row < rows; ++row)
    retention_row(index, lane, Step(first.value + row * every), positions, factor, codes.row(row));
  return codes;
}

}  // namespace dendrokv
