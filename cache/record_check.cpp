#include "cache/record_check.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "cache/policies.h"
#include "cache/record_follower.h"
#include "cache/replay.h"
#include "cache/share_rows.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint32_t kBlockSteps = 64;

bool same_number(float a, float b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

/// The lanes of a closed loop, share by share.
class ClosedRecord {
 public:
  ClosedRecord(const TraceReader& trace, const Run& run, const PolicyChoice& choice)
      : trace_(trace),
        info_(trace.info()),
        run_(run),
        choice_(choice),
        noise_(score_noise(info_, choice.shape())),
        heads_per_lane_(info_.model.heads / run.retention.lanes()),
        share_count_(whole_layers() ? info_.model.kv_heads : 1) {}

  Finding check(const Progress& progress) {
    const uint64_t shares = info_.layers.size() * info_.model.kv_heads / share_count_;
    uint64_t done = 0;
    for (size_t layer = 0; layer < info_.layers.size(); ++layer)
      for (uint32_t first = 0; first < info_.model.kv_heads; first += share_count_) {
        const std::string fault = check_share(layer, {info_.layers[layer], first, share_count_});
        if (!fault.empty()) return bad(fault);
        if (progress && progress(++done, shares) == Continue::Stop)
          return not_applicable("stopped before it was done");
      }
    if (lanes_ == 0) return not_applicable("no lane has all its heads on record");
    const uint64_t all = uint64_t{run_.retention.layers()} * run_.retention.lanes();
    return good(
        std::to_string(departures_) + " departures of " + std::to_string(lanes_) + " of " +
        std::to_string(all) + " lanes decided again, " + std::to_string(near_ties_) +
        " of them at near ties" +
        (lost_ > 0 ? "; " + std::to_string(lost_) + " lanes up to their first near tie" : ""));
  }

 private:
  bool whole_layers() const {
    return choice_.shape().lane_kind == LaneKind::PerLayer ||
           choice_.shape().deciding == Deciding::LayerTogether;
  }

  /// Index among the recorded heads.
  std::optional<size_t> recorded(uint32_t head) const {
    const auto at = std::ranges::find(info_.heads, Head(head));
    if (at == info_.heads.end()) return std::nullopt;
    return static_cast<size_t>(at - info_.heads.begin());
  }

  std::vector<RecordFollower> followers(const Share& share, ShareRows& rows) const {
    LanePlace place{.layer = share.layer,
                    .lane = {},
                    .layers = info_.model.layers,
                    .lanes = run_.retention.lanes()};
    std::vector<std::unique_ptr<Policy>> together;
    if (choice_.shape().deciding == Deciding::LayerTogether) together = choice_.make_layer(place);
    std::vector<RecordFollower> lanes;
    const uint32_t first = share.first * info_.group() / heads_per_lane_;
    for (uint32_t head = 0; head < share.count * info_.group(); head += heads_per_lane_) {
      place.lane = Lane(first + head / heads_per_lane_);
      auto policy =
          together.empty() ? choice_.make(place) : std::move(together[place.lane.index()]);
      lanes.emplace_back(std::move(policy), choice_.lane_shape(place.layer, place.lane),
                         place.layer, place.lane, info_.tokens, rows.of_lane(head, heads_per_lane_),
                         run_, noise_);
    }
    return lanes;
  }

  std::string check_share(size_t layer, const Share& share) {
    const uint32_t heads = share.count * info_.group();
    std::vector<size_t> places;
    for (uint32_t head = 0; head < heads; ++head)
      if (const auto at = recorded(share.first * info_.group() + head)) places.push_back(*at);
    if (places.size() < heads) return {};
    ShareRows rows(info_, share);
    rows.read(trace_, layer, choice_.shape().inputs);
    std::vector<RecordFollower> lanes = followers(share, rows);
    const bool weights_needed = std::ranges::any_of(
        lanes, [](const RecordFollower& lane) { return lane.replay().needs_weights(); });
    Grid<float> block(heads * kBlockSteps, info_.tokens);
    for (uint32_t first = 0; first < info_.tokens; first += kBlockSteps) {
      const IndexRange steps{first, std::min(kBlockSteps, info_.tokens - first)};
      if (weights_needed) read_block(layer, places, steps, block);
      for (size_t row = 0; row < steps.count; ++row) {
        const std::string fault = step(lanes, block, Step(first + row), row);
        if (!fault.empty()) return fault;
      }
    }
    for (const RecordFollower& lane : lanes) {
      ++lanes_;
      departures_ += lane.departures();
      near_ties_ += lane.near_ties();
      lost_ += lane.followed() ? 0 : 1;
    }
    return {};
  }

  void read_block(size_t layer, const std::vector<size_t>& places, IndexRange steps,
                  Grid<float>& block) const {
    for (size_t head = 0; head < places.size(); ++head) {
      const size_t end = steps.first + steps.count;
      const GridView<float> to(block.row(head * kBlockSteps).data(), steps.count, end,
                               block.cols());
      trace_.read_weights(layer, places[head], steps, {0, end}, to);
    }
  }

  std::string step(std::vector<RecordFollower>& lanes, const Grid<float>& block, Step step,
                   size_t row) {
    for (size_t lane = 0; lane < lanes.size(); ++lane) {
      if (!lanes[lane].followed()) continue;
      const GridView<const float> weights(
          block.row(lane * heads_per_lane_ * kBlockSteps + row).data(), heads_per_lane_,
          step.index() + 1, kBlockSteps * block.cols());
      lanes[lane].replay().attend(weights);
    }
    if (choice_.shape().deciding == Deciding::LayerTogether)
      for (RecordFollower& lane : lanes) lane.replay().look();
    for (RecordFollower& lane : lanes) {
      if (!lane.followed()) continue;
      std::string fault = lane.decide(step);
      if (!fault.empty()) return fault;
    }
    return {};
  }

  const TraceReader& trace_;
  const TraceInfo& info_;
  const Run& run_;
  const PolicyChoice& choice_;
  const ScoreNoise noise_;
  const uint32_t heads_per_lane_, share_count_;
  uint64_t lanes_ = 0, departures_ = 0, near_ties_ = 0, lost_ = 0;
};

/// The first entry in which two records differ; empty = none.
std::string first_difference(const Run& run, const Run& again) {
  const Retention& one = run.retention;
  for (uint32_t layer = 0; layer < one.layers(); ++layer)
    for (uint32_t lane = 0; lane < one.lanes(); ++lane)
      for (uint32_t position = 0; position < one.tokens(); ++position) {
        const size_t at = (size_t{layer} * one.lanes() + lane) * one.tokens() + position;
        const auto &a = one.arrays(), &b = again.retention.arrays();
        const auto differs = [&](const char* what, auto found, auto wanted) {
          return lane_text(layer, lane) + ", position " + std::to_string(position) + ": " + what +
                 " " + std::to_string(found) + ", replayed " + std::to_string(wanted);
        };
        if (a.evict_step[at] != b.evict_step[at])
          return differs("evict_step", a.evict_step[at], b.evict_step[at]);
        if (a.rival[at] != b.rival[at]) return differs("rival", a.rival[at], b.rival[at]);
        if (a.reason[at] != b.reason[at]) return differs("reason", a.reason[at], b.reason[at]);
        if (!same_number(a.score[at], b.score[at]))
          return differs("score", a.score[at], b.score[at]);
        if (!same_number(a.rival_score[at], b.rival_score[at]))
          return differs("rival_score", a.rival_score[at], b.rival_score[at]);
      }
  return {};
}

}  // namespace

