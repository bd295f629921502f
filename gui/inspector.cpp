#include "gui/inspector.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "data/lineage.h"
#include "gui/search.h"
#include "gui/style.h"
#include "gui/text_layout.h"

namespace dendrokv {
namespace {

constexpr size_t kLongestChain = 12;
constexpr size_t kMostOutlived = 6;

/// One lane of one run, with the questions the panel asks of it.
struct LaneStory {
  const Content& content;
  const Run& run;
  LaneId lane;
  Step step;

  int32_t evict_step(Position p) const {
    return run.retention.evict_step(lane.layer, lane.lane)[p.index()];
  }
  int32_t rival(Position p) const { return run.retention.rival(lane.layer, lane.lane)[p.index()]; }
  bool gone(Position p) const {
    return evict_step(p) >= 0 && evict_step(p) <= static_cast<int32_t>(step.value);
  }
  Reason reason(Position p) const {
    return static_cast<Reason>(run.retention.reason(lane.layer, lane.lane)[p.index()]);
  }
  QString quoted(Position p) const { return quoted_piece(content.tokens.piece(p), 16); }
};

Entry fact(const QString& label, const QString& value) {
  return {EntryKind::Fact, label, {}, value, {}, 0};
}

Entry note(const QString& text) {
  return {EntryKind::Note, text, {}, {}, {}, 0};
}

QString tr_number(const char* text, uint64_t number) {
  return QString::fromUtf8(text).arg(grouped(number));
}

/// Value of a key in the run's policy spec, or empty.
std::string option_of(const Run& run, const std::string& key) {
  const size_t at = run.policy.find(key + "=");
  if (at == std::string::npos) return {};
  const size_t begin = at + key.size() + 1;
  return run.policy.substr(begin, run.policy.find(',', begin) - begin);
}

QString rule_text(const LaneStory& story, Position position) {
  const std::string score = option_of(story.run, "score");
  const QString what = score.empty() || score == "mean" ? QStringLiteral("mean attention")
                                                        : to_qt(score) + QStringLiteral(" score");
  switch (story.reason(position)) {
    case Reason::Lost:
      return QStringLiteral("duel at the cursor, lower ") + what;
    case Reason::Tie:
      return QStringLiteral("duel at the cursor, equal scores");
    case Reason::Rule:
      return story.rival(position) >= 0 ? QStringLiteral("duel decided by place, not by attention")
                                        : QStringLiteral("left the window, nothing compared");
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
  section.entries.push_back(fact(QStringLiteral("in the cache for"), tr_number("%1 steps", stay)));
  section.entries.push_back(
      fact(QStringLiteral("tree level reached"), QString::number(state.level)));
  const int32_t rival = story.rival(position);
  if (rival >= 0)
    section.entries.push_back(
        fact(QStringLiteral("lost to"),
             story.quoted(Position(rival)) + tr_number("  at %1", static_cast<uint64_t>(rival))));
  add_scores(story, position, section);
  section.entries.push_back(fact(QStringLiteral("rule"), rule_text(story, position)));
}

void add_stay(const LaneStory& story, Position position, TokenState state, Section& section) {
  section.entries.push_back(fact(QStringLiteral("stands as"), place_name(state)));
  section.entries.push_back(fact(QStringLiteral("in the cache for"),
                                 tr_number("%1 steps", story.step.value - position.value)));
  const int32_t left = story.evict_step(position);
  section.entries.push_back(
      fact(QStringLiteral("will leave at step"),
           left < 0 ? QStringLiteral("never") : grouped(static_cast<uint64_t>(left))));
}

void add_rank(const RowSnapshot& row, Position position, Section& section);

Section lane_card(const LaneStory& story, Position position, TokenState state,
                  const RowSnapshot* row) {
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

QString percent(double fraction) {
  return QStringLiteral("%1 %").arg(100 * fraction, 0, 'f', 1);
}

/// "0.0123 : 0.0145 · margin 15.2 %" under the token that lost; nothing when nothing was compared.
void add_duel(const LaneStory& story, Position loser, Section& section) {
  const auto left = departure(story.run, story.lane.layer, story.lane.lane, loser);
  if (!left || std::isnan(left->margin)) return;
  const float larger = std::max(std::abs(left->score), std::abs(left->rival_score));
  QString text = to_qt(short_number(left->score)) + QStringLiteral(" : ") +
                 to_qt(short_number(left->rival_score));
  if (larger > 0)
    text += QStringLiteral(" · margin ") + percent(double{left->margin} / double{larger});
  section.entries.push_back({EntryKind::Duel, text, {}, {}, {}, 0});
}

Entry link(const LaneStory& story, Position position, std::span<const TokenState> states) {
  const bool gone = story.gone(position);
  return {EntryKind::Link,
          story.quoted(position),
          tr_number("at %1", position.value),
          gone ? tr_number("until %1", static_cast<uint64_t>(story.evict_step(position)))
               : QStringLiteral("still kept"),
          states[position.index()],
          0};
}

/// position -> who took its place -> who took theirs ..., to one that is still there.
Section chain_of_winners(const LaneStory& story, Position position,
                         std::span<const TokenState> states) {
  Section section{QStringLiteral("Chain of winners"), {}};
  std::vector<Position> chain = {position};
  const std::vector<Position> above =
      winners(story.run.retention, story.lane.layer, story.lane.lane, position, story.step);
  chain.insert(chain.end(), above.begin(), above.end());
  const size_t hidden = chain.size() > kLongestChain ? chain.size() - kLongestChain : 0;
  for (size_t i = 0; i < chain.size(); ++i) {
    if (hidden > 0 && i == kLongestChain - 2)
      section.entries.push_back(note(tr_number("… %1 more …", hidden + 1)));
    if (hidden > 0 && i >= kLongestChain - 2 && i + 1 < chain.size()) continue;
    section.entries.push_back(link(story, chain[i], states));
    if (i + 1 < chain.size()) add_duel(story, chain[i], section);
  }
  return section;
}

/// Those it beat itself, the latest first, and how much of the text it stands for.
Section outlived_tokens(const LaneStory& story, Position position,
                        std::span<const TokenState> states) {
  const Retention& retention = story.run.retention;
  const std::vector<Position> below =
      descendants(retention, story.lane.layer, story.lane.lane, position, story.step);
  Section section{QStringLiteral("Subtree it outlived"), {}};
  section.entries.push_back(
      fact(QStringLiteral("stands for"), tr_number("%1 tokens", below.size())));
  if (!below.empty())
    section.entries.push_back(
        fact(QStringLiteral("from position"),
             tr_number("%1 to ", below.front().value) + grouped(below.back().value)));
  std::vector<Position> beaten =
      outlived(retention, story.lane.layer, story.lane.lane, position, story.step);
  std::reverse(beaten.begin(), beaten.end());
  for (size_t i = 0; i < beaten.size() && i < kMostOutlived; ++i) {
    section.entries.push_back(link(story, beaten[i], states));
    add_duel(story, beaten[i], section);
  }
  if (beaten.size() > kMostOutlived)
    section.entries.push_back(
        note(tr_number("and %1 more won directly", beaten.size() - kMostOutlived)));
  return section;
}

Section remedies(const LaneStory& story, Position position) {
  Section section{QStringLiteral("What would have kept it then"), {}};
  static const char* const kMeaning[] = {"as a sink", "as recent", "room",
                                         "tie rule",  "pair",      "score"};
  for (const Remedy& remedy :
       what_would_have_kept(story.run, story.lane.layer, story.lane.lane, position))
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
    const QString fate = !state.kept()     ? tr_number("left at %1", static_cast<uint64_t>(left))
                         : state.level > 0 ? QStringLiteral("kept, level %1").arg(state.level)
                                           : QStringLiteral("kept");
    section.entries.push_back(fact(to_qt(run_title(run)), fate));
  }
  return section;
}

/// By what the step's query gave to the rows it saw: the order in which TOVA would drop them.
void add_rank(const RowSnapshot& row, Position position, Section& section) {
  const float own = row.weight[position.index()];
  if (std::isnan(own)) return;
  size_t seen = 0, better = 0;
  for (const float weight : row.weight) {
    seen += !std::isnan(weight);
    better += weight > own;
  }
  section.entries.push_back(fact(QStringLiteral("its rank among the rows seen"),
                                 tr_number("%1 of ", better + 1) + grouped(seen)));
}

Section needle(const LaneStory& story, PositionRange range) {
  const NeedleStory told = needle_story(story.run, range, story.lane, story.step);
  Section section{QStringLiteral("Marked passage"), {}};
  section.entries.push_back(note(needle_text(told, story.run)));
  section.entries.push_back(
      fact(QStringLiteral("positions"),
           tr_number("%1 to ", range.first.value) + grouped(range.last.value)));
  section.entries.push_back(fact(QStringLiteral("tokens held here"),
                                 tr_number("%1 of ", told.rows_here) + grouped(told.rows)));
  section.entries.push_back({EntryKind::Share,
                             QStringLiteral("lanes that hold all of it"),
                             {},
                             tr_number("%1 of ", told.lanes - told.lost) + grouped(told.lanes),
                             {},
                             1 - static_cast<double>(told.lost) / std::max(1u, told.lanes)});
  if (told.half_lost)
    section.entries.push_back(
        fact(QStringLiteral("lost by half of them at step"), grouped(told.half_lost->value)));
  return section;
}

Section other_lanes(const Run& run, Position position, Step step) {
  const uint32_t all = run.retention.layers() * run.retention.lanes();
  const uint32_t keep = lanes_that_keep(run, position, step);
  Section section{QStringLiteral("In all lanes"), {}};
  section.entries.push_back({EntryKind::Share,
                             QStringLiteral("kept at this step"),
                             {},
                             tr_number("%1 of ", keep) + tr_number("%1 lanes", all),
                             {},
                             static_cast<double>(keep) / all});
  return section;
}

/// Share of a full cache's attention that falls on what the lane shows its query.
std::optional<double> retained(const LaneStory& story, const RowSnapshot* row) {
  if (!row || story.run.mode != RunMode::OpenLoop) return std::nullopt;
  double kept = 0, all = 0;
  for (size_t p = 0; p < row->weight.size(); ++p) {
    if (std::isnan(row->weight[p])) return std::nullopt;
    all += double{row->weight[p]};
    if (story.run.retention.seen_by(story.lane.layer, story.lane.lane, Position(p), story.step))
      kept += double{row->weight[p]};
  }
  if (!(all > 0)) return std::nullopt;
  return kept / all;
}

Section lane_now(const LaneStory& story, std::span<const TokenState> states,
                 const RowSnapshot* row) {
  const Census counts = census(states);
  Section section{tr_number("This lane after step %1", story.step.value), {}};
  section.entries.push_back(fact(
      QStringLiteral("rows held"),
      tr_number("%1 of ", counts.kept()) + tr_number("%1 read", story.step.value + uint64_t{1})));
  const auto oldest = std::find_if(states.begin(), states.end(), [](const TokenState& state) {
    return state.place == Place::Tree;
  });
  if (oldest != states.end() && story.run.budget > 0)
    section.entries.push_back(fact(QStringLiteral("oldest tree token"),
                                   grouped(static_cast<uint64_t>(oldest - states.begin()))));
  if (const std::optional<double> share = retained(story, row))
    section.entries.push_back({EntryKind::Share,
                               QStringLiteral("full attention that falls on them"),
                               {},
                               QStringLiteral("%1 %").arg(100 * *share, 0, 'f', 1),
                               {},
                               *share});
  return section;
}

Section legend(const Run& run, std::span<const TokenState> states) {
  const Census counts = census(states);
  Section section{QStringLiteral("Levels"), {}};
  const auto add = [&section](TokenState state, uint32_t count) {
    section.entries.push_back({EntryKind::Legend, place_name(state), {}, grouped(count), state, 0});
  };
  if (run.sinks > 0 || counts.sinks > 0) add({Place::Sink, 0}, counts.sinks);
  if (run.recent > 0 || counts.recent > 0) add({Place::Recent, 0}, counts.recent);
  for (size_t level = 0; level < counts.level.size(); ++level)
    add({Place::Tree, static_cast<uint16_t>(level)}, counts.level[level]);
  add({Place::Evicted, 0}, counts.evicted);
  if (counts.not_yet > 0) add({Place::NotYet, 0}, counts.not_yet);
  return section;
}

bool answers(const RowSnapshot* row, const std::optional<RowRequest>& wanted) {
  return row && wanted && row->request == *wanted;
}

void add_history(const LaneStory& story, Position position, std::span<const TokenState> states,
                 Inspection& inspection) {
  const TokenState state = states[position.index()];
  if (state.place == Place::NotYet) return;
  if (state.place == Place::Evicted && story.rival(position) >= 0)
    inspection.sections.push_back(chain_of_winners(story, position, states));
  if (state.place == Place::Evicted) inspection.sections.push_back(remedies(story, position));
  if (state.level > 0) inspection.sections.push_back(outlived_tokens(story, position, states));
  Section policies = other_policies(story, position);
  if (!policies.entries.empty()) inspection.sections.push_back(std::move(policies));
  inspection.sections.push_back(other_lanes(story.run, position, story.step));
}

Inspection inspect_lane(const Content& content, const Selection& selection,
                        const RowSnapshot* row) {
  const LaneStory story{
      content, content.runs[selection.run], {selection.layer, selection.lane}, selection.step};
  const auto kept = content.index(selection.run).all_states(story.lane, selection.step);
  const std::span<const TokenState> states = *kept;
  Inspection inspection;
  if (const std::optional<Position> position = selection.focus()) {
    const TokenState state = states[position->index()];
    inspection.card = {card_title(state), quoted_piece(content.tokens.piece(*position)),
                       tr_number("position %1", position->value)};
    inspection.sections.push_back(lane_card(story, *position, state, row));
    add_history(story, *position, states, inspection);
  }
  if (selection.range) inspection.sections.push_back(needle(story, *selection.range));
  inspection.sections.push_back(lane_now(story, states, row));
  inspection.sections.push_back(legend(story.run, states));
  return inspection;
}

/// Steps at which lanes dropped a position, rising.
std::vector<int32_t> departures(const Run& run, std::span<const LaneId> lanes, Position position) {
  std::vector<int32_t> steps;
  for (const LaneId& id : lanes) {
    const int32_t step = run.retention.evict_step(id.layer, id.lane)[position.index()];
    if (step >= 0) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

Section mean_card(const Run& run, std::span<const LaneId> lanes, Position position, Step step) {
  Section section;
  const std::vector<int32_t> left = departures(run, lanes, position);
  const auto gone = static_cast<size_t>(
      std::upper_bound(left.begin(), left.end(), static_cast<int32_t>(step.value)) - left.begin());
  const size_t keep = lanes.size() - gone;
  section.entries.push_back({EntryKind::Share,
                             QStringLiteral("lanes that keep it"),
                             {},
                             tr_number("%1 of ", keep) + grouped(lanes.size()),
                             {},
                             static_cast<double>(keep) / static_cast<double>(lanes.size())});
  if (gone > 0) {
    section.entries.push_back(
        fact(QStringLiteral("first lost at step"), grouped(static_cast<uint64_t>(left[0]))));
    section.entries.push_back(fact(QStringLiteral("half of the losses by step"),
                                   grouped(static_cast<uint64_t>(left[(gone - 1) / 2]))));
    section.entries.push_back(
        fact(QStringLiteral("last lost at step"), grouped(static_cast<uint64_t>(left[gone - 1]))));
  }
  return section;
}

Inspection inspect_mean(const Content& content, const Selection& selection) {
  const Run& run = content.runs[selection.run];
  const std::vector<LaneId> lanes =
      selection.scope == LaneScope::AllMean ? all_lanes(run) : lanes_of_layer(run, selection.layer);
  Inspection inspection;
  const std::optional<Position> position = selection.focus();
  if (position && position->value <= selection.step.value) {
    inspection.card = {QStringLiteral("Where is it kept?"),
                       quoted_piece(content.tokens.piece(*position)),
                       tr_number("position %1", position->value)};
    inspection.sections.push_back(mean_card(run, lanes, *position, selection.step));
  }
  const std::vector<float> fraction = kept_fraction(run, lanes, selection.step);
  std::map<int, uint32_t> tenths;
  double sum = 0;
  for (size_t p = 0; p <= selection.step.index(); ++p) {
    sum += double{fraction[p]};
    ++tenths[fraction[p] >= 1 ? 10 : fraction[p] > 0 ? static_cast<int>(fraction[p] * 10) : -1];
  }
  Section now{tr_number("All these lanes after step %1", selection.step.value), {}};
  now.entries.push_back(fact(QStringLiteral("lanes"), grouped(lanes.size())));
  now.entries.push_back(fact(QStringLiteral("rows held, mean"), QString::number(sum, 'f', 1)));
  now.entries.push_back(fact(QStringLiteral("tokens kept by every lane"), grouped(tenths[10])));
  now.entries.push_back(
      fact(QStringLiteral("tokens kept by some"),
           grouped(selection.step.value + uint64_t{1} - tenths[10] - tenths[-1])));
  now.entries.push_back(fact(QStringLiteral("tokens kept by none"), grouped(tenths[-1])));
  inspection.sections.push_back(now);
  return inspection;
}

}  // namespace

QString place_name(TokenState state) {
  switch (state.place) {
    case Place::NotYet:
      return QStringLiteral("not read yet");
    case Place::Evicted:
      return QStringLiteral("evicted");
    case Place::Sink:
      return QStringLiteral("sinks");
    case Place::Recent:
      return QStringLiteral("recent window");
    case Place::Tree:
      break;
  }
  static const char* const kWins[] = {"not yet compared", "won once", "won twice"};
  const QString wins = state.level < 3 ? QString::fromUtf8(kWins[state.level])
                                       : QStringLiteral("won %1 times").arg(state.level);
  return QStringLiteral("level %1 · ").arg(state.level) + wins;
}

Inspection inspect(const Content& content, const Selection& selection, const RowSnapshot* row) {
  if (!answers(row, row_request(content, selection))) row = nullptr;
  Inspection inspection = selection.scope == LaneScope::One ? inspect_lane(content, selection, row)
                                                            : inspect_mean(content, selection);
  if (inspection.card.token.isEmpty()) {
    inspection.card.title = QStringLiteral("Token");
    inspection.sections.insert(
        inspection.sections.begin(),
        {{}, {note(QStringLiteral("Point at a token in any view; click to keep it."))}});
  }
  return inspection;
}

QString inspection_title(const Content& content, const Selection& selection) {
  const std::optional<Position> position = selection.focus();
  if (!position) return QStringLiteral("Token");
  if (selection.scope == LaneScope::One)
    return card_title(content.index(selection.run)
                          .state({selection.layer, selection.lane}, *position, selection.step));
  return position->value <= selection.step.value ? QStringLiteral("Where is it kept?")
                                                 : QStringLiteral("Token");
}

QString spoken_name(const Content& content, const Selection& selection) {
  const std::optional<Position> position = selection.focus();
  if (!position) return {};
  return quoted_piece(content.tokens.piece(*position)) +
         tr_number(" at position %1", position->value);
}

QString spoken_value(const Content& content, const Selection& selection) {
  const Inspection told = inspect(content, selection, nullptr);
  QStringList words = {told.card.title};
  if (!told.sections.empty())
    for (const Entry& entry : told.sections.front().entries)
      words << entry.label + QLatin1Char(' ') + entry.value;
  return words.join(QStringLiteral(", "));
}

QString as_text(const Inspection& inspection) {
  QStringList lines;
  lines << inspection.card.title
        << inspection.card.token + QLatin1Char('\t') + inspection.card.place;
  for (const Section& section : inspection.sections) {
    if (!section.title.isEmpty()) lines << QString() << section.title;
    for (const Entry& entry : section.entries) {
      QStringList cells = {entry.label, entry.middle, entry.value};
      cells.removeAll(QString());
      lines << cells.join(QLatin1Char('\t'));
    }
  }
  return lines.join(QLatin1Char('\n'));
}

std::optional<RowRequest> row_request(const Content& content, const Selection& selection) {
  const std::optional<size_t> layer = layer_index(content.info, selection.layer);
  const std::optional<size_t> step = step_index_at(content.info, selection.step);
  if (!layer || !step || selection.scope == LaneScope::AllMean) return std::nullopt;
  const std::vector<size_t> heads =
      selection.scope == LaneScope::One
          ? lane_head_indices(content.info, content.runs[selection.run].lane_kind, selection.lane)
          : all_head_indices(content.info);
  if (heads.empty()) return std::nullopt;
  return RowRequest{*layer, heads, *step};
}

}  // namespace dendrokv
