#include "cache/replay_numbers.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "cache/head_numbers.h"
#include "cache/whole_trace.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint32_t kBlockSteps = 64;

void check(const TraceInfo& info, std::span<const Run> runs) {
  require_whole_trace(info);
  for (const Run& run : runs) {
    const bool same_text = run.trace_uuid.empty() || run.trace_uuid == info.uuid;
    if (!same_text || run.retention.tokens() != info.tokens ||
        run.retention.layers() != info.model.layers ||
        info.model.heads % run.retention.lanes() != 0)
      fail("run of policy '" + run.policy + "'", "belongs to another trace",
           "wanted one of trace " + info.uuid);
  }
}

RunNumbers empty_numbers(const TraceInfo& info, const Run& run, std::span<const Step> steps) {
  RunNumbers numbers;
  numbers.steps.assign(steps.begin(), steps.end());
  numbers.layers = info.model.layers;
  numbers.heads = info.model.heads;
  numbers.lanes = run.retention.lanes();
  numbers.tokens = info.tokens;
  const size_t of_heads = size_t{numbers.layers} * numbers.heads * steps.size();
  const size_t of_lanes = size_t{numbers.layers} * numbers.lanes * numbers.tokens;
  for (auto* array : {&numbers.retained_mass, &numbers.best_mass, &numbers.output_error,
                      &numbers.relative_error, &numbers.cosine, &numbers.guilt})
    array->assign(of_heads, 0);
  numbers.guiltiest.assign(of_heads, -1);
  numbers.regret.assign(of_lanes, 0);
  numbers.first_regret.assign(of_lanes, -1);
  numbers.recurrence.assign(of_lanes, 0);
  return numbers;
}

/// One layer of a trace, step by step; writes that layer's part of the numbers.
class LayerMeasure {
 public:
  LayerMeasure(const TraceReader& trace, std::mutex& reading, std::span<const Run> runs,
               std::span<RunNumbers> numbers, Layer layer)
      : trace_(trace),
        info_(trace.info()),
        reading_(reading),
        runs_(runs),
        numbers_(numbers),
        layer_(layer) {
    for (const Run& run : runs) {
      const size_t positions = size_t{run.retention.lanes()} * info_.tokens;
      last_share_.emplace_back(positions);
      for (size_t at = 0; at < positions; ++at)
        last_share_.back()[at] = static_cast<uint32_t>(at % info_.tokens);
    }
  }

  void run() {
    read_values();
    Grid<float> block(size_t{info_.model.heads} * kBlockSteps, info_.tokens);
    size_t next = 0;  // of the measured steps
    for (uint32_t first = 0; first < info_.tokens; first += kBlockSteps) {
      const uint32_t count = std::min(kBlockSteps, info_.tokens - first);
      read_block({first, count}, block);
      for (uint32_t row = 0; row < count; ++row) {
        const Step step(first + row);
        const GridView<const float> weights(block.data() + row * block.cols(), info_.model.heads,
                                            step.index() + 1, kBlockSteps * block.cols());
        const std::vector<Step>& measured = numbers_[0].steps;
        const bool measure = next < measured.size() && measured[next] == step;
        for (size_t run = 0; run < runs_.size(); ++run) {
          follow_positions(run, step, weights);
          if (measure) measure_heads(run, step, next, weights);
        }
        next += measure;
      }
    }
  }

 private:
  void read_values() {
    const std::lock_guard lock(reading_);
    for (uint32_t kv_head = 0; kv_head < info_.model.kv_heads; ++kv_head) {
      values_.emplace_back(info_.tokens, info_.model.head_dim);
      trace_.read_values(layer_.index(), KvHead(kv_head), {0, info_.tokens}, values_.back().view());
    }
  }

