#include "gui/lane_story.h"

#include <algorithm>
#include <cmath>

#include "gui/search.h"
#include "gui/style.h"
#include "gui/text_layout.h"

namespace dendrokv {
namespace {

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
