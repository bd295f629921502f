#include "gui/applied_options.h"

#include <charconv>

#include "data/error.h"
#include "gui/lane_sets.h"

namespace dendrokv {
namespace {

void in_range(std::string_view option, uint32_t value, uint32_t count, std::string_view what) {
  if (value >= count)
    fail(std::string(option), std::to_string(value), "wanted less than " + std::to_string(count),
         "the " + std::string(what));
}

/// Nothing when it is no run.
std::optional<size_t> run_named(const std::string& text, const Content& content) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) {
    in_range("--compare", value, static_cast<uint32_t>(content.runs.size()), "runs of the files");
    return value;
  }
  // Runs over the trace before the trace's own: two may have the same policy.
  for (size_t run = 1; run < content.runs.size(); ++run)
    if (content.runs[run].policy.starts_with(text)) return run;
  if (content.runs[0].policy.starts_with(text)) return 0;
  return std::nullopt;
}

}  // namespace

ComparedWith compared_by(const ViewOptions& options, const Content& content) {
  ComparedWith compared;
  bool first = true;
  for (const std::string& text : options.compare) {
    std::error_code ignored;
    if (const std::optional<size_t> run = run_named(text, content)) {
      if (first)
        compared.run = *run;
      else
        compared.others = {*run};
    } else if (std::filesystem::is_regular_file(text, ignored)) {
      if (std::filesystem::equivalent(text, content.file, ignored))
        compared.run = most_telling_run(content);
      else
        compared.beside = {text};
    } else {
      fail("--compare", "\"" + text + "\" is neither a run nor a file",
           "wanted the number of a run, the beginning of its policy, or a trace",
           "run 0 is the trace's own");
    }
    first = false;
  }
  return compared;
}

Selection selected_by(const ViewOptions& options, const Content& content, Selection start) {
  if (options.run) {
    in_range("--run", static_cast<uint32_t>(*options.run),
             static_cast<uint32_t>(content.runs.size()), "runs of the files");
    start.run = *options.run;
  }
  const Retention& retention = content.runs[start.run].retention;
  // The first selection was of another run, which may have more lanes.
  start.lane = std::min(start.lane, Lane(retention.lanes() - 1));
  if (options.step) {
    in_range("--step", options.step->value, content.info.tokens, "tokens of the text");
    start.step = *options.step;
  }
  if (options.scope == LaneScope::Set) {
    choose_lanes(start, parse_lane_set(options.lanes, content.runs[start.run]));
  } else if (options.scope) {
    start.scope = *options.scope;
    in_range("--lane", options.layer.value, retention.layers(), "layers of the model");
    in_range("--lane", options.lane.value, retention.lanes(), "lanes of a layer");
    if (start.scope != LaneScope::AllMean) start.layer = options.layer;
    if (start.scope == LaneScope::One) start.lane = options.lane;
  }
  if (options.run || options.scope)
    start.position = telling_position(content.runs[start.run], start.layer, start.lane);
  if (options.at) {
    in_range("--at", options.at->value, content.info.tokens, "tokens of the text");
    start.position = *options.at;
  }
  return start;
}

}  // namespace dendrokv
