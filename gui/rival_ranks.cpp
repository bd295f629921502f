#include "gui/rival_ranks.h"

#include <algorithm>
#include <cmath>

#include "gui/style.h"

namespace dendrokv {
namespace {

constexpr size_t kBlockSteps = 64;

/// Every step up to this one was recorded.
bool all_steps_up_to(const TraceInfo& info, Step step) {
  return step.index() < info.steps.size() && info.steps[step.index()] == step;
}

bool reachable(const Run& run, Position position, Step step) {
  return position.value >= run.sinks && position.value + uint64_t{run.recent} <= step.value;
}

/// The weights of some rows, gathered step by step.
class Gathering {
 public:
  Gathering(const Run& run, const RankRequest& request, size_t heads)
      : retention_(run.retention), request_(request), heads_(heads) {
    for (uint32_t p = 0; p <= request.step.value; ++p)
      if (retention_.seen_by(request.lane.layer, request.lane.lane, Position(p), request.step) &&
          reachable(run, Position(p), request.step))
        found_.rows.emplace_back(p);
    found_.request = request;
    found_.accumulated.resize(found_.rows.size());
    found_.last.resize(found_.rows.size());
  }

  /// What one head gave at `step`, [position].
  void add(Step step, std::span<const float> weights) {
    const double mass = held_mass(step, weights);
    if (!(mass > 0)) return;
    const double share = 1 / (mass * static_cast<double>(heads_));
    for (size_t i = 0; i < found_.rows.size(); ++i) {
      if (found_.rows[i].value > step.value) break;
      const float weight = weights[found_.rows[i].index()];
      const double given = std::isnan(weight) ? 0 : share * double{weight};
      found_.accumulated[i] += given;
      if (step == request_.step) found_.last[i] += given;
    }
  }

  RankSnapshot finish() {
    for (size_t i = 0; i < found_.rows.size(); ++i)
      found_.mean.push_back(found_.accumulated[i] /
                            (request_.step.value - found_.rows[i].value + 1.0));
    return std::move(found_);
  }

 private:
  double held_mass(Step step, std::span<const float> weights) const {
    const auto evict_step = retention_.evict_step(request_.lane.layer, request_.lane.lane);
    double mass = 0;
    for (size_t p = 0; p <= step.index(); ++p) {
      const bool held = evict_step[p] < 0 || evict_step[p] >= static_cast<int32_t>(step.value);
      if (held && !std::isnan(weights[p])) mass += double{weights[p]};
    }
    return mass;
  }

  const Retention& retention_;
  const RankRequest& request_;
  size_t heads_;
  RankSnapshot found_;
};

}  // namespace

size_t RankSnapshot::before(const std::vector<double>& scores, size_t place) {
  size_t count = 0;
  for (size_t i = 0; i < scores.size(); ++i)
    count += scores[i] < scores[place] || (scores[i] == scores[place] && i < place);
  return count;
}

std::optional<RankRequest> rank_request(const Content& content, const Selection& selection) {
  if (selection.scope != LaneScope::One || !selection.position) return std::nullopt;
  const Run& run = content.runs[selection.run];
  const Position position = *selection.position;
  const int32_t left = run.retention.evict_step(selection.layer, selection.lane)[position.index()];
  const bool gone = left >= 0 && left <= static_cast<int32_t>(selection.step.value);
  const Step step = gone ? Step(left) : selection.step;
  if (position > Position(step.value) || !reachable(run, position, step) || run.budget == 0)
    return std::nullopt;
  const TraceInfo& info = content.info;
  const size_t heads = lane_head_indices(info, run.lane_kind, selection.lane).size();
  const uint64_t cells = (step.value + uint64_t{1}) * (step.value + uint64_t{1}) * heads;
  if (heads == 0 || cells > kMostRankCells || info.capture.rows == FullRows::Omit ||
      !layer_index(info, selection.layer) || !all_steps_up_to(info, step))
    return std::nullopt;
  return RankRequest{selection.run, {selection.layer, selection.lane}, step};
}

std::shared_ptr<const RankSnapshot> read_ranks(const TraceReader& trace, const Run& run,
                                               const RankRequest& request,
                                               const std::function<bool()>& cancelled) {
  const TraceInfo& info = trace.info();
  const std::vector<size_t> heads = lane_head_indices(info, run.lane_kind, request.lane.lane);
  const size_t steps = request.step.index() + 1;
  const size_t layer = layer_index(info, request.lane.layer).value();
  Gathering gathering(run, request, heads.size());
  Grid<float> rows(std::min(kBlockSteps, steps), steps);
  for (size_t first = 0; first < steps; first += kBlockSteps) {
    const size_t count = std::min(kBlockSteps, steps - first);
    for (const size_t head : heads) {
      if (cancelled()) return nullptr;
      trace.read_weights(layer, head, {first, count}, {0, steps}, rows.view().rows_from(0, count));
      for (size_t s = 0; s < count; ++s) gathering.add(Step(first + s), rows.row(s));
    }
  }
  return std::make_shared<const RankSnapshot>(gathering.finish());
}

Section rank_section(const Content& content, const RankSnapshot& snapshot, Position position) {
  Section section;
  const auto found = std::ranges::lower_bound(snapshot.rows, position);
  if (found == snapshot.rows.end() || *found != position) return section;
  const auto place = static_cast<size_t>(found - snapshot.rows.begin());
  const bool gone =
      content.runs[snapshot.request.run].retention.evict_step(
          snapshot.request.lane.layer, snapshot.request.lane.lane)[position.index()] ==
      static_cast<int32_t>(snapshot.request.step.value);
  section.title = gone ? QStringLiteral("How other policies ranked it then")
                       : QStringLiteral("How other policies rank it now");
  const auto add = [&](const char* policy, size_t before) {
    section.entries.push_back(
        fact(QString::fromUtf8(policy),
             with_number("would go as %1 of ", before + 1) + grouped(snapshot.rows.size())));
  };
  add("streaming, by age", place);
  add("h2o, by sum of attention", RankSnapshot::before(snapshot.accumulated, place));
  add("tova, by this step's attention", RankSnapshot::before(snapshot.last, place));
  add("by mean attention", RankSnapshot::before(snapshot.mean, place));
  section.entries.push_back(note(
      content.runs[snapshot.request.run].mode == RunMode::OpenLoop
          ? QStringLiteral("Open loop: recorded weights, rescaled to the rows that this lane held.")
          : QStringLiteral("From the weights that this run's queries gave to the rows it held.")));
  return section;
}

}  // namespace dendrokv
