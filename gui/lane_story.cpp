#include "gui/lane_story.h"

#include <algorithm>
#include <cmath>

#include "cache/remedies.h"
#include "data/lineage.h"
#include "gui/search.h"
#include "gui/style.h"
#include "gui/text_layout.h"

namespace dendrokv {
namespace {

constexpr size_t kLongestChain = 12;
constexpr size_t kMostOutlived = 6;

/// Value of a key in the run's policy spec, or empty.
std::string option_of(const Run& run, const std::string& key) {
  const size_t at = run.policy.find(key + "=");
  if (at == std::string::npos) return {};
  const size_t begin = at + key.size() + 1;
  return run.policy.substr(begin, run.policy.find(',', begin) - begin);
}

/// What the rows of TreeKV's duels compare, by the name of its option.
QString compared_scores(const Run& run) {
  struct Row {
    const char *name, *words;
  };
  static constexpr Row kRows[] = {{"sum", "sum of attention"},
                                  {"last", "attention of the last query"},
                                  {"ema", "fading mean of attention"},
                                  {"value", "attention times value"}};
  const std::string score = option_of(run, "score");
  for (const Row& row : kRows)
    if (score == row.name) return QString::fromUtf8(row.words);
  return QStringLiteral("mean attention");
}

/// Where TreeKV's duels take place, by the name of its option.
QString place_of_duel(const Run& run) {
  const std::string pick = option_of(run, "pick");
  if (pick == "random") return QStringLiteral("duel at a place drawn at random");
  if (pick == "gap") return QStringLiteral("duel where rows lie closest");
  return QStringLiteral("duel at the cursor");
}

QString rule_text(const LaneStory& story, Position position) {
  const bool duels = story.run.policy.starts_with("treekv:");
  const bool has_rival = story.rival(position) >= 0;
  switch (story.reason(position)) {
    case Reason::Lost:
      return duels ? place_of_duel(story.run) + QStringLiteral(", lower ") +
                         compared_scores(story.run)
                   : QStringLiteral("scored lower than those that stayed");
    case Reason::Tie:
      return duels ? place_of_duel(story.run) + QStringLiteral(", equal scores")
                   : QStringLiteral("scored as low as one that stayed");
    case Reason::Rule:
      return duels && has_rival ? QStringLiteral("duel decided by place, not by attention")
                                : QStringLiteral("by the policy's rule, nothing compared");
    case Reason::Kept:
    case Reason::Sink:
    case Reason::Recent:
      break;
  }
  return QStringLiteral("kept");
}

void add_scores(const LaneStory& story, Position position, Section& section) {
  const float own = story.run.retention.score(story.lane.layer, story.lane.lane)[position.index()];
  const float other =
      story.run.retention.rival_score(story.lane.layer, story.lane.lane)[position.index()];
  if (std::isnan(own) || std::isnan(other)) return;
  section.entries.push_back(
      fact(QStringLiteral("score against the winner's"),
           to_qt(short_number(own)) + QStringLiteral("  :  ") + to_qt(short_number(other))));
  const float larger = std::max(own, other);
  if (larger > 0)
    section.entries.push_back(
        fact(QStringLiteral("margin"),
             QStringLiteral("%1 %").arg(100.0 * double{std::abs(other - own)} / double{larger}, 0,
                                        'f', 1)));
}

void add_departure(const LaneStory& story, Position position, TokenState state, Section& section) {
  const int32_t left = story.evict_step(position);
  const uint64_t stay = static_cast<uint64_t>(left) - position.value;
  section.entries.push_back(
      fact(QStringLiteral("left at step"), grouped(static_cast<uint64_t>(left))));
  section.entries.push_back(
      fact(QStringLiteral("in the cache for"), with_number("%1 steps", stay)));
  section.entries.push_back(
      fact(QStringLiteral("tree level reached"), QString::number(state.level)));
  const int32_t rival = story.rival(position);
  if (rival >= 0)
    section.entries.push_back(
        fact(QStringLiteral("lost to"),
             story.quoted(Position(rival)) + with_number("  at %1", static_cast<uint64_t>(rival))));
  add_scores(story, position, section);
  section.entries.push_back(fact(QStringLiteral("rule"), rule_text(story, position)));
}

void add_stay(const LaneStory& story, Position position, TokenState state, Section& section) {
  section.entries.push_back(fact(QStringLiteral("stands as"), place_name(state)));
  section.entries.push_back(fact(QStringLiteral("in the cache for"),
                                 with_number("%1 steps", story.step.value - position.value)));
  const int32_t left = story.evict_step(position);
  section.entries.push_back(
      fact(QStringLiteral("will leave at step"),
           left < 0 ? QStringLiteral("never") : grouped(static_cast<uint64_t>(left))));
}

/// By what the step's query gave to the rows it saw: the order in which TOVA would drop them.
void add_rank(const RowSnapshot& row, Position position, Section& section) {
  const float own = row.weight[position.index()];
  if (std::isnan(own)) return;
  section.entries.push_back(
      fact(QStringLiteral("its rank among the rows seen"),
           with_number("%1 of ", row.rank_of(own)) + grouped(row.ranked.size())));
}

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

QString LaneStory::quoted(Position p) const {
  return quoted_piece(content.tokens.piece(p), 16);
}

QString card_title(TokenState state) {
  switch (state.place) {
    case Place::Evicted:
      return QStringLiteral("Why was it evicted?");
    case Place::NotYet:
      return QStringLiteral("Not read yet");
    case Place::Sink:
    case Place::Recent:
    case Place::Tree:
      return QStringLiteral("Still in the cache");
  }
  return {};
}

Section token_facts(const LaneStory& story, Position position, const RowSnapshot* row) {
  const TokenState state = story.state(position);
  Section section;
  if (state.place == Place::Evicted) add_departure(story, position, state, section);
  if (state.kept()) add_stay(story, position, state, section);
  if (state.place == Place::NotYet)
    section.entries.push_back(fact(QStringLiteral("read at step"), grouped(position.value)));
  if (row && position.index() < row->weight.size()) {
    const float weight = row->weight[position.index()];
    section.entries.push_back(fact(
        QStringLiteral("attention at this step"),
        std::isnan(weight) ? QStringLiteral("not in the cache") : to_qt(short_number(weight))));
    add_rank(*row, position, section);
  }
  return section;
}

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

Section passage_story(const LaneStory& story, PositionRange range) {
  const NeedleStory told = needle_story(story.run, range, story.lane, story.step);
  Section section{QStringLiteral("Marked passage"), {}};
  section.entries.push_back(note(needle_text(told, story.run)));
  section.entries.push_back(
      fact(QStringLiteral("positions"),
           with_number("%1 to ", range.first.value) + grouped(range.last.value)));
  section.entries.push_back(fact(QStringLiteral("tokens held here"),
                                 with_number("%1 of ", told.rows_here) + grouped(told.rows)));
  section.entries.push_back(
      share(QStringLiteral("lanes that hold all of it"), told.lanes - told.lost, told.lanes));
  if (told.half_lost)
    section.entries.push_back(
        fact(QStringLiteral("lost by half of them at step"), grouped(told.half_lost->value)));
  return section;
}

}  // namespace dendrokv
