#include "gui/moves.h"

#include <algorithm>

#include "data/lineage.h"
#include "gui/lane_sets.h"

namespace dendrokv {
namespace {

std::span<const int32_t> evict_steps(const Content& content, const Selection& now) {
  return content.runs[now.run].retention.evict_step(now.layer, now.lane);
}

/// To the neighbour of the present step among some, rising.
template <class Number>
void move_among(const std::vector<Number>& steps, Selection& wanted, Direction direction) {
  const auto now = static_cast<Number>(wanted.step.value);
  if (direction == Direction::On) {
    const auto next = std::upper_bound(steps.begin(), steps.end(), now);
    if (next != steps.end()) wanted.step = Step(*next);
  } else {
    const auto next = std::lower_bound(steps.begin(), steps.end(), now);
    if (next != steps.begin()) wanted.step = Step(*std::prev(next));
  }
}

std::vector<uint32_t> events_of(const Content& content, const Selection& now) {
  if (!now.position) return {};
  const std::span<const int32_t> left = evict_steps(content, now);
  std::vector<uint32_t> steps = {now.position->value};
  const LaneIndex& lane = content.index(now.run).lane({now.layer, now.lane});
  for (const Position beaten : lane.outlived(*now.position, content.last_step()))
    steps.push_back(static_cast<uint32_t>(left[beaten.index()]));
  if (left[now.position->index()] >= 0)
    steps.push_back(static_cast<uint32_t>(left[now.position->index()]));
  std::sort(steps.begin(), steps.end());
  return steps;
}

/// `by` lanes from the chosen one, in the order of layers and lanes; not past the ends.
LaneId lane_beyond(const Content& content, const Selection& now, int by) {
  const Retention& retention = content.runs[now.run].retention;
  const int lanes = static_cast<int>(retention.lanes());
  const int all = lanes * static_cast<int>(retention.layers());
  const int at = static_cast<int>(now.layer.value) * lanes + static_cast<int>(now.lane.value);
  const int next = std::clamp(at + by, 0, all - 1);
  return {Layer(next / lanes), Lane(next % lanes)};
}

std::optional<PositionRange> framed(const Content& content, Kinship& kinship,
                                    const Selection& now) {
  if (now.range) return now.range;
  if (!now.position) return std::nullopt;
  PositionRange range{*now.position, *now.position};
  const Kin& kin = kinship.of(content, now);
  for (const std::vector<Position>* relatives : {&kin.winners, &kin.descendants})
    for (const Position relative : *relatives) {
      range.first = std::min(range.first, relative);
      range.last = std::max(range.last, relative);
    }
  return range;
}

}  // namespace

void move_lane(const Content& content, Selection& wanted, int by) {
  choose_lanes(wanted, {lane_beyond(content, wanted, by)});
}

void extend_lanes(const Content& content, Selection& wanted, int by) {
  const LaneId next = lane_beyond(content, wanted, by);
  std::vector<LaneId> lanes = chosen_lanes(content.runs[wanted.run], wanted);
  std::erase(lanes, next);
  lanes.push_back(next);
  choose_lanes(wanted, std::move(lanes));
}

void toggle_scope(Selection& wanted, LaneScope scope) {
  wanted.scope = wanted.scope == scope ? LaneScope::One : scope;
}

void move_position(const Content& content, Selection& wanted, int by) {
  const int now = wanted.position ? static_cast<int>(wanted.position->value) : 0;
  wanted.position = Position(std::clamp(now + by, 0, static_cast<int>(content.info.tokens) - 1));
}

void move_to_eviction(const Content& content, Selection& wanted, Direction direction) {
  std::vector<int32_t> steps;
  for (const int32_t step : evict_steps(content, wanted))
    if (step >= 0) steps.push_back(step);
  std::sort(steps.begin(), steps.end());
  move_among(steps, wanted, direction);
}

void move_to_event(const Content& content, Selection& wanted, Direction direction) {
  move_among(events_of(content, wanted), wanted, direction);
}

void move_to_kin(const Content& content, Selection& wanted, Direction direction) {
  if (!wanted.position || wanted.scope != LaneScope::One) return;
  const LaneIndex& lane = content.index(wanted.run).lane({wanted.layer, wanted.lane});
  const std::vector<Position> kin = direction == Direction::On
                                        ? winners(content.runs[wanted.run].retention, wanted.layer,
                                                  wanted.lane, *wanted.position, wanted.step)
                                        : lane.outlived(*wanted.position, wanted.step);
  if (!kin.empty()) wanted.position = direction == Direction::On ? kin.front() : kin.back();
}

void pan(Selection& wanted, int tenths) {
  const double first = wanted.first_visible.value + tenths * (wanted.visible / 10.0);
  wanted.first_visible = Position(static_cast<uint32_t>(std::max(0.0, first)));
}

void zoom(Selection& wanted, int percent) {
  const double visible = std::max(8.0, wanted.visible * (percent / 100.0));
  const double middle = wanted.first_visible.value + wanted.visible / 2.0;
  wanted.visible = static_cast<uint32_t>(visible);
  wanted.first_visible = Position(static_cast<uint32_t>(std::max(0.0, middle - visible / 2)));
}

void mark_range(Selection& wanted) {
  if (!wanted.position) return;
  const Position at = *wanted.position;
  const PositionRange range = wanted.range.value_or(PositionRange{at, at});
  wanted.range = {std::min(range.first, at), std::max(range.last, at)};
}

void frame_or_fit(const Content& content, Kinship& kinship, Selection& wanted) {
  const Selection before = wanted;
  if (const std::optional<PositionRange> range = framed(content, kinship, wanted)) {
    const uint32_t count = range->last.value - range->first.value + 1;
    const uint32_t margin = std::max(4u, count / 4);
    wanted.first_visible = Position(range->first.value - std::min(range->first.value, margin));
    wanted.visible = std::min(count + 2 * margin, content.info.tokens);
    // As a selection is bounded: not past the end.
    wanted.first_visible =
        std::min(wanted.first_visible, Position(content.info.tokens - wanted.visible));
  }
  if (wanted != before) return;
  wanted.first_visible = Position(0);
  wanted.visible = content.info.tokens;
}

}  // namespace dendrokv
