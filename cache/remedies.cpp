#include "cache/remedies.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "cache/policies.h"
#include "data/error.h"

namespace dendrokv {
namespace {

/// Whether the full spec of a policy, "name:key=value,...", begins a key so: "sinks=", "scope=2,".
bool says(const Run& run, std::string_view beginning) {
  const std::string text = run.policy + ",";
  for (const char before : {':', ','})
    if (text.find(before + std::string(beginning)) != std::string::npos) return true;
  return false;
}

/// Nothing is known of a policy that this version does not have, or whose budget map is gone.
PolicyShape shape_on_record(const Run& run) {
  try {
    return policy_of(run).shape();
  } catch (const Error&) {
    return {};
  }
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

/// The pair one place on leaves out its older row, one place back its newer one. There is no place
/// beyond the protected rows.
std::optional<Remedy> other_cursor(const Run& run, const Cut& cut) {
  if (!cut.left.rival) return std::nullopt;
  const uint32_t protected_rows = run.sinks + run.recent, places = cut.rows - 1 - protected_rows;
  const bool is_older = *cut.left.rival > cut.left.position;
  const uint32_t place = cut.slot - run.sinks - (is_older ? 0 : 1);
  if (is_older ? place + 1 >= places : place == 0) return std::nullopt;
  return Remedy{Remedy::Kind::Cursor, is_older ? 1.0 : -1.0};
}

}  // namespace

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
  const PolicyShape shape = shape_on_record(run);
  std::vector<Remedy> remedies;
  if (says(run, "sinks=")) remedies.push_back({Remedy::Kind::Sinks, left.position.value + 1.0});
  if (says(run, "recent="))
    remedies.push_back({Remedy::Kind::Recent, left.step.value - left.position.value + 1.0});
  const bool duel_of_blocks =
      shape.prompt_cut == PromptCut::Blocks && left.step.value + 1 == shape.prompt;
  const bool by_rank = !duel_of_blocks && leave_by_rank(cut);
  const bool one_ranking = by_rank && shape.contest != Contest::Parts;
  const size_t rows = one_ranking ? rank_from_the_top(cut) : cut.leaving.size();
  remedies.push_back({Remedy::Kind::Rows, static_cast<double>(rows)});
  if (by_rank && left.reason == Reason::Tie && last_by_other_rule(cut, !says(run, "tie=right,")))
    remedies.push_back({Remedy::Kind::Tie, 0});
  if (shape.contest == Contest::CursorPair && !duel_of_blocks)
    if (const auto cursor = other_cursor(run, cut)) remedies.push_back(*cursor);
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
    const bool there = run.retention.seen_by(layer, lane, Position(other), left->step);
    cut.rows += there;
    cut.slot += there && other < position.index();
    if (evict_step[other] == static_cast<int32_t>(left->step.value))
      cut.leaving.push_back(*duel(run, layer, lane, Position(other)));
  }
  return what_would_have_kept(run, cut);
}

}  // namespace dendrokv
