// The field that finds text: what is found, how many, and the next one.

#include <algorithm>

#include "gui/control_bar.h"
#include "gui/search.h"

namespace dendrokv {

void ControlBar::focus_find() {
  find_->setFocus();
  find_->selectAll();
}

bool ControlBar::leave_find() {
  if (!find_->hasFocus()) return false;
  find_->clearFocus();
  return true;
}

void ControlBar::find(const QString& text) {
  find_->setText(text);
  find_next(1);
}

void ControlBar::show_hits(const QString& text) {
  const Content* content = workspace_.document.content();
  if (!content) return;
  SearchResult result = search_tokens(content->tokens, parse_query(text));
  workspace_.marks.hits = std::move(result.hits);
  find_->setToolTip(result.problem);
  hits_->setToolTip(result.problem);
  if (result.problem.isEmpty())
    show_place_in_hits();
  else
    hits_->setText(QStringLiteral("no pattern"));
  Q_EMIT hits_changed();
}

/// "3 of 12"; of all without one that is looked at.
void ControlBar::show_place_in_hits() {
  const std::vector<PositionRange>& hits = workspace_.marks.hits;
  if (find_->text().isEmpty()) return hits_->clear();
  const std::optional<PositionRange> here = workspace_.selection.now().range;
  const auto at = here ? std::find(hits.begin(), hits.end(), *here) : hits.end();
  const QString count =
      hits.size() == kMostHits ? grouped(hits.size()) + QLatin1Char('+') : grouped(hits.size());
  hits_->setText(at == hits.end() ? count + QStringLiteral(" found")
                                  : grouped(static_cast<uint64_t>(at - hits.begin()) + 1) +
                                        QStringLiteral(" of ") + count);
}

void ControlBar::find_next(int direction) {
  const std::vector<PositionRange>& hits = workspace_.marks.hits;
  if (hits.empty()) return;
  const std::optional<Position> here = workspace_.selection.now().position;
  const auto starts_before = [](const PositionRange& hit, Position at) { return hit.first < at; };
  const auto starts_after = [](Position at, const PositionRange& hit) { return at < hit.first; };
  size_t next = direction > 0 ? 0 : hits.size() - 1;
  if (here) {
    const auto after = direction > 0
                           ? std::upper_bound(hits.begin(), hits.end(), *here, starts_after)
                           : std::lower_bound(hits.begin(), hits.end(), *here, starts_before);
    const size_t index = static_cast<size_t>(after - hits.begin());
    next = direction > 0 ? index % hits.size() : (index + hits.size() - 1) % hits.size();
  }
  workspace_.selection.change([&](Selection& wanted) {
    wanted.position = hits[next].first;
    wanted.range = hits[next];
    const uint32_t end = wanted.first_visible.value + wanted.visible;
    if (hits[next].first < wanted.first_visible || hits[next].first.value >= end)
      wanted.first_visible =
          Position(hits[next].first.value - std::min(hits[next].first.value, wanted.visible / 2));
  });
  show_place_in_hits();
}

}  // namespace dendrokv
