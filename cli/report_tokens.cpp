// The sample text as a token map: each token in the colour of its tree level, in one lane after one
// step. Without scripts it shows the middle lane after the last step; scripts get the record of
// every lane and let the reader choose.

#include <algorithm>
#include <map>

#include "cli/bytes.h"
#include "cli/report_figures.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

// Of the record of all lanes; beyond it lanes are left out evenly.
constexpr size_t kMostRecordNumbers = size_t{1} << 19;

Step last_step(const Run& run) {
  return Step(run.retention.tokens() - 1);
}

enum class TokenState { Evicted, Sink, Recent, Tree };

struct TokenView {
  TokenState state = TokenState::Evicted;
  unsigned level = 0;
};

TokenView view_of(const Run& run, const std::vector<uint16_t>& levels, Layer layer, Lane lane,
                  Position position) {
  const Step step = last_step(run);
  if (!run.retention.kept_after(layer, lane, position, step)) return {};
  if (position.value < run.sinks) return {TokenState::Sink, 0};
  if (position.value + run.recent > step.value) return {TokenState::Recent, 0};
  return {TokenState::Tree, std::min<unsigned>(levels[position.index()], 8)};
}

std::string class_of(const TokenView& view) {
  switch (view.state) {
    case TokenState::Evicted:
      return "gone";
    case TokenState::Sink:
      return "sink";
    case TokenState::Recent:
      return "recent";
    case TokenState::Tree:
      return "l" + std::to_string(view.level);
  }
  return {};
}

std::string token_tooltip(const TraceReader& trace, const Run& run, Layer layer, Lane lane,
                          Position position) {
  std::string text = "position " + std::to_string(position.value);
  const int32_t left = run.retention.evict_step(layer, lane)[position.index()];
  if (left < 0) return text + ", kept";
  text += ", left at step " + std::to_string(left);
  const int32_t rival = run.retention.rival(layer, lane)[position.index()];
  if (rival < 0) return text;
  return text + ", lost to \xE2\x80\x9C" + std::string(trace.tokens().piece(Position(rival))) +
         "\xE2\x80\x9D at " + std::to_string(rival);
}

/// Layers and lanes whose record is in the page, the shown ones among them.
struct RecordedLanes {
  std::vector<uint32_t> layers, lanes;
};

std::vector<uint32_t> every(uint32_t count, uint32_t stride, uint32_t wanted) {
  std::vector<uint32_t> chosen;
  for (uint32_t i = wanted % stride; i < count; i += stride) chosen.push_back(i);
  return chosen;
}

RecordedLanes recorded_lanes(const Run& run, Layer layer, Lane lane) {
  const Retention& kept = run.retention;
  uint32_t stride = 1;
  while (size_t{(kept.layers() + stride - 1) / stride} * kept.lanes() * kept.tokens() >
             kMostRecordNumbers &&
         stride < kept.layers())
    ++stride;
  const bool all_lanes =
      size_t{(kept.layers() + stride - 1) / stride} * kept.lanes() * kept.tokens() <=
      kMostRecordNumbers;
  return {every(kept.layers(), stride, layer.value),
          all_lanes ? every(kept.lanes(), 1, 0) : std::vector<uint32_t>{lane.value}};
}

std::string option_list(const std::vector<uint32_t>& numbers, uint32_t selected) {
  std::string options;
  for (const uint32_t number : numbers)
    options += "<option" + std::string(number == selected ? " selected" : "") + ">" +
               std::to_string(number) + "</option>";
  return options;
}

std::string lane_word(const Run& run) {
  return run.lane_kind == LaneKind::PerKvHead      ? "KV head"
         : run.lane_kind == LaneKind::PerQueryHead ? "head"
                                                   : "lane";
}

/// Shown only where scripts run.
std::string controls(const Run& run, Layer layer, Lane lane) {
  const RecordedLanes recorded = recorded_lanes(run, layer, lane);
  const std::string last = std::to_string(run.retention.tokens() - 1);
  return "<div class=\"controls\"><label>layer <select data-c=\"layer\">" +
         option_list(recorded.layers, layer.value) + "</select></label><label>" + lane_word(run) +
         " <select data-c=\"lane\">" + option_list(recorded.lanes, lane.value) +
         "</select></label><label>step <input data-c=\"step\" type=\"range\" min=\"0\" max=\"" +
         last + "\" value=\"" + last + "\"> <output data-c=\"at\">" + last +
         "</output></label><canvas data-c=\"map\" height=\"1\" width=\"" +
         std::to_string(run.retention.tokens()) +
         "\" role=\"img\" aria-label=\"all tokens, one column each, in the colours of the "
         "text\"></canvas></div>";
}

