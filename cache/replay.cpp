#include "cache/replay.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "cache/lane_replay.h"
#include "cache/share_rows.h"
#include "cache/whole_trace.h"
#include "data/error.h"

namespace dendrokv {
namespace {

// The steps of one chunk of a trace as we write it: each chunk is read once.
constexpr uint32_t kBlockSteps = 64;

void refuse_what_a_trace_does_not_hold(const TraceInfo& info, const PolicyChoice& choice) {
  const InputSet needed = choice.shape().inputs;
  const std::string subject = "policy '" + choice.text() + "'";
  if (needed.has(Input::Queries) || needed.has(Input::QueryStatistics))
    fail(subject, "needs queries, which a trace does not hold", "wanted a running model",
         "try it with dendrokv trace --policy");
  if (needed.has(Input::Keys) && info.keys == KeyRows::Omit)
    fail(subject, "needs keys, which the trace does not hold", "wanted a trace with keys",
         "record it with --with-keys");
}

Run empty_run(const PolicyChoice& choice, const TraceInfo& info) {
  Run run = run_under(choice, RunMode::OpenLoop);
  run.trace_uuid = info.uuid;
  run.retention =
      Retention(info.model.layers, lane_count(run.lane_kind, info.model.heads, info.model.kv_heads),
                info.tokens);
  return run;
}

bool needs_whole_layers(std::span<const PolicyChoice> choices) {
  return std::ranges::any_of(choices, [](const PolicyChoice& choice) {
    return choice.shape().lane_kind == LaneKind::PerLayer ||
           choice.shape().deciding == Deciding::LayerTogether;
  });
}

/// The lanes of one policy within a share, and the first query head of each, counted within the
/// share.
struct PolicyLanes {
  std::vector<LaneReplay> lanes;
  uint32_t heads_per_lane = 1;
  Deciding deciding = Deciding::LaneAlone;

  /// By a budget map one lane may hold the whole text where the next one decides.
  bool needs_weights() const {
    return std::ranges::any_of(lanes, [](const LaneReplay& lane) { return lane.needs_weights(); });
  }
};

/// The lanes of a trace as a row of jobs; any number of threads call work().
class TraceReplay {
 public:
  TraceReplay(const TraceReader& trace, std::span<const PolicyChoice> choices)
      : trace_(trace), info_(trace.info()), choices_(choices) {
    const uint32_t kv_heads = info_.model.kv_heads;
    const uint32_t count = needs_whole_layers(choices) ? kv_heads : 1;
    for (Layer layer; layer.value < info_.model.layers; layer = layer.next())
      for (uint32_t first = 0; first < kv_heads; first += count)
        shares_.push_back({layer, first, count});
    for (const PolicyChoice& choice : choices) {
      runs_.push_back(empty_run(choice, info_));
      for (const Input input : all_inputs())
        if (choice.shape().inputs.has(input)) wanted_.add(input);
    }
  }

