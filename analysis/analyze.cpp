#include "analysis/analyze.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <thread>

#include "analysis/haar.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 3> kSignalNames = {"contribution", "weight", "value"};
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Window {
  IndexRange positions;  // in the text of one trace
  size_t step_index = 0;
  Step step;
};

size_t step_index_of(const TraceReader& trace, const AnalyzeOptions& options) {
  const std::vector<Step>& steps = trace.info().steps;
  if (steps.empty()) fail("trace " + trace.info().uuid, "no recorded step", "wanted at least one");
  if (!options.step) return steps.size() - 1;
  const auto found = std::lower_bound(steps.begin(), steps.end(), *options.step);
  if (found == steps.end() || *found != *options.step)
    fail("step " + std::to_string(options.step->value), "was not recorded",
         "wanted one of the " + std::to_string(steps.size()) + " recorded steps",
         "they end at " + std::to_string(steps.back().value));
  return static_cast<size_t>(found - steps.begin());
}

// Rows of the value heads and weights that a signal needs; ones where a factor is left out.
struct LayerReader {
  const TraceReader& trace;
  const Window& window;
  Signal signal;

  Grid<float> weights(size_t layer_index, std::span<const size_t> heads) const {
    Grid<float> rows(heads.size(), window.positions.count, 1.0f);
    if (signal == Signal::Value) return rows;
    for (size_t h = 0; h < heads.size(); ++h)
      trace.read_weights(layer_index, heads[h], {window.step_index, 1}, window.positions,
                         rows.view().rows_from(h, 1));
    return rows;
  }

  Grid<float> values(size_t layer_index, KvHead kv_head) const {
    if (signal == Signal::Weight) return {window.positions.count, 1, 1.0f};
    Grid<float> rows(window.positions.count, trace.info().model.head_dim);
    trace.read_values(layer_index, kv_head, window.positions, rows.view());
    return rows;
  }
};

// Calls body(first, count) for each run of heads with one KV head.
template <class Body>
void for_each_group(const TraceInfo& info, std::span<const size_t> heads, const Body& body) {
  for (size_t first = 0; first < heads.size();) {
    size_t end = first + 1;
    const KvHead kv_head = info.kv_head_of(info.heads[heads[first]]);
    while (end < heads.size() && info.kv_head_of(info.heads[heads[end]]) == kv_head) ++end;
    body(first, end - first, kv_head);
    first = end;
  }
}

// Profiles [level, window position] of the heads; `reading` guards the trace, which one thread may use at a time.
std::vector<Grid<double>> window_bands(const LayerReader& reader, size_t layer_index, std::span<const size_t> heads,
                                       uint32_t levels, std::mutex& reading) {
  std::vector<Grid<double>> bands(heads.size(), Grid<double>(levels, reader.window.positions.count));
  for_each_group(reader.trace.info(), heads, [&](size_t first, size_t count, KvHead kv_head) {
    std::unique_lock lock(reading);
    const Grid<float> weights = reader.weights(layer_index, heads.subspan(first, count));
    const Grid<float> values = reader.values(layer_index, kv_head);
    lock.unlock();
    std::vector<GridView<double>> views;
    for (size_t h = first; h < first + count; ++h) views.push_back(bands[h].view());
    add_haar_profiles(weights.view(), values.view(), views);
  });
  return bands;
}

void check_alike(std::span<const TraceReader* const> traces) {
  if (traces.empty()) fail("analyze", "no trace", "wanted at least one");
  const TraceInfo& first = traces[0]->info();
  for (const TraceReader* trace : traces) {
    const TraceInfo& info = trace->info();
    if (info.model.sha256 != first.model.sha256 || info.layers != first.layers || info.heads != first.heads)
      fail("trace " + info.uuid, "has another model, or other layers or heads, than trace " + first.uuid,
           "wanted traces of one kind");
  }
}

std::vector<size_t> all_indices(size_t count) {
  std::vector<size_t> indices(count);
  for (size_t i = 0; i < count; ++i) indices[i] = i;
  return indices;
}

