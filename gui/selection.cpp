#include "gui/selection.h"

#include <algorithm>

namespace dendrokv {
namespace {

constexpr size_t kMostHistory = 200;
constexpr uint32_t kFewestVisible = 8;

void remember(std::vector<Selection>& history, const Selection& selection) {
  if (history.size() == kMostHistory) history.erase(history.begin());
  history.push_back(selection);
}

}  // namespace

bool Selection::same_but_hover(Selection other) const {
  other.hover = hover;
  return *this == other;
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
  publish(bounded(start));
}

Selection SelectionModel::bounded(Selection wanted) const {
  if (runs_.empty()) return {};
  wanted.run = std::min(wanted.run, runs_.size() - 1);
  const Extent& extent = runs_[wanted.run];
  wanted.layer = std::min(wanted.layer, Layer(extent.layers - 1));
  wanted.lane = std::min(wanted.lane, Lane(extent.lanes - 1));
  wanted.step = std::min(wanted.step, Step(tokens_ - 1));
  const auto in_text = [this](std::optional<Position>& position) {
    if (position && position->value >= tokens_) position.reset();
  };
  in_text(wanted.position);
  in_text(wanted.hover);
  wanted.visible = std::clamp(wanted.visible, std::min(kFewestVisible, tokens_), tokens_);
  wanted.first_visible = std::min(wanted.first_visible, Position(tokens_ - wanted.visible));
  return wanted;
}

void SelectionModel::set(Selection wanted) {
  wanted = bounded(wanted);
  if (wanted == now_) return;
  if (!wanted.same_but_hover(now_)) {
    remember(past_, now_);
    future_.clear();
  }
  publish(wanted);
}

void SelectionModel::undo() {
  if (past_.empty()) return;
  remember(future_, now_);
  Selection last = past_.back();
  past_.pop_back();
  last.hover = now_.hover;
  publish(last);
}

void SelectionModel::redo() {
  if (future_.empty()) return;
  remember(past_, now_);
  Selection next = future_.back();
  future_.pop_back();
  next.hover = now_.hover;
  publish(next);
}

void SelectionModel::publish(const Selection& next) {
  const Selection before = now_;
  now_ = next;
  Q_EMIT changed(now_, before);
}

}  // namespace dendrokv