std::string base64_numbers(const std::vector<int32_t>& numbers) {
  std::string bytes;
  for (const int32_t number : numbers)
    for (int shift = 0; shift < 32; shift += 8)
      bytes += static_cast<char>(static_cast<uint32_t>(number) >> shift & 255);
  return base64(bytes);
}

/// evict_step and rival of the recorded lanes, little-endian int32 in base64: [layer, lane, token].
std::string record_data(const Run& run, Layer layer, Lane lane) {
  const RecordedLanes recorded = recorded_lanes(run, layer, lane);
  std::vector<int32_t> left, rival;
  for (const uint32_t l : recorded.layers)
    for (const uint32_t h : recorded.lanes) {
      const auto steps = run.retention.evict_step(Layer(l), Lane(h));
      const auto rivals = run.retention.rival(Layer(l), Lane(h));
      left.insert(left.end(), steps.begin(), steps.end());
      rival.insert(rival.end(), rivals.begin(), rivals.end());
    }
  return "<script type=\"application/json\">{\"sinks\":" + std::to_string(run.sinks) +
         ",\"recent\":" + std::to_string(run.recent) + ",\"left\":\"" + base64_numbers(left) +
         "\",\"rival\":\"" + base64_numbers(rival) + "\"}</script>";
}

std::string level_words(unsigned level) {
  if (level == 0) return "not yet compared";
  return "won " + std::to_string(level) +
         (level == 8   ? " times or more"
          : level == 1 ? " time"
                       : " times");
}

std::string text_legend(const std::map<std::string, size_t>& counts) {
  std::string legend = "<p class=\"legend\">";
  const auto entry = [&](const std::string& name, const std::string& words) {
    const auto found = counts.find(name);
    if (found == counts.end()) return;
    legend += "<span class=\"" + name + "\">" + words + "</span> <b data-n=\"" + name + "\">" +
              std::to_string(found->second) + "</b> &nbsp; ";
  };
  entry("sink", "sinks");
  entry("recent", "recent");
  for (unsigned level = 0; level <= 8; ++level)
    entry("l" + std::to_string(level),
          "level " + std::to_string(level) + ": " + level_words(level));
  entry("gone", "evicted");
  legend += "<span class=\"gone later\" hidden>not read yet</span>";
  return legend + "</p>\n";
}

}  // namespace

Figure text_figure(const TraceReader& trace, const Run& run) {
  Figure figure;
  figure.title = "The text, as one lane keeps it";
  const Layer layer(run.retention.layers() / 2);
  const Lane lane(run.retention.lanes() / 2);
  const std::vector<uint16_t> levels = run.retention.levels(layer, lane, last_step(run));
  std::map<std::string, size_t> counts;
  std::string text, csv = "position,token,state,level\n";
  for (uint32_t p = 0; p < run.retention.tokens(); ++p) {
    const Position position(p);
    const TokenView view = view_of(run, levels, layer, lane, position);
    const std::string name = class_of(view), piece(trace.tokens().piece(position));
    ++counts[name];
    text += "<span data-t class=\"" + name + "\" title=\"" +
            xml_escaped(token_tooltip(trace, run, layer, lane, position)) + "\">" +
            xml_escaped(piece) + "</span>";
    text += "<sup>" +
            (view.state == TokenState::Tree ? std::to_string(view.level) : std::string()) +
            "</sup>";
    csv += std::to_string(p) + "," + csv_text(piece) + "," +
           (view.state == TokenState::Tree ? "tree"
            : name == "gone"               ? "evicted"
                                           : name) +
           "," + (view.state == TokenState::Tree ? std::to_string(view.level) : "") + "\n";
  }
  figure.picture = "<div class=\"tokens\">" + controls(run, layer, lane) + text_legend(counts) +
                   "<div class=\"text\">" + text + "</div>" + record_data(run, layer, lane) +
                   "</div>\n";
  figure.caption = "<code>" + xml_escaped(run.policy) + "</code>, layer " +
                   std::to_string(layer.value) + ", " + lane_word(run) + " " +
                   std::to_string(lane.value) +
                   ", after the last step. The small number is the tree level: how many neighbours "
                   "a token has beaten. "
                   "Point at a token to see when it left and to whom it lost.";
  figure.numbers = {"text.csv", csv};
  return figure;
}

}  // namespace dendrokv