  /// Takes shares until none is left. `after_block` may stop all threads; so does an exception,
  /// which rethrow() gives back.
  void work(const std::function<Continue()>& after_block) {
    try {
      const size_t heads = size_t{shares_[0].count} * info_.group();
      Grid<float> block(heads * kBlockSteps, info_.tokens);  // [head * step, position]
      for (size_t next = next_++; next < shares_.size() && !stopped_; next = next_++)
        replay_share(shares_[next], block, after_block);
    } catch (...) {
      const std::lock_guard lock(error_mutex_);
      if (!error_) error_ = std::current_exception();
      stopped_ = true;
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }
  bool stopped() const { return stopped_; }
  uint64_t done() const { return done_; }
  size_t shares() const { return shares_.size(); }
  uint64_t total() const {
    return uint64_t{info_.model.layers} * info_.model.kv_heads * info_.tokens;
  }
  std::vector<Run> take_runs() { return std::move(runs_); }

 private:
  void replay_share(const Share& share, Grid<float>& block,
                    const std::function<Continue()>& after_block) {
    ShareRows rows(info_, share);
    if (!wanted_.empty()) {
      const std::lock_guard lock(reading_);
      rows.read(trace_, share.layer.index(), wanted_);
    }
    if (wanted_.has(Input::Future)) add_up_mass(share, block, rows);
    std::vector<PolicyLanes> policies;
    for (const PolicyChoice& choice : choices_)
      policies.push_back(lanes_of_share(choice, share, rows));
    const bool weights_needed = std::ranges::any_of(
        policies, [](const PolicyLanes& policy) { return policy.needs_weights(); });
    for (uint32_t first = 0; first < info_.tokens && !stopped_; first += kBlockSteps) {
      const uint32_t count = std::min(kBlockSteps, info_.tokens - first);
      if (weights_needed) read_block(share, {first, count}, block);
      for (size_t run = 0; run < policies.size(); ++run)
        replay_block(policies[run], {first, count}, block, runs_[run].retention);
      done_ += uint64_t{count} * share.count;
      if (after_block() == Continue::Stop) stopped_ = true;
    }
  }

  PolicyLanes lanes_of_share(const PolicyChoice& choice, const Share& share,
                             ShareRows& rows) const {
    const PolicyShape& shape = choice.shape();
    PolicyLanes policy;
    policy.deciding = shape.deciding;
    const uint32_t all = lane_count(shape.lane_kind, info_.model.heads, info_.model.kv_heads);
    policy.heads_per_lane = info_.model.heads / all;
    const uint32_t heads = share.count * info_.group();
    const uint32_t first_lane = share.first * info_.group() / policy.heads_per_lane;
    LanePlace place{.layer = share.layer, .lane = {}, .layers = info_.model.layers, .lanes = all};
    std::vector<std::unique_ptr<Policy>> together;
    if (shape.deciding == Deciding::LayerTogether) together = choice.make_layer(place);
    for (uint32_t head = 0; head < heads; head += policy.heads_per_lane) {
      place.lane = Lane(first_lane + head / policy.heads_per_lane);
      auto made = together.empty() ? choice.make(place) : std::move(together[place.lane.index()]);
      policy.lanes.emplace_back(std::move(made), choice.lane_shape(place.layer, place.lane),
                                place.layer, place.lane, info_.tokens,
                                rows.of_lane(head, policy.heads_per_lane));
    }
    return policy;
  }

  void add_up_mass(const Share& share, Grid<float>& block, ShareRows& rows) {
    for (uint32_t first = 0; first < info_.tokens && !stopped_; first += kBlockSteps) {
      const IndexRange steps{first, std::min(kBlockSteps, info_.tokens - first)};
      read_block(share, steps, block);
      for (size_t head = 0; head < size_t{share.count} * info_.group(); ++head)
        for (size_t row = 0; row < steps.count; ++row)
          rows.add_mass(head, weights_of(block, head, 1, steps, row).row(0));
    }
  }

  void read_block(const Share& share, IndexRange steps, Grid<float>& block) {
    const std::lock_guard lock(reading_);
    for (size_t head = 0; head < size_t{share.count} * info_.group(); ++head) {
      const GridView<float> to(block.data() + head * kBlockSteps * block.cols(), steps.count,
                               steps.first + steps.count, block.cols());
      trace_.read_weights(share.layer.index(), share.first * info_.group() + head, steps,
                          {0, steps.first + steps.count}, to);
    }
  }

  /// [head, position 0 .. step] of some heads at step `row` of a block.
  static GridView<const float> weights_of(const Grid<float>& block, size_t first_head, size_t heads,
                                          IndexRange steps, size_t row) {
    return {block.data() + (first_head * kBlockSteps + row) * block.cols(), heads,
            steps.first + row + 1, kBlockSteps * block.cols()};
  }

  static void replay_block(PolicyLanes& policy, IndexRange steps, const Grid<float>& block,
                           Retention& retention) {
    const auto record = [&](const LaneReplay& lane, std::span<const Eviction> evictions) {
      for (const Eviction& eviction : evictions)
        retention.record(lane.layer(), lane.lane(), eviction);
    };
    const auto weights = [&](size_t lane, size_t row) {
      return weights_of(block, lane * policy.heads_per_lane, policy.heads_per_lane, steps, row);
    };
    if (policy.deciding == Deciding::LaneAlone) {
      for (size_t lane = 0; lane < policy.lanes.size(); ++lane)
        for (size_t row = 0; row < steps.count; ++row)
          record(policy.lanes[lane], policy.lanes[lane].step(weights(lane, row)));
      return;
    }
    for (size_t row = 0; row < steps.count; ++row) {
      for (size_t lane = 0; lane < policy.lanes.size(); ++lane)
        policy.lanes[lane].attend(weights(lane, row));
      for (LaneReplay& lane : policy.lanes) lane.look();
      for (LaneReplay& lane : policy.lanes) record(lane, lane.decide());
    }
  }

  const TraceReader& trace_;
  const TraceInfo& info_;
  std::span<const PolicyChoice> choices_;
  std::vector<Share> shares_;
  InputSet wanted_;
  std::vector<Run> runs_;  // threads write different lanes of them
  std::mutex reading_, error_mutex_;
  std::exception_ptr error_;
  std::atomic<size_t> next_ = 0;
  std::atomic<uint64_t> done_ = 0;
  std::atomic<bool> stopped_ = false;
};

}  // namespace

void replay_lane(const PolicyChoice& choice, Layer layer, Lane lane,
                 const std::function<GridView<const float>(Step)>& weights, Retention& retention,
                 const RecordedRows& rows) {
  LaneReplay policy(choice, layer, lane, retention.tokens(), rows);
  for (Step step; step.value < retention.tokens(); step = step.next())
    for (const Eviction& eviction : policy.step(weights(step)))
      retention.record(layer, lane, eviction);
}

std::optional<std::vector<Run>> replay_trace(const TraceReader& trace,
                                             std::span<const PolicyChoice> choices,
                                             unsigned threads, const Progress& progress) {
  trace.require_full_rows("a replay");
  require_whole_trace(trace.info());
  for (const PolicyChoice& choice : choices)
    refuse_what_a_trace_does_not_hold(trace.info(), choice);
  TraceReplay replay(trace, choices);
  const auto report = [&] {
    return progress ? progress(replay.done(), replay.total()) : Continue::Yes;
  };
  {
    std::vector<std::jthread> helpers;  // joined at the end of the block
    for (unsigned helper = 1; helper < std::min<size_t>(threads, replay.shares()); ++helper)
      helpers.emplace_back([&replay] { replay.work([] { return Continue::Yes; }); });
    replay.work(report);
  }
  replay.rethrow();
  if (replay.stopped()) return std::nullopt;
  return replay.take_runs();
}

}  // namespace dendrokv
