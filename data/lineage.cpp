#include "data/lineage.h"

#include <algorithm>
#include <cmath>

#include "data/error.h"

namespace dendrokv {
namespace {

/// In the cache when the query of `step` attends.
bool seen(std::span<const int32_t> evict_step, size_t position, Step step) {
  return position <= step.value &&
         (evict_step[position] < 0 || static_cast<uint32_t>(evict_step[position]) >= step.value);
}

bool left_by(int32_t evict_step, Step step) {
  return evict_step >= 0 && static_cast<uint32_t>(evict_step) <= step.value;
}

}  // namespace

std::string_view protection_name(Protection protection) {
  constexpr std::string_view kNames[] = {"sink", "recent", "none"};
  return kNames[static_cast<size_t>(protection)];
}

// The recent rows are the last ones of the cache, which nothing has thinned: those of the last
// tokens.
Protection protection(const Run& run, Layer layer, Lane lane, Position position, Step step) {
  DENDROKV_ASSERT(run.retention.kept_after(layer, lane, position, step));
  if (position.value < run.sinks) return Protection::Sink;
  return position.value + run.recent > step.value ? Protection::Recent : Protection::None;
}

std::optional<Duel> duel(const Run& run, Layer layer, Lane lane, Position position) {
  const Retention& retention = run.retention;
  const size_t at = position.index();
  DENDROKV_ASSERT(at < retention.tokens());
  const int32_t left = retention.evict_step(layer, lane)[at];
  if (left < 0) return std::nullopt;
  const int32_t rival = retention.rival(layer, lane)[at];
  Duel found;
  found.position = position;
  found.step = Step(left);
  found.reason = static_cast<Reason>(retention.reason(layer, lane)[at]);
  if (rival >= 0) found.rival = Position(rival);
  found.score = retention.score(layer, lane)[at];
  found.rival_score = retention.rival_score(layer, lane)[at];
  found.margin = found.rival_score - found.score;
  return found;
}

std::optional<Departure> departure(const Run& run, Layer layer, Lane lane, Position position) {
  const std::optional<Duel> lost = duel(run, layer, lane, position);
  if (!lost) return std::nullopt;
  const auto evict_step = run.retention.evict_step(layer, lane);
  const auto rival = run.retention.rival(layer, lane);
  const size_t at = position.index();
  Departure found;
  static_cast<Duel&>(found) = *lost;
  found.rule = run.policy;
  for (size_t other = 0; other <= found.step.value; ++other) {
    const bool there = seen(evict_step, other, found.step);
    found.rows += there;
    found.slot += there && other < at;
    const int32_t left = evict_step[other];
    found.order += left >= 0 && (left < evict_step[at] || (left == evict_step[at] && other < at));
    found.level += rival[other] == static_cast<int32_t>(position.value) && left <= evict_step[at];
  }
  found.unprotected =
      found.step.value + 1 - std::min(found.step.value + 1, position.value + run.recent);
  return found;
}

std::vector<Position> outlived(const Retention& retention, Layer layer, Lane lane,
                               Position position, Step step) {
  const auto evict_step = retention.evict_step(layer, lane);
  const auto rival = retention.rival(layer, lane);
  std::vector<Position> beaten;
  for (size_t other = 0; other < rival.size(); ++other)
    if (rival[other] == static_cast<int32_t>(position.value) && left_by(evict_step[other], step))
      beaten.emplace_back(other);
  std::ranges::stable_sort(beaten, {}, [&](Position other) { return evict_step[other.index()]; });
  return beaten;
}

std::vector<Position> descendants(const Retention& retention, Layer layer, Lane lane,
                                  Position position, Step step) {
  const auto evict_step = retention.evict_step(layer, lane);
  const auto rival = retention.rival(layer, lane);
  const auto none = rival.size();
  // Walks from each position up the chain of winners, remembering the answer on the way.
  enum class Stands : uint8_t { Unknown, Yes, No };
  std::vector<Stands> stands(none, Stands::Unknown);
  stands[position.index()] = Stands::Yes;
  std::vector<size_t> way;
  for (size_t start = 0; start < none; ++start) {
    way.clear();
    size_t at = start;
    while (stands[at] == Stands::Unknown) {
      way.push_back(at);
      stands[at] = Stands::No;
      if (rival[at] < 0 || !left_by(evict_step[at], step)) break;
      at = static_cast<size_t>(rival[at]);
    }
    for (const size_t passed : way) stands[passed] = stands[at];
  }
  std::vector<Position> found;
  for (size_t other = 0; other < none; ++other)
    if (stands[other] == Stands::Yes && other != position.index()) found.emplace_back(other);
  return found;
}

std::vector<Position> winners(const Retention& retention, Layer layer, Lane lane, Position position,
                              Step step) {
  const auto evict_step = retention.evict_step(layer, lane);
  const auto rival = retention.rival(layer, lane);
  std::vector<Position> chain;
  size_t at = position.index();
  while (left_by(evict_step[at], step) && rival[at] >= 0) {
    at = static_cast<size_t>(rival[at]);
    chain.emplace_back(at);
  }
  return chain;
}

}  // namespace dendrokv
