#include "data/lineage.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "data/error.h"

namespace dendrokv {
namespace {

/// In the cache when the query of `step` attends.
bool seen(std::span<const int32_t> evict_step, size_t position, Step step) {
  return position <= step.value &&
         (evict_step[position] < 0 || static_cast<uint32_t>(evict_step[position]) >= step.value);
}

/// Whether the full spec of a policy, "name:key=value,...", begins a key so: "sinks=", "scope=2,".
bool says(const Run& run, std::string_view beginning) {
  const std::string text = run.policy + ",";
  for (const char before : {':', ','})
    if (text.find(before + std::string(beginning)) != std::string::npos) return true;
  return false;
}

bool is_tree(const Run& run) {
  return run.policy.starts_with("treekv:");
}

/// By score against one threshold: who would have gone next is the rival of them all.
bool leave_by_rank(const Cut& cut) {
  return std::ranges::all_of(cut.leaving, [&](const Duel& duel) {
    return duel.rival && duel.rival == cut.leaving[0].rival && !std::isnan(duel.score);
  });
}

/// Rows of a cut that scored no less, the one that left among them.
size_t rank_from_the_top(const Cut& cut) {
  return static_cast<size_t>(std::ranges::count_if(
      cut.leaving, [&](const Duel& other) { return other.score >= cut.left.score; }));
}

/// Whether the other tie rule would drop all its equals first.
bool last_by_other_rule(const Cut& cut, bool older_leave) {
  return std::ranges::none_of(cut.leaving, [&](const Duel& other) {
    return other.score == cut.left.score &&
           (older_leave ? other.position < cut.left.position : other.position > cut.left.position);
  });
}

/// TreeKV's pair one place on leaves out its older row, one place back its newer one. There is no
/// place beyond the tree's ends.
std::optional<Remedy> other_cursor(const Run& run, const Cut& cut) {
  if (!is_tree(run) || !says(run, "scope=2,") || !says(run, "pick=cursor,") || !cut.left.rival)
    return std::nullopt;
  const uint32_t protected_rows = run.sinks + run.recent, places = cut.rows - 1 - protected_rows;
  const bool is_older = *cut.left.rival > cut.left.position;
  const uint32_t place = cut.slot - run.sinks - (is_older ? 0 : 1);
  if (is_older ? place + 1 >= places : place == 0) return std::nullopt;
  return Remedy{Remedy::Kind::Cursor, is_older ? 1.0 : -1.0};
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

std::string remedy_text(const Remedy& remedy) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), remedy.amount,
                                 std::chars_format::general, 4)
                       .ptr;
  std::string amount(buffer.data(), end);
  if (remedy.kind != Remedy::Kind::Score) amount = std::to_string(std::llround(remedy.amount));
  switch (remedy.kind) {
    case Remedy::Kind::Sinks:
      return "sinks >= " + amount;
    case Remedy::Kind::Recent:
      return "recent >= " + amount;
    case Remedy::Kind::Rows:
      return amount + (remedy.amount == 1 ? " row more" : " rows more");
    case Remedy::Kind::Tie:
      return "the other tie rule";
    case Remedy::Kind::Cursor:
      return remedy.amount > 0 ? "the cursor one row further on" : "the cursor one row back";
    case Remedy::Kind::Score:
      return "a score higher by more than " + amount;
  }
  return {};
}

std::vector<Remedy> what_would_have_kept(const Run& run, const Cut& cut) {
  const Duel& left = cut.left;
  std::vector<Remedy> remedies;
  if (says(run, "sinks=")) remedies.push_back({Remedy::Kind::Sinks, left.position.value + 1.0});
  if (says(run, "recent="))
    remedies.push_back({Remedy::Kind::Recent, left.step.value - left.position.value + 1.0});
  const bool duel_of_blocks =
      is_tree(run) && says(run, "prompt=" + std::to_string(left.step.value + 1) + ",");
  const bool by_rank = !duel_of_blocks && leave_by_rank(cut);
  // One for each part of the text.
  const bool one_ranking = by_rank && !run.policy.starts_with("geo-topk:");
  const size_t rows = one_ranking ? rank_from_the_top(cut) : cut.leaving.size();
  remedies.push_back({Remedy::Kind::Rows, static_cast<double>(rows)});
  if (by_rank && left.reason == Reason::Tie && last_by_other_rule(cut, !says(run, "tie=right,")))
    remedies.push_back({Remedy::Kind::Tie, 0});
  if (const auto cursor = other_cursor(run, cut); cursor && !duel_of_blocks)
    remedies.push_back(*cursor);
  if (by_rank) remedies.push_back({Remedy::Kind::Score, static_cast<double>(left.margin)});
  return remedies;
}

std::vector<Remedy> what_would_have_kept(const Run& run, Layer layer, Lane lane,
                                         Position position) {
  const std::optional<Duel> left = duel(run, layer, lane, position);
  if (!left) return {};
  const auto evict_step = run.retention.evict_step(layer, lane);
  Cut cut{.left = *left, .leaving = {}};
  for (size_t other = 0; other <= left->step.index(); ++other) {
    const bool there = seen(evict_step, other, left->step);
    cut.rows += there;
    cut.slot += there && other < position.index();
    if (evict_step[other] == static_cast<int32_t>(left->step.value))
      cut.leaving.push_back(*duel(run, layer, lane, Position(other)));
  }
  return what_would_have_kept(run, cut);
}

}  // namespace dendrokv