  void read_block(IndexRange steps, Grid<float>& block) {
    const std::lock_guard lock(reading_);
    for (uint32_t head = 0; head < info_.model.heads; ++head) {
      const GridView<float> to(block.data() + size_t{head} * kBlockSteps * block.cols(),
                               steps.count, steps.first + steps.count, block.cols());
      trace_.read_weights(layer_.index(), head, steps, {0, steps.first + steps.count}, to);
    }
  }

  void follow_positions(size_t run, Step step, GridView<const float> weights) {
    const uint32_t lanes = runs_[run].retention.lanes(), heads = info_.model.heads / lanes;
    for (Lane lane; lane.value < lanes; lane = lane.next()) {
      mean_.assign(weights.cols(), 0);
      for (const size_t head : heads_of(lane, heads))
        for (size_t position = 0; position < mean_.size(); ++position)
          mean_[position] += static_cast<double>(weights(head, position)) / heads;
      follow_lane(run, lane, step);
    }
  }

  static std::vector<size_t> heads_of(Lane lane, uint32_t heads) {
    std::vector<size_t> all;
    for (uint32_t head = 0; head < heads; ++head) all.push_back(lane.index() * heads + head);
    return all;
  }

  void follow_lane(size_t run, Lane lane, Step step) {
    RunNumbers& numbers = numbers_[run];
    const auto evict_step = runs_[run].retention.evict_step(layer_, lane);
    const double share = 1.0 / (step.value + 1.0);
    const size_t first = numbers.of_lane(layer_, lane, Position(0));
    uint32_t* last = &last_share_[run][lane.index() * info_.tokens];
    for (size_t position = 0; position < mean_.size(); ++position) {
      const bool noticed = mean_[position] > share;
      const size_t at = first + position;
      if (evict_step[position] >= 0 && static_cast<uint32_t>(evict_step[position]) < step.value) {
        numbers.regret[at] += static_cast<float>(mean_[position]);
        if (noticed && numbers.first_regret[at] < 0)
          numbers.first_regret[at] = static_cast<int32_t>(step.value);
      }
      if (!noticed) continue;
      numbers.recurrence[at] =
          std::max(numbers.recurrence[at], static_cast<int32_t>(step.value - last[position]));
      last[position] = step.value;
    }
  }

  void measure_heads(size_t run, Step step, size_t step_index, GridView<const float> weights) {
    RunNumbers& numbers = numbers_[run];
    const Retention& retention = runs_[run].retention;
    for (Head head; head.value < info_.model.heads; head = head.next()) {
      const Lane lane(head.value * retention.lanes() / info_.model.heads);
      const auto evict_step = retention.evict_step(layer_, lane);
      seen_.resize(step.index() + 1);
      for (size_t position = 0; position < seen_.size(); ++position)
        seen_[position] =
            evict_step[position] < 0 || static_cast<uint32_t>(evict_step[position]) >= step.value;
      const HeadNumbers found =
          measure_.measure(weights.row(head.index()), seen_,
                           std::as_const(values_[info_.kv_head_of(head).index()]).view());
      const size_t at = numbers.of_head(layer_, head, step_index);
      numbers.retained_mass[at] = static_cast<float>(found.retained_mass);
      numbers.best_mass[at] = static_cast<float>(found.best_mass);
      numbers.output_error[at] = static_cast<float>(found.output_error);
      numbers.relative_error[at] = static_cast<float>(found.relative_error);
      numbers.cosine[at] = static_cast<float>(found.cosine);
      numbers.guilt[at] = static_cast<float>(found.guilt);
      if (found.guilt > 0) numbers.guiltiest[at] = static_cast<int32_t>(found.guiltiest.value);
    }
  }

  const TraceReader& trace_;
  const TraceInfo& info_;
  std::mutex& reading_;
  std::span<const Run> runs_;
  std::span<RunNumbers> numbers_;
  const Layer layer_;
  std::vector<Grid<float>> values_;  // [kv head] of [position, head_dim]
  // [run][lane, position]: last step above its share
  std::vector<std::vector<uint32_t>> last_share_;
  std::vector<double> mean_;   // [position]
  std::vector<uint8_t> seen_;  // [position]
  HeadMeasure measure_;
};

}  // namespace