// Windows of equal length that end at each trace's query.
std::vector<Window> windows_of(std::span<const TraceReader* const> traces, const AnalyzeOptions& options) {
  std::vector<Window> windows;
  uint32_t shortest = std::numeric_limits<uint32_t>::max();
  for (const TraceReader* trace : traces) {
    Window window;
    window.step_index = step_index_of(*trace, options);
    window.step = trace->info().steps[window.step_index];
    shortest = std::min(shortest, window.step.value + 1);
    windows.push_back(window);
  }
  const size_t count = aligned_window(shortest, options.levels).count;
  for (Window& window : windows) window.positions = {window.step.index() + 1 - count, count};
  return windows;
}

Analysis described(std::span<const TraceReader* const> traces, const std::vector<Window>& windows,
                   const AnalyzeOptions& options) {
  const auto longest = std::max_element(windows.begin(), windows.end(), [](const Window& a, const Window& b) {
    return a.step < b.step;
  });
  Analysis analysis;
  for (const TraceReader* trace : traces) analysis.trace_uuids.push_back(trace->info().uuid);
  analysis.signal = signal_name(options.signal);
  analysis.unit = options.signal == Signal::Weight ? "attention weight" : "value units";
  analysis.levels = options.levels;
  analysis.positions = longest->step.value + 1;
  analysis.step = longest->step.value;
  analysis.valid_first = static_cast<uint32_t>(longest->positions.first);
  analysis.valid_count = static_cast<uint32_t>(longest->positions.count);
  analysis.exclude_first = options.exclude_first;
  analysis.exclude_last = options.exclude_last;
  analysis.samples = static_cast<uint32_t>(traces.size());
  analysis.layers = traces[0]->info().layers;
  analysis.heads = traces[0]->info().heads;
  const size_t lanes = analysis.layers.size() * analysis.heads.size();
  analysis.band.assign(size_t{analysis.levels} * analysis.positions, kNone);
  analysis.band_by_head.assign(analysis.levels * lanes * analysis.positions, std::nanf(""));
  analysis.mean_weight.assign(analysis.positions, kNone);
  return analysis;
}

// Work shared by the threads: layer after layer from one counter; results go to places of their own.
class LayerLoop {
 public:
  LayerLoop(size_t layers, unsigned threads) : layers_(layers), threads_(std::max(1u, threads)) {}

  /// False when `progress` said stop.
  bool run(const std::function<void(size_t layer)>& body, const Progress& progress) {
    std::vector<std::thread> others;
    for (unsigned i = 1; i < threads_; ++i) others.emplace_back([&] { work(body, {}); });
    work(body, progress);
    for (std::thread& thread : others) thread.join();
    if (error_) std::rethrow_exception(error_);
    return !stopped_;
  }

