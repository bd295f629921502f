#include "gui/token_history.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "cache/remedies.h"
#include "data/lineage.h"
#include "gui/style.h"

namespace dendrokv {
namespace {

constexpr size_t kLongestChain = 12;
constexpr size_t kMostOutlived = 6;

/// "0.0123 : 0.0145 · margin 15.2 %" under the token that lost; nothing when nothing was compared.
void add_duel(const LaneStory& story, Position loser, Section& section) {
  const auto left = duel(story.run, story.lane.layer, story.lane.lane, loser);
  if (!left || std::isnan(left->margin)) return;
  const float larger = std::max(std::abs(left->score), std::abs(left->rival_score));
  QString text = to_qt(short_number(left->score)) + QStringLiteral(" : ") +
                 to_qt(short_number(left->rival_score));
  if (larger > 0)
    text += QStringLiteral(" · margin ") + percent(double{left->margin} / double{larger});
  section.entries.push_back({EntryKind::Duel, text, {}, {}, {}, 0});
}

Entry link(const LaneStory& story, Position position) {
  const bool gone = story.gone(position);
  return {EntryKind::Link,
          story.quoted(position),
          with_number("at %1", position.value),
          gone ? with_number("until %1", static_cast<uint64_t>(story.evict_step(position)))
               : QStringLiteral("still kept"),
          story.state(position),
          0};
}

/// position -> who took its place -> who took theirs ..., to one that is still there.
Section chain_of_winners(const LaneStory& story, Position position) {
  Section section{QStringLiteral("Chain of winners"), {}};
  std::vector<Position> chain = {position};
  const std::vector<Position> above =
      winners(story.run.retention, story.lane.layer, story.lane.lane, position, story.step);
  chain.insert(chain.end(), above.begin(), above.end());
  const size_t hidden = chain.size() > kLongestChain ? chain.size() - kLongestChain : 0;
  for (size_t i = 0; i < chain.size(); ++i) {
    if (hidden > 0 && i == kLongestChain - 2)
      section.entries.push_back(note(with_number("… %1 more …", hidden + 1)));
    if (hidden > 0 && i >= kLongestChain - 2 && i + 1 < chain.size()) continue;
    section.entries.push_back(link(story, chain[i]));
    if (i + 1 < chain.size()) add_duel(story, chain[i], section);
  }
  return section;
}

/// Those it beat itself, the latest first, and how much of the text it stands for.
Section outlived_tokens(const LaneStory& story, Position position) {
  const std::vector<Position> below = story.index().descendants(position, story.step);
  Section section{QStringLiteral("Subtree it outlived"), {}};
  section.entries.push_back(
      fact(QStringLiteral("stands for"), with_number("%1 tokens", below.size())));
  if (!below.empty())
    section.entries.push_back(
        fact(QStringLiteral("from position"),
             with_number("%1 to ", below.front().value) + grouped(below.back().value)));
  std::vector<Position> beaten = story.index().outlived(position, story.step);
  std::reverse(beaten.begin(), beaten.end());
  for (size_t i = 0; i < beaten.size() && i < kMostOutlived; ++i) {
    section.entries.push_back(link(story, beaten[i]));
    add_duel(story, beaten[i], section);
  }
  if (beaten.size() > kMostOutlived)
    section.entries.push_back(
        note(with_number("and %1 more won directly", beaten.size() - kMostOutlived)));
  return section;
}

/// All that left with it, and its place among the rows that were there: those kept after the step
/// before, and the newcomer.
Cut cut_of(const LaneStory& story, const Duel& left) {
  Cut cut{.left = left, .leaving = {}};
  const auto look_at = [&](Position position) {
    ++cut.rows;
    cut.slot += position < left.position;
    if (story.evict_step(position) == static_cast<int32_t>(left.step.value))
      cut.leaving.push_back(*duel(story.run, story.lane.layer, story.lane.lane, position));
  };
  if (left.step.value > 0)
    story.index().for_each_kept({0, left.step.index()}, Step(left.step.value - 1), look_at);
  look_at(Position(left.step.value));
  return cut;
}

Section remedies(const LaneStory& story, Position position) {
  Section section{QStringLiteral("What would have kept it then"), {}};
  static const char* const kMeaning[] = {"as a sink", "as recent", "room",
                                         "tie rule",  "pair",      "score"};
  const std::optional<Duel> left = duel(story.run, story.lane.layer, story.lane.lane, position);
  if (!left) return section;
  for (const Remedy& remedy : what_would_have_kept(story.run, cut_of(story, *left)))
    section.entries.push_back(fact(QString::fromUtf8(kMeaning[static_cast<size_t>(remedy.kind)]),
                                   to_qt(remedy_text(remedy))));
  return section;
}

/// The lane of another run that stands for this one's: at the same fraction of the layer.
Lane same_lane(const Run& from, const Run& to, Lane lane) {
  return Lane(lane.value * to.retention.lanes() / from.retention.lanes());
}

/// What every other run over the text had done with the token by now.
Section other_policies(const LaneStory& story, Position position) {
  Section section{QStringLiteral("Under other policies"), {}};
  for (size_t index = 0; index < story.content.runs.size(); ++index) {
    const Run& run = story.content.runs[index];
    if (&run == &story.run || run.budget == 0) continue;
    const LaneId lane{story.lane.layer, same_lane(story.run, run, story.lane.lane)};
    const int32_t left = run.retention.evict_step(lane.layer, lane.lane)[position.index()];
    const TokenState state = story.content.index(index).state(lane, position, story.step);
    const QString fate = !state.kept()     ? with_number("left at %1", static_cast<uint64_t>(left))
                         : state.level > 0 ? QStringLiteral("kept, level %1").arg(state.level)
                                           : QStringLiteral("kept");
    section.entries.push_back(fact(to_qt(run_title(run)), fate));
  }
  return section;
}

Section other_lanes(const Run& run, Position position, Step step) {
  const uint32_t all = run.retention.layers() * run.retention.lanes();
  const uint32_t keep = lanes_that_keep(run, position, step);
  Section section{QStringLiteral("In all lanes"), {}};
  Entry kept = share(QStringLiteral("kept at this step"), keep, all);
  kept.value += QStringLiteral(" lanes");
  section.entries.push_back(std::move(kept));
  return section;
}

}  // namespace

std::vector<Section> token_history(const LaneStory& story, Position position) {
  const TokenState state = story.state(position);
  std::vector<Section> sections;
  if (state.place == Place::NotYet) return sections;
  const bool gone = state.place == Place::Evicted;
  if (gone && story.rival(position) >= 0) sections.push_back(chain_of_winners(story, position));
  if (gone) sections.push_back(remedies(story, position));
  if (state.level > 0) sections.push_back(outlived_tokens(story, position));
  Section policies = other_policies(story, position);
  if (!policies.entries.empty()) sections.push_back(std::move(policies));
  sections.push_back(other_lanes(story.run, position, story.step));
  return sections;
}

}  // namespace dendrokv