Finding check_open_record(const TraceReader& trace, const Run& run, unsigned threads,
                          const Progress& progress) {
  try {
    const std::vector<PolicyChoice> choices{policy_of(run)};
    const auto again = replay_trace(trace, choices, threads, progress);
    if (!again) return not_applicable("stopped before it was done");
    const Retention& one = run.retention;
    const Retention& other = again->front().retention;
    if (one.layers() != other.layers() || one.lanes() != other.lanes() ||
        one.tokens() != other.tokens())
      return bad("has " + std::to_string(one.layers()) + " x " + std::to_string(one.lanes()) +
                 " x " + std::to_string(one.tokens()) + " entries, the trace gives " +
                 std::to_string(other.layers()) + " x " + std::to_string(other.lanes()) + " x " +
                 std::to_string(other.tokens()));
    const std::string difference = first_difference(run, again->front());
    if (!difference.empty()) return bad(difference);
    return good("every entry of " + std::to_string(one.layers() * one.lanes()) +
                " lanes replayed, bit for bit");
  } catch (const Error& error) {
    return not_applicable(std::string("cannot be replayed: ") + error.what());
  }
}

Finding check_closed_record(const TraceReader& trace, const Run& run, const Progress& progress) {
  const TraceInfo& info = trace.info();
  if (info.capture.rows == FullRows::Omit) return not_applicable("the trace holds no full rows");
  if (info.steps.size() != info.tokens) return not_applicable("not every step is on record");
  try {
    const PolicyChoice choice = policy_of(run);
    const InputSet inputs = choice.shape().inputs;
    if (inputs.has(Input::Queries) || inputs.has(Input::QueryStatistics))
      return not_applicable("the policy needs queries, which a trace does not hold");
    if (inputs.has(Input::Keys) && info.keys == KeyRows::Omit)
      return not_applicable("the policy needs keys, which the trace does not hold");
    return ClosedRecord(trace, run, choice).check(progress);
  } catch (const Error& error) {
    return bad(error.what());
  }
}

}  // namespace dendrokv
