#include "gui/lane_sets.h"

#include <QRegularExpression>
#include <algorithm>
#include <map>

#include "data/error.h"
#include "gui/style.h"

namespace dendrokv {
namespace {

constexpr int kLongestInWords = 36;

struct Numbers {
  uint32_t first, last;
};

[[noreturn]] void refuse(std::string_view part, const std::string& wanted) {
  fail("set of lanes", "\"" + std::string(part) + "\"", wanted, "as L3, L5-7:H2");
}

/// Captures `at` and `at + 1` of a match: a number, or two with a dash between them.
Numbers numbers_of(const QRegularExpressionMatch& match, int at, std::string_view part,
                   uint32_t count, const char* what) {
  const uint32_t first = match.captured(at).toUInt();
  const uint32_t last = match.captured(at + 1).isEmpty() ? first : match.captured(at + 1).toUInt();
  if (first >= count || last >= count)
    refuse(part, std::string("wanted ") + what + " below " + std::to_string(count));
  return {std::min(first, last), std::max(first, last)};
}

/// "L3", "L5-7:H2", "5:0-1", "3.1".
void add_part(const QString& part, const Run& run, std::vector<LaneId>& lanes) {
  static const QRegularExpression kPart(QStringLiteral(
      R"(^[lL]?(\d{1,6})(?:[-–][lL]?(\d{1,6}))?(?:[:.][hH]?(\d{1,6})(?:[-–][hH]?(\d{1,6}))?)?$)"));
  const std::string text = part.toStdString();
  const QRegularExpressionMatch match = kPart.match(part);
  if (!match.hasMatch()) refuse(text, "wanted layers, and lanes of them");
  const Numbers layers = numbers_of(match, 1, text, run.retention.layers(), "a layer");
  Numbers of_layer{0, run.retention.lanes() - 1};
  if (!match.captured(3).isEmpty())
    of_layer = numbers_of(match, 3, text, run.retention.lanes(), "a lane");
  for (uint32_t layer = layers.first; layer <= layers.last; ++layer)
    for (uint32_t lane = of_layer.first; lane <= of_layer.last; ++lane)
      lanes.push_back({Layer(layer), Lane(lane)});
}

std::string span_text(uint32_t first, uint32_t last) {
  return first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last);
}

/// What follows a layer: empty for all of its lanes, else ":H0-1", ":H4" for each run of them.
std::vector<std::string> endings_of(const std::vector<uint32_t>& lanes, uint32_t count) {
  if (lanes.size() == count) return {""};
  std::vector<std::string> endings;
  for (size_t first = 0; first < lanes.size();) {
    size_t end = first + 1;
    while (end < lanes.size() && lanes[end] == lanes[end - 1] + 1) ++end;
    endings.push_back(":H" + span_text(lanes[first], lanes[end - 1]));
    first = end;
  }
  return endings;
}

}  // namespace

std::vector<LaneId> parse_lane_set(std::string_view text, const Run& run) {
  static const QRegularExpression kBetween(QStringLiteral(R"([\s,;]+)"));
  std::vector<LaneId> lanes;
  for (const QString& part : to_qt(text).split(kBetween, Qt::SkipEmptyParts)) {
    if (part.compare(QLatin1String("all"), Qt::CaseInsensitive) == 0) {
      const std::vector<LaneId> all = all_lanes(run);
      lanes.insert(lanes.end(), all.begin(), all.end());
    } else {
      add_part(part, run, lanes);
    }
  }
  if (lanes.empty()) refuse(text, "wanted at least one lane");
  std::sort(lanes.begin(), lanes.end());
  lanes.erase(std::unique(lanes.begin(), lanes.end()), lanes.end());
  return lanes;
}

std::string lane_set_text(std::span<const LaneId> lanes, const Run& run) {
  std::map<uint32_t, std::vector<uint32_t>> of_layer;
  for (const LaneId& id : lanes) of_layer[id.layer.value].push_back(id.lane.value);
  std::string text;
  for (auto first = of_layer.begin(); first != of_layer.end();) {
    // Layers that follow each other with the same lanes are named together.
    auto last = first, next = std::next(first);
    while (next != of_layer.end() && next->first == last->first + 1 &&
           next->second == first->second)
      last = next++;
    for (const std::string& ending : endings_of(first->second, run.retention.lanes()))
      text += (text.empty() ? "L" : ", L") + span_text(first->first, last->first) + ending;
    first = next;
  }
  return text;
}

QString lanes_in_words(const Run& run, const Selection& selection) {
  switch (selection.scope) {
    case LaneScope::One:
      return QStringLiteral("layer %1 · ").arg(selection.layer.value) +
             to_qt(lane_name(run, selection.lane));
    case LaneScope::LayerMean:
      return QStringLiteral("the lanes of layer %1").arg(selection.layer.value);
    case LaneScope::AllMean:
      return QStringLiteral("all lanes");
    case LaneScope::Set:
      break;
  }
  QString text = to_qt(lane_set_text(selection.set, run));
  if (text.size() > kLongestInWords)
    text =
        text.left(text.lastIndexOf(QLatin1Char(','), kLongestInWords) + 1) + QStringLiteral(" …");
  return QStringLiteral("%1 lanes (%2)").arg(selection.set.size()).arg(text);
}

void toggle_lane(const Run& run, Selection& wanted, LaneId lane) {
  std::vector<LaneId> lanes = chosen_lanes(run, wanted);
  if (std::erase(lanes, lane) == 0) lanes.push_back(lane);
  if (!lanes.empty()) choose_lanes(wanted, std::move(lanes));
}

void choose_lanes(Selection& wanted, std::vector<LaneId> lanes) {
  if (lanes.empty()) return;
  wanted.layer = lanes.back().layer;
  wanted.lane = lanes.back().lane;
  std::sort(lanes.begin(), lanes.end());
  lanes.erase(std::unique(lanes.begin(), lanes.end()), lanes.end());
  wanted.scope = lanes.size() == 1 ? LaneScope::One : LaneScope::Set;
  if (wanted.scope == LaneScope::Set) wanted.set = std::move(lanes);
}

std::vector<LayerHeads> recorded_heads(const Content& content, const Selection& selection) {
  const Run& run = content.runs[selection.run];
  std::map<size_t, std::vector<size_t>> of_layer;
  for (const LaneId& id : chosen_lanes(run, selection)) {
    const std::optional<size_t> layer = layer_index(content.info, id.layer);
    if (!layer) continue;
    std::vector<size_t>& heads = of_layer[*layer];
    for (const size_t head : lane_head_indices(content.info, run.lane_kind, id.lane))
      heads.push_back(head);
  }
  std::vector<LayerHeads> all;
  for (auto& [layer, heads] : of_layer) {
    std::sort(heads.begin(), heads.end());
    if (!heads.empty()) all.push_back({layer, std::move(heads)});
  }
  return all;
}

}  // namespace dendrokv
