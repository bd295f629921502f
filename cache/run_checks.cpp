#include "cache/run_checks.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "cache/policies.h"
#include "cache/row_bounds.h"
#include "data/error.h"

namespace dendrokv {
namespace {

/// Nothing where the spec, or the rows of each lane that it speaks of, are not those of such a run:
/// the manifest says so.
std::optional<PolicyChoice> choice_of(const Run& run) {
  try {
    PolicyChoice choice = policy_of(run);
    if (!choice.fits(run.retention.layers(), run.retention.lanes())) return std::nullopt;
    return choice;
  } catch (const Error&) {
    return std::nullopt;
  }
}

Finding no_policy() {
  return not_applicable("the policy is not known (see manifest)");
}

template <class Visit>
void for_each_lane(const Run& run, Visit visit) {
  for (uint32_t layer = 0; layer < run.retention.layers(); ++layer)
    for (uint32_t lane = 0; lane < run.retention.lanes(); ++lane) visit(Layer(layer), Lane(lane));
}

/// Rows of a lane after each step, [step].
std::vector<uint32_t> rows_after(const Run& run, Layer layer, Lane lane) {
  std::vector<uint32_t> rows(run.retention.tokens(), 1);
  for (const int32_t step : run.retention.evict_step(layer, lane))
    if (step >= 0) --rows[static_cast<size_t>(step)];  // may wrap for a moment: sums do not
  for (size_t step = 1; step < rows.size(); ++step) rows[step] += rows[step - 1];
  return rows;
}

uint64_t departures(const Run& run) {
  const auto& steps = run.retention.arrays().evict_step;
  return static_cast<uint64_t>(
      std::ranges::count_if(steps, [](int32_t step) { return step >= 0; }));
}

uint64_t lanes(const Run& run) {
  return uint64_t{run.retention.layers()} * run.retention.lanes();
}

std::string position_text(Layer layer, Lane lane, size_t position) {
  return lane_text(layer.value, lane.value) + ", position " + std::to_string(position);
}

}  // namespace

Finding check_run_manifest(const Run& run) {
  try {
    const PolicyChoice choice = policy_of(run);
    const PolicyShape& shape = choice.shape();
    if (choice.text() != run.policy)
      return bad("the spec '" + run.policy + "' leaves options out, wanted '" + choice.text() +
                 "'");
    const auto differs = [&](std::string_view what, uint64_t found, uint64_t wanted) {
      return found == wanted ? std::string()
                             : std::string(what) + " is " + std::to_string(found) +
                                   ", the policy says " + std::to_string(wanted);
    };
    if (run.lane_budget && !choice.lane_budget())
      return bad("rows of each lane are kept, but the policy names no budget map");
    if (!choice.fits(run.retention.layers(), run.retention.lanes()))
      return bad("the budget map is of other layers or lanes than the run's " +
                 std::to_string(run.retention.layers()) + " x " +
                 std::to_string(run.retention.lanes()));
    std::string fault = differs("sinks", run.sinks, shape.sinks);
    if (fault.empty()) fault = differs("recent", run.recent, shape.recent);
    if (fault.empty()) fault = differs("budget", run.budget, shape.budget);
    const std::string positions = shape.positions == PositionMode::Rank ? "rank" : "original";
    if (fault.empty() && run.positions != positions)
      fault = "positions is '" + run.positions + "', the policy says '" + positions + "'";
    if (fault.empty() && run.lane_kind != shape.lane_kind)
      fault = "lane is '" + std::string(lane_kind_name(run.lane_kind)) + "', the policy says '" +
              std::string(lane_kind_name(shape.lane_kind)) + "'";
    return fault.empty() ? good(std::string(run_mode_name(run.mode)) + ", " + run.policy)
                         : bad(fault);
  } catch (const Error& error) {
    return bad(error.what());
  }
}

Finding check_time_order(const Run& run) {
  const Retention& kept = run.retention;
  try {
    Retention::from_arrays("record", kept.layers(), kept.lanes(), kept.tokens(), kept.arrays());
  } catch (const Error& error) {
    return bad(error.what());
  }
  return good(std::to_string(departures(run)) + " departures in order");
}

Finding check_rows_held(const Run& run) {
  const std::optional<PolicyChoice> choice = choice_of(run);
  if (!choice) return no_policy();
  const bool shared = choice->shape().deciding == Deciding::LayerTogether;
  const uint64_t of_layer = run.retention.lanes(), tokens = run.retention.tokens();
  std::string fault;
  uint64_t at_end_fewest = tokens, at_end_most = 0;
  std::vector<uint64_t> together(tokens);  // of the lanes of a layer
  for_each_lane(run, [&](Layer layer, Lane lane) {
    const std::vector<uint32_t> rows = rows_after(run, layer, lane);
    const PolicyShape shape = choice->lane_shape(layer, lane);
    if (lane.value == 0) std::ranges::fill(together, 0);
    for (uint64_t step = 0; step < tokens; ++step) {
      const RowBounds bounds = row_bounds(shape, step + 1);
      together[step] += rows[step];
      const bool together_fit =
          lane.value + 1 < of_layer || together[step] < of_layer * (bounds.most + 1);
      const bool fits =
          rows[step] >= bounds.fewest &&
          (shared ? rows[step] <= step + 1 && together_fit : rows[step] <= bounds.most);
      if (!fits && fault.empty())
        fault = lane_text(layer.value, lane.value) + " holds " + std::to_string(rows[step]) +
                " rows after step " + std::to_string(step) + ", wanted " +
                (bounds.fewest == bounds.most
                     ? std::to_string(bounds.most)
                     : std::to_string(bounds.fewest) + " to " + std::to_string(bounds.most));
    }
    at_end_fewest = std::min<uint64_t>(at_end_fewest, rows.back());
    at_end_most = std::max<uint64_t>(at_end_most, rows.back());
  });
  if (!fault.empty()) return bad(fault);
  return good(std::to_string(at_end_fewest) +
              (at_end_fewest == at_end_most ? "" : " to " + std::to_string(at_end_most)) +
              " rows after the last step, " +
              (run.budget == 0 ? "no budget" : "budget " + std::to_string(run.budget)));
}

Finding check_protected(const Run& run) {
  const std::optional<PolicyChoice> choice = choice_of(run);
  if (!choice) return no_policy();
  std::string fault;
  for_each_lane(run, [&](Layer layer, Lane lane) {
    const uint64_t sinks = choice->lane_shape(layer, lane).sinks;
    const uint64_t recent = choice->lane_shape(layer, lane).recent;
    const auto steps = run.retention.evict_step(layer, lane);
    for (size_t position = 0; position < steps.size() && fault.empty(); ++position) {
      if (steps[position] < 0) continue;
      const bool sink = position < sinks;
      if (sink || position + recent > static_cast<uint64_t>(steps[position]))
        fault = std::string(sink ? "a sink" : "a recent row") +
                " left: " + position_text(layer, lane, position) + ", at step " +
                std::to_string(steps[position]);
    }
  });
  if (!fault.empty()) return bad(fault);
  return good(std::to_string(choice->shape().sinks) + " sinks and " +
              std::to_string(choice->shape().recent) + " recent rows, none of which left");
}

Finding check_coverage(const Run& run) {
  const std::optional<PolicyChoice> choice = choice_of(run);
  if (!choice) return no_policy();
  const uint64_t tokens = run.retention.tokens();
  uint64_t wanted = 0;
  std::string fault;
  for_each_lane(run, [&](Layer layer, Lane lane) {
    if (row_bounds(choice->lane_shape(layer, lane), tokens).most >= tokens) return;
    if (choice->shape().deciding == Deciding::LayerTogether) return;
    ++wanted;
    const auto steps = run.retention.evict_step(layer, lane);
    if (fault.empty() && std::ranges::all_of(steps, [](int32_t step) { return step < 0; }))
      fault = lane_text(layer.value, lane.value) + " holds all " + std::to_string(tokens) + " rows";
  });
  if (!fault.empty()) return bad(fault);
  if (wanted == 0) return not_applicable("no lane has to give up a row of this text");
  return good("rows left " + std::to_string(wanted) + " of " + std::to_string(lanes(run)) +
              " lanes, all that had to give up some");
}

Finding check_identity(const Run& run) {
  const std::optional<PolicyChoice> choice = choice_of(run);
  if (!choice) return no_policy();
  const uint64_t tokens = run.retention.tokens(), budget = choice->fewest_rows();
  if (budget != 0 && budget < tokens)
    return not_applicable("the text of " + std::to_string(tokens) +
                          " tokens is longer than the budget of " + std::to_string(budget));
  const uint64_t left = departures(run);
  if (left > 0)
    return bad(std::to_string(left) + " rows left, though there was room for all " +
               std::to_string(tokens));
  return good("room for all, and none of " + std::to_string(tokens) + " rows left");
}

Finding check_reasons(const Run& run) {
  std::string fault;
  for_each_lane(run, [&](Layer layer, Lane lane) {
    const auto reasons = run.retention.reason(layer, lane);
    const auto scores = run.retention.score(layer, lane);
    const auto rivals = run.retention.rival_score(layer, lane);
    for (size_t position = 0; position < reasons.size() && fault.empty(); ++position) {
      const auto reason = static_cast<Reason>(reasons[position]);
      const float score = scores[position], rival = rivals[position];
      const bool fits = reason == Reason::Lost  ? score <= rival
                        : reason == Reason::Tie ? score == rival
                                                : std::isnan(rival);
      if (!fits)
        fault = position_text(layer, lane, position) + " is '" +
                std::string(reason_names()[reasons[position]]) + "' with scores " +
                std::to_string(score) + " and " + std::to_string(rival);
    }
  });
  return fault.empty() ? good(std::to_string(departures(run)) + " departures, each with its reason")
                       : bad(fault);
}

Finding check_position_map(const Run& run, uint32_t context_length) {
  if (context_length == 0) return not_applicable("the model's context is not known");
  uint64_t places = run.retention.tokens();
  const bool by_rank = run.positions == "rank";
  if (by_rank) {
    places = 0;
    for_each_lane(run, [&](Layer layer, Lane lane) {
      uint64_t before = 0;
      for (const uint32_t rows : rows_after(run, layer, lane)) {
        places = std::max<uint64_t>(places, before + 1);
        before = rows;
      }
    });
  }
  const std::string found = std::to_string(places) +
                            (by_rank ? " ranks in the cache" : " positions of the text") +
                            ", context " + std::to_string(context_length);
  return places <= context_length ? good(found) : bad(found);
}

Finding check_memory(const Run& run, const ModelFacts& model) {
  if (run.mode == RunMode::OpenLoop) return not_applicable("a replay holds no keys and values");
  if (run.kv_bytes == 0) return not_applicable("the run does not say what it held");
  const uint64_t heads = run.lane_kind == LaneKind::PerLayer ? model.kv_heads : 1;
  uint64_t held = 0, most = 0;
  for_each_lane(run, [&](Layer layer, Lane lane) {
    const std::vector<uint32_t> rows = rows_after(run, layer, lane);
    held += rows.back();
    most += 1 + std::ranges::max(rows);
  });
  // At least half floats of one key and one value; at most floats of a raw key, a rotated one and a
  // value, in room that was doubled and has an eighth of gaps.
  const uint64_t numbers = heads * model.head_dim;
  const uint64_t least = held * numbers * 2 * 2;
  const uint64_t room = 2 * (most + most / 8) + 2 * 64 * lanes(run);
  const std::string found =
      std::to_string(run.kv_bytes) + " bytes for " + std::to_string(held) + " rows held";
  if (run.kv_bytes < least) return bad(found + ", which take at least " + std::to_string(least));
  if (run.kv_bytes > room * numbers * 3 * 4)
    return bad(found + ", which take at most " + std::to_string(room * numbers * 3 * 4));
  return good(found);
}

Finding check_numbers(const Run& run) {
  if (!run.numbers) return not_applicable("nothing was measured (replay --measure)");
  const RunNumbers& numbers = *run.numbers;
  constexpr float kRounding = 1e-3f;  // weights of half precision
  const auto fault = [&](const char* what, size_t at, float value) {
    return bad(std::string(what) + " is " + std::to_string(value) + ", entry " +
               std::to_string(at));
  };
  for (size_t at = 0; at < numbers.retained_mass.size(); ++at) {
    const float retained = numbers.retained_mass[at], best = numbers.best_mass[at];
    if (!(retained >= 0 && retained <= 1 + kRounding)) return fault("retained_mass", at, retained);
    if (!(best >= retained - kRounding && best <= 1 + kRounding))
      return fault("best_mass", at, best);
    if (!(numbers.output_error[at] >= 0))
      return fault("output_error", at, numbers.output_error[at]);
    if (std::fabs(numbers.cosine[at]) > 1 + kRounding)
      return fault("cosine", at, numbers.cosine[at]);
  }
  for (size_t at = 0; at < numbers.regret.size(); ++at)
    if (!(numbers.regret[at] >= 0)) return fault("regret", at, numbers.regret[at]);
  return good(std::to_string(numbers.retained_mass.size()) + " heads and steps measured");
}

}  // namespace dendrokv
