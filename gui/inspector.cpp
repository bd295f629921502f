#include "gui/inspector.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gui/lane_sets.h"
#include "gui/lane_story.h"
#include "gui/style.h"
#include "gui/text_layout.h"
#include "gui/token_history.h"

namespace dendrokv {
namespace {

/// Share of a full cache's attention that falls on what the lane shows its query.
std::optional<double> retained(const LaneStory& story, const RowSnapshot* row) {
  if (!row || story.run.mode != RunMode::OpenLoop) return std::nullopt;
  if (row->ranked.size() != row->weight.size() || !(row->total > 0)) return std::nullopt;
  // What the query saw: what was kept after the step before, and the newcomer.
  const size_t newcomer = story.step.index();
  double kept = newcomer < row->weight.size() ? double{row->weight[newcomer]} : 0;
  if (newcomer > 0)
    story.index().for_each_kept(
        {0, std::min(newcomer, row->weight.size())}, Step(newcomer - 1),
        [&](Position position) { kept += double{row->weight[position.index()]}; });
  return kept / row->total;
}

/// Where lanes differ in what they may hold.
void add_budget(const Run& run, std::span<const LaneId> lanes, Section& section) {
  const std::string rows = mapped_rows(run, lanes);
  if (!rows.empty())
    section.entries.push_back(fact(
        lanes.size() == 1 ? QStringLiteral("budget of the lane") : QStringLiteral("budget of each"),
        to_qt(rows)));
}

Section lane_now(const LaneStory& story, const RunIndex::Standing& standing,
                 const RowSnapshot* row) {
  Section section{with_number("This lane after step %1", story.step.value), {}};
  section.entries.push_back(fact(QStringLiteral("rows held"),
                                 with_number("%1 of ", standing.counts.kept()) +
                                     with_number("%1 read", story.step.value + uint64_t{1})));
  add_budget(story.run, std::span(&story.lane, 1), section);
  if (standing.oldest_in_tree && story.run.budget > 0)
    section.entries.push_back(
        fact(QStringLiteral("oldest tree token"), grouped(standing.oldest_in_tree->value)));
  if (const std::optional<double> mass = retained(story, row))
    section.entries.push_back({EntryKind::Share,
                               QStringLiteral("full attention that falls on them"),
                               {},
                               QStringLiteral("%1 %").arg(100 * *mass, 0, 'f', 1),
                               {},
                               *mass});
  return section;
}

Section legend(const Run& run, const Census& counts) {
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

Inspection inspect_lane(const Content& content, const Selection& selection, const RowSnapshot* row,
                        const RankSnapshot* ranks) {
  const LaneStory story{content,
                        selection.run,
                        content.runs[selection.run],
                        {selection.layer, selection.lane},
                        selection.step};
  Inspection inspection;
  if (const std::optional<Position> position = selection.focus()) {
    inspection.card = {card_title(story.state(*position)),
                       quoted_piece(content.tokens.piece(*position)),
                       with_number("position %1", position->value)};
    inspection.sections.push_back(token_facts(story, *position, row));
    for (Section& section : token_history(story, *position))
      inspection.sections.push_back(std::move(section));
    if (ranks && position == selection.position &&
        rank_request(content, selection) == ranks->request)
      inspection.sections.push_back(rank_section(content, *ranks, *position));
  }
  if (selection.range) inspection.sections.push_back(passage_story(story, *selection.range));
  const RunIndex::Standing standing = content.index(selection.run).standing(story.lane, story.step);
  inspection.sections.push_back(lane_now(story, standing, row));
  inspection.sections.push_back(legend(story.run, standing.counts));
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
  section.entries.push_back(share(QStringLiteral("lanes that keep it"), keep, lanes.size()));
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
  const std::vector<LaneId> lanes = chosen_lanes(run, selection);
  Inspection inspection;
  const std::optional<Position> position = selection.focus();
  if (position && position->value <= selection.step.value) {
    inspection.card = {QStringLiteral("Where is it kept?"),
                       quoted_piece(content.tokens.piece(*position)),
                       with_number("position %1", position->value)};
    inspection.sections.push_back(mean_card(run, lanes, *position, selection.step));
  }
  const std::vector<uint32_t> positions =
      positions_by_keepers(content.index(selection.run), lanes, selection.step);
  double sum = 0;
  for (size_t keepers = 0; keepers < positions.size(); ++keepers)
    sum += static_cast<double>(keepers) * positions[keepers];
  const uint32_t by_none = positions.front(), by_every = positions.back();
  const uint32_t read = std::accumulate(positions.begin(), positions.end(), 0u);
  Section now{with_number("All these lanes after step %1", selection.step.value), {}};
  now.entries.push_back(fact(QStringLiteral("lanes"), grouped(lanes.size())));
  now.entries.push_back(fact(QStringLiteral("rows held, mean"),
                             QString::number(sum / static_cast<double>(lanes.size()), 'f', 1)));
  add_budget(run, lanes, now);
  now.entries.push_back(fact(QStringLiteral("tokens kept by every lane"), grouped(by_every)));
  now.entries.push_back(
      fact(QStringLiteral("tokens kept by some"), grouped(read - by_every - by_none)));
  now.entries.push_back(fact(QStringLiteral("tokens kept by none"), grouped(by_none)));
  inspection.sections.push_back(now);
  return inspection;
}

}  // namespace

Inspection inspect(const Content& content, const Selection& selection, const RowSnapshot* row,
                   const RankSnapshot* ranks) {
  if (!answers(row, row_request(content, selection))) row = nullptr;
  Inspection inspection = selection.scope == LaneScope::One
                              ? inspect_lane(content, selection, row, ranks)
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
         with_number(" at position %1", position->value);
}

QString spoken_value(const Content& content, const Selection& selection) {
  const Inspection told = inspect(content, selection, nullptr);
  QStringList words = {told.card.title};
  if (!told.sections.empty())
    for (const Entry& entry : told.sections.front().entries)
      words << entry.label + QLatin1Char(' ') + entry.value;
  return words.join(QStringLiteral(", "));
}

std::optional<RowRequest> row_request(const Content& content, const Selection& selection) {
  const std::optional<size_t> step = step_index_at(content.info, selection.step);
  if (!step || selection.scope == LaneScope::AllMean) return std::nullopt;
  std::vector<LayerHeads> heads = recorded_heads(content, selection);
  if (heads.empty()) return std::nullopt;
  return RowRequest{std::move(heads), *step};
}

}  // namespace dendrokv