 private:
  void work(const std::function<void(size_t)>& body, const Progress& progress) {
    try {
      for (size_t layer = next_++; layer < layers_ && !stopped_; layer = next_++) {
        body(layer);
        if (progress && progress(std::min(next_.load(), layers_), layers_) == Continue::Stop) stopped_ = true;
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      stopped_ = true;
    }
  }

  const size_t layers_;
  const unsigned threads_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
};

// Mean over traces of one layer's bands, into its rows of band_by_head.
void fill_layer(std::span<const TraceReader* const> traces, const std::vector<Window>& windows,
                const AnalyzeOptions& options, size_t layer, std::mutex& reading, Analysis& analysis) {
  const std::vector<size_t> heads = all_indices(analysis.heads.size());
  std::vector<Grid<double>> sums(heads.size(), Grid<double>(options.levels, analysis.valid_count));
  for (size_t i = 0; i < traces.size(); ++i) {
    const LayerReader reader{*traces[i], windows[i], options.signal};
    const std::vector<Grid<double>> bands = window_bands(reader, layer, heads, options.levels, reading);
    for (size_t h = 0; h < heads.size(); ++h)
      for (size_t cell = 0; cell < bands[h].all().size(); ++cell) sums[h].all()[cell] += bands[h].all()[cell];
  }
  const auto samples = static_cast<double>(traces.size());
  for (size_t level = 0; level < options.levels; ++level)
    for (size_t h = 0; h < heads.size(); ++h) {
      const size_t row = (level * analysis.layers.size() + layer) * heads.size() + h;
      float* out = analysis.band_by_head.data() + row * analysis.positions + analysis.valid_first;
      for (size_t i = 0; i < analysis.valid_count; ++i) out[i] = static_cast<float>(sums[h](level, i) / samples);
    }
}

// Means over layers and heads, summed in their order.
void fill_means(Analysis& analysis) {
  const size_t lanes = analysis.layers.size() * analysis.heads.size();
  for (size_t level = 0; level < analysis.levels; ++level)
    for (size_t p = analysis.valid_first; p < analysis.valid_first + size_t{analysis.valid_count}; ++p) {
      double sum = 0;
      for (size_t lane = 0; lane < lanes; ++lane)
        sum += static_cast<double>(analysis.band_by_head[(level * lanes + lane) * analysis.positions + p]);
      analysis.band[level * analysis.positions + p] = sum / static_cast<double>(lanes);
    }
}

void fill_mean_weight(std::span<const TraceReader* const> traces, const std::vector<Window>& windows, Analysis& analysis) {
  std::vector<double> sum(analysis.valid_count, 0);
  for (size_t i = 0; i < traces.size(); ++i)
    for (size_t layer = 0; layer < analysis.layers.size(); ++layer)
      for (size_t head = 0; head < analysis.heads.size(); ++head) {
        Grid<float> row(1, analysis.valid_count);
        traces[i]->read_weights(layer, head, {windows[i].step_index, 1}, windows[i].positions, row.view());
        for (size_t p = 0; p < sum.size(); ++p) sum[p] += static_cast<double>(row(0, p));
      }
  const auto rows = static_cast<double>(traces.size() * analysis.layers.size() * analysis.heads.size());
  for (size_t p = 0; p < sum.size(); ++p) analysis.mean_weight[analysis.valid_first + p] = sum[p] / rows;
}

}  // namespace

Signal parse_signal(std::string_view name) {
  const auto found = std::find(kSignalNames.begin(), kSignalNames.end(), name);
  if (found == kSignalNames.end())
    fail("signal '" + std::string(name) + "'", "not known", "wanted contribution, weight or value");
  return static_cast<Signal>(found - kSignalNames.begin());
}

std::string_view signal_name(Signal signal) { return kSignalNames[static_cast<size_t>(signal)]; }

std::vector<Grid<double>> head_bands(const TraceReader& trace, size_t layer_index, std::span<const size_t> head_indices,
                                     size_t step_index, const AnalyzeOptions& options) {
  Window window;
  window.step_index = step_index;
  window.step = trace.info().steps[step_index];
  window.positions = aligned_window(window.step.value + 1, options.levels);
  std::mutex reading;
  const LayerReader reader{trace, window, options.signal};
  std::vector<Grid<double>> profiles;
  for (const Grid<double>& bands : window_bands(reader, layer_index, head_indices, options.levels, reading)) {
    Grid<double> profile(options.levels, window.step.index() + 1, kNone);
    for (size_t level = 0; level < options.levels; ++level)
      std::copy(bands.row(level).begin(), bands.row(level).end(),
                profile.row(level).begin() + static_cast<std::ptrdiff_t>(window.positions.first));
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

std::optional<Analysis> analyze(std::span<const TraceReader* const> traces, const AnalyzeOptions& options,
                                const Progress& progress) {
  check_alike(traces);
  const std::vector<Window> windows = windows_of(traces, options);
  Analysis analysis = described(traces, windows, options);
  std::mutex reading;
  LayerLoop loop(analysis.layers.size(), options.threads);
  const auto layer = [&](size_t index) { fill_layer(traces, windows, options, index, reading, analysis); };
  if (!loop.run(layer, progress)) return std::nullopt;
  fill_means(analysis);
  fill_mean_weight(traces, windows, analysis);
  return analysis;
}

}  // namespace dendrokv