std::optional<std::vector<RunNumbers>> measure_runs(const TraceReader& trace,
                                                    std::span<const Run> runs,
                                                    std::span<const Step> steps, unsigned threads,
                                                    const Progress& progress) {
  trace.require_full_rows("measuring");
  const TraceInfo& info = trace.info();
  check(info, runs);
  std::vector<RunNumbers> numbers;
  for (const Run& run : runs) numbers.push_back(empty_numbers(info, run, steps));
  if (runs.empty()) return numbers;
  std::mutex reading, error_mutex;
  std::exception_ptr error;
  std::atomic<uint32_t> next = 0, done = 0;
  std::atomic<bool> stopped = false;
  const auto work = [&](bool reports) {
    try {
      for (uint32_t layer; !stopped && (layer = next++) < info.model.layers;) {
        LayerMeasure(trace, reading, runs, numbers, Layer(layer)).run();
        ++done;
        if (reports && progress && progress(done, info.model.layers) == Continue::Stop)
          stopped = true;
      }
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
      stopped = true;
    }
  };
  {
    std::vector<std::jthread> helpers;  // joined at the end of the block
    for (unsigned helper = 1; helper < std::min(threads, info.model.layers); ++helper)
      helpers.emplace_back([&] { work(false); });
    work(true);
  }
  if (error) std::rethrow_exception(error);
  if (stopped) return std::nullopt;
  return numbers;
}

NumbersSummary summarise(const RunNumbers& numbers) {
  double count = 0;
  NumbersSummary sum{};
  for (size_t at = 0; at < numbers.retained_mass.size(); ++at) {
    if (numbers.guiltiest[at] < 0) continue;
    ++count;
    const auto mass = static_cast<double>(numbers.retained_mass[at]);
    const auto best = static_cast<double>(numbers.best_mass[at]);
    sum.retained_mass += mass;
    sum.best_mass += best;
    sum.efficiency += best > 0 ? mass / best : 1;
    sum.output_error += static_cast<double>(numbers.output_error[at]);
    sum.relative_error += static_cast<double>(numbers.relative_error[at]);
    sum.cosine += static_cast<double>(numbers.cosine[at]);
  }
  for (double* mean : {&sum.retained_mass, &sum.best_mass, &sum.efficiency, &sum.output_error,
                       &sum.relative_error, &sum.cosine})
    *mean = count > 0 ? *mean / count : std::numeric_limits<double>::quiet_NaN();
  for (const float regret : numbers.regret) sum.regret += static_cast<double>(regret);
  sum.regret /= static_cast<double>(numbers.layers) * numbers.lanes;
  return sum;
}

double jaccard(const Run& a, const Run& b, uint32_t heads, Layer layer, Head head, Step step) {
  DENDROKV_ASSERT(a.retention.tokens() == b.retention.tokens());
  const auto evict_step = [&](const Run& run) {
    return run.retention.evict_step(layer, Lane(head.value * run.retention.lanes() / heads));
  };
  const auto of_a = evict_step(a), of_b = evict_step(b);
  const auto kept = [&](int32_t left) {
    return left < 0 || static_cast<uint32_t>(left) > step.value;
  };
  size_t both = 0, either = 0;
  for (size_t position = 0; position <= step.index(); ++position) {
    both += kept(of_a[position]) && kept(of_b[position]);
    either += kept(of_a[position]) || kept(of_b[position]);
  }
  return static_cast<double>(both) / static_cast<double>(either);
}

double jaccard(const Run& a, const Run& b, uint32_t heads, Step step) {
  double sum = 0;
  for (Layer layer; layer.value < a.retention.layers(); layer = layer.next())
    for (Head head; head.value < heads; head = head.next())
      sum += jaccard(a, b, heads, layer, head, step);
  return sum / (static_cast<double>(a.retention.layers()) * heads);
}

}  // namespace dendrokv
