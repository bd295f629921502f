#include "cache/replay_numbers.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <string>
#include <thread>

#include "cache/layer_measure.h"
#include "cache/whole_trace.h"
#include "data/error.h"

namespace dendrokv {
namespace {

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
