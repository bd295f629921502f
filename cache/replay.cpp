#include "cache/replay.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "cache/lane_replay.h"
#include "data/error.h"

namespace dendrokv {
namespace {

// The steps of one chunk of a trace as we write it: each chunk is read once.
constexpr uint32_t kBlockSteps = 64;

void refuse_what_cannot_be_replayed(const TraceInfo& info) {
  const PolicyShape recorded = PolicyChoice(info.policy).shape();
  if (recorded.budget != 0 && recorded.budget < info.tokens)
    fail("trace", "recorded under policy '" + info.policy + "', which evicts",
         "wanted attention over all tokens", "record it with --policy full");
  const auto want_all = [](const char* what, size_t found, size_t wanted) {
    if (found != wanted)
      fail("trace",
           "records " + std::to_string(found) + " of " + std::to_string(wanted) + " " + what,
           std::string("replay wants all ") + what, std::string("record all ") + what);
  };
  want_all("layers", info.layers.size(), info.model.layers);
  want_all("heads", info.heads.size(), info.model.heads);
  want_all("steps", info.steps.size(), info.tokens);
}

Run empty_run(const PolicyChoice& choice, const TraceInfo& info) {
  const PolicyShape& shape = choice.shape();
  DENDROKV_ASSERT(shape.lane_kind == LaneKind::PerKvHead);
  Run run;
  run.policy = choice.text();
  run.mode = RunMode::OpenLoop;
  run.trace_uuid = info.uuid;
  run.lane_kind = shape.lane_kind;
  run.sinks = shape.sinks;
  run.recent = shape.recent;
  run.budget = shape.budget;
  run.positions = shape.positions == PositionMode::Rank ? "rank" : "original";
  run.retention = Retention(info.model.layers, info.model.kv_heads, info.tokens);
  return run;
}

/// The lanes of a trace as a row of jobs; any number of threads call work().
class TraceReplay {
 public:
  TraceReplay(const TraceReader& trace, std::span<const PolicyChoice> choices)
      : trace_(trace), info_(trace.info()), choices_(choices) {
    for (const PolicyChoice& choice : choices) runs_.push_back(empty_run(choice, info_));
  }

  /// Takes lanes until none is left. `after_block` may stop all threads; so does an exception,
  /// which rethrow() gives back.
  void work(const std::function<Continue()>& after_block) {
    try {
      Grid<float> block(info_.group() * kBlockSteps, info_.tokens);  // [head * step, position]
      for (uint32_t lane = next_lane_++; lane < lanes() && !stopped_; lane = next_lane_++)
        replay_one(Layer(lane / info_.model.kv_heads), Lane(lane % info_.model.kv_heads), block,
                   after_block);
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
  uint32_t lanes() const { return info_.model.layers * info_.model.kv_heads; }
  uint64_t total() const { return uint64_t{lanes()} * info_.tokens; }
  std::vector<Run> take_runs() { return std::move(runs_); }

 private:
  void replay_one(Layer layer, Lane lane, Grid<float>& block,
                  const std::function<Continue()>& after_block) {
    std::vector<LaneReplay> policies;
    for (const PolicyChoice& choice : choices_)
      policies.emplace_back(choice, layer, lane, info_.tokens);
    const bool weights_needed =
        std::any_of(policies.begin(), policies.end(),
                    [](const LaneReplay& policy) { return policy.needs_weights(); });
    for (uint32_t first = 0; first < info_.tokens && !stopped_; first += kBlockSteps) {
      const uint32_t count = std::min(kBlockSteps, info_.tokens - first);
      if (weights_needed) read_block(layer, lane, {first, count}, block);
      for (size_t run = 0; run < policies.size(); ++run)
        replay_block(policies[run], {first, count}, block, runs_[run].retention);
      done_ += count;
      if (after_block() == Continue::Stop) stopped_ = true;
    }
  }

  void read_block(Layer layer, Lane lane, IndexRange steps, Grid<float>& block) {
    const std::lock_guard lock(reading_);
    for (size_t head = 0; head < info_.group(); ++head)
      trace_.read_weights(layer.index(), lane.index() * info_.group() + head, steps,
                          {0, steps.first + steps.count}, rows_of(block, head, steps));
  }

  /// [step of the block, position 0 .. end of the block]
  GridView<float> rows_of(Grid<float>& block, size_t head, IndexRange steps) const {
    return {block.data() + head * kBlockSteps * block.cols(), steps.count,
            steps.first + steps.count, block.cols()};
  }

  void replay_block(LaneReplay& policy, IndexRange steps, const Grid<float>& block,
                    Retention& retention) const {
    for (size_t row = 0; row < steps.count; ++row) {
      const GridView<const float> weights(block.data() + row * block.cols(), info_.group(),
                                          steps.first + row + 1, kBlockSteps * block.cols());
      if (const auto eviction = policy.step(weights))
        retention.record(policy.layer(), policy.lane(), *eviction);
    }
  }

  const TraceReader& trace_;
  const TraceInfo& info_;
  std::span<const PolicyChoice> choices_;
  std::vector<Run> runs_;  // threads write different lanes of them
  std::mutex reading_, error_mutex_;
  std::exception_ptr error_;
  std::atomic<uint32_t> next_lane_ = 0;
  std::atomic<uint64_t> done_ = 0;
  std::atomic<bool> stopped_ = false;
};

}  // namespace

void replay_lane(const PolicyChoice& choice, Layer layer, Lane lane,
                 const std::function<GridView<const float>(Step)>& weights, Retention& retention) {
  LaneReplay policy(choice, layer, lane, retention.tokens());
  for (Step step; step.value < retention.tokens(); step = step.next())
    if (const auto eviction = policy.step(weights(step))) retention.record(layer, lane, *eviction);
}

std::optional<std::vector<Run>> replay_trace(const TraceReader& trace,
                                             std::span<const PolicyChoice> choices,
                                             unsigned threads, const Progress& progress) {
  refuse_what_cannot_be_replayed(trace.info());
  TraceReplay replay(trace, choices);
  const auto report = [&] {
    return progress ? progress(replay.done(), replay.total()) : Continue::Yes;
  };
  {
    std::vector<std::jthread> helpers;  // joined at the end of the block
    for (unsigned helper = 1; helper < std::min(threads, replay.lanes()); ++helper)
      helpers.emplace_back([&replay] { replay.work([] { return Continue::Yes; }); });
    replay.work(report);
  }
  replay.rethrow();
  if (replay.stopped()) return std::nullopt;
  return replay.take_runs();
}

}  // namespace dendrokv
