#include "gui/selection.h"

#include <algorithm>

namespace dendrokv {
namespace {

constexpr size_t kMostHistory = 200;
constexpr uint32_t kFewestVisible = 8;
constexpr size_t kMostOthers = 2;

template <class Kind>
void remember(std::vector<Kind>& history, const Kind& entry) {
  if (history.size() == kMostHistory) history.erase(history.begin());
  history.push_back(entry);
}

}  // namespace

bool Selection::same_but_hover(Selection other) const {
  other.hover = hover;
  return *this == other;
}

bool same_lanes(const Selection& one, const Selection& other) {
  return one.run == other.run && one.scope == other.scope && one.layer == other.layer &&
         one.lane == other.lane && one.set == other.set;
}

std::vector<LaneId> chosen_lanes(const Run& run, const Selection& selection) {
  switch (selection.scope) {
    case LaneScope::One:
      return {{selection.layer, selection.lane}};
    case LaneScope::LayerMean:
      return lanes_of_layer(run, selection.layer);
    case LaneScope::AllMean:
      return all_lanes(run);
    case LaneScope::Set:
      return selection.set;
  }
  return {};
}

Selection first_selection(const Content& content) {
  Selection start;
  start.run = most_telling_run(content);
  const Run& run = content.runs[start.run];
  const std::vector<Layer>& layers = content.info.layers;
  if (!layers.empty()) start.layer = layers[(layers.size() - 1) / 2];
  start.lane = Lane(run.retention.lanes() / 2);
  start.step = content.last_step();
  start.visible = content.info.tokens;
  start.position = telling_position(run, start.layer, start.lane);
  return start;
}

SelectionModel::SelectionModel(QObject* parent) : QObject(parent) {}

void SelectionModel::reset(const Content& content, const Selection& start) {
  runs_.clear();
  for (const Run& run : content.runs)
    runs_.push_back({run.retention.layers(), run.retention.lanes()});
  tokens_ = content.info.tokens;
  past_.clear();
  future_.clear();
  windows_.clear();
  gesture_ = Gesture::None;
  publish(bounded(start));
}

Selection SelectionModel::bounded(Selection wanted) const {
  if (runs_.empty()) return {};
  wanted.run = std::min(wanted.run, runs_.size() - 1);
  const Extent& extent = runs_[wanted.run];
  wanted.layer = std::min(wanted.layer, Layer(extent.layers - 1));
  wanted.lane = std::min(wanted.lane, Lane(extent.lanes - 1));
  std::erase_if(wanted.set, [&extent](const LaneId& id) {
    return id.layer.value >= extent.layers || id.lane.value >= extent.lanes;
  });
  std::sort(wanted.set.begin(), wanted.set.end());
  wanted.set.erase(std::unique(wanted.set.begin(), wanted.set.end()), wanted.set.end());
  if (wanted.scope == LaneScope::Set && wanted.set.empty()) wanted.scope = LaneScope::One;
  wanted.step = std::min(wanted.step, Step(tokens_ - 1));
  const auto in_text = [this](std::optional<Position>& position) {
    if (position && position->value >= tokens_) position.reset();
  };
  in_text(wanted.position);
  in_text(wanted.hover);
  if (wanted.range &&
      (wanted.range->first.value >= tokens_ || wanted.range->last < wanted.range->first))
    wanted.range.reset();
  if (wanted.range) wanted.range->last = std::min(wanted.range->last, Position(tokens_ - 1));
  std::erase_if(wanted.others, [&](size_t other) { return other >= runs_.size(); });
  if (wanted.others.size() > kMostOthers) wanted.others.resize(kMostOthers);
  wanted.visible = std::clamp(wanted.visible, std::min(kFewestVisible, tokens_), tokens_);
  wanted.first_visible = std::min(wanted.first_visible, Position(tokens_ - wanted.visible));
  return wanted;
}

SelectionModel::Gesture SelectionModel::gesture_of(const Selection& wanted) const {
  Selection moved = now_;
  moved.first_visible = wanted.first_visible;
  moved.visible = wanted.visible;
  if (moved == wanted) return Gesture::Scrolling;
  Selection stepped = now_;
  stepped.step = wanted.step;
  if (stepped == wanted) return Gesture::Stepping;
  Selection chosen = now_;
  chosen.scope = wanted.scope;
  chosen.layer = wanted.layer;
  chosen.lane = wanted.lane;
  chosen.set = wanted.set;
  return chosen == wanted ? Gesture::Choosing : Gesture::None;
}

void SelectionModel::set(Selection wanted, History history) {
  wanted = bounded(wanted);
  if (wanted == now_) return;
  if (!wanted.same_but_hover(now_) && history != History::Skip) {
    const Gesture gesture = history == History::Merge ? gesture_of(wanted) : Gesture::None;
    const bool goes_on = gesture != Gesture::None && gesture == gesture_;
    if (!goes_on) {
      remember(past_, now_);
      if (wanted.first_visible != now_.first_visible || wanted.visible != now_.visible)
        remember(windows_, {now_.first_visible, now_.visible});
    }
    gesture_ = gesture;
    future_.clear();
  }
  publish(wanted);
}

void SelectionModel::zoom_back() {
  if (windows_.empty()) return;
  const Window last = windows_.back();
  std::vector<Window> before(windows_.begin(), windows_.end() - 1);
  change([&last](Selection& wanted) {
    wanted.first_visible = last.first;
    wanted.visible = last.visible;
  });
  // The way back is not a zoom of its own.
  windows_ = std::move(before);
}

void SelectionModel::undo() {
  travel(past_, future_);
}

void SelectionModel::redo() {
  travel(future_, past_);
}

/// To the last selection of one history, leaving the present one in the other.
void SelectionModel::travel(std::vector<Selection>& from, std::vector<Selection>& to) {
  if (from.empty()) return;
  gesture_ = Gesture::None;
  remember(to, now_);
  Selection next = from.back();
  from.pop_back();
  next.hover = now_.hover;
  publish(next);
}

void SelectionModel::publish(const Selection& next) {
  const Selection before = now_;
  now_ = next;
  Q_EMIT changed(now_, before);
}

}  // namespace dendrokv
