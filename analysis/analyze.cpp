// Layers are shared out among threads; a layer's sums over traces go to a place of its own, and the means over layers and heads are
// taken in their order afterwards. A trace belongs to one thread at a time: reading is under a lock, computing is not.

#include "analysis/analyze.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "analysis/haar.h"
#include "analysis/signal_window.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 3> kSignalNames = {"contribution", "weight", "value"};
constexpr std::array<std::string_view, 3> kUnits = {"weight * value", "weight", "value"};

/// What a layer adds to the analysis.
struct LayerSums {
  Grid<double> amplitude;      // [head, amplitude_count()], summed over traces
  std::vector<double> weight;  // [window position], summed over heads and traces
};

/// Heads [first, first + count) that share a KV head, of all recorded ones.
struct HeadGroup {
  KvHead kv_head;
  IndexRange heads;
};

std::vector<HeadGroup> groups_of(const TraceInfo& info) {
  std::vector<HeadGroup> groups;
  for (size_t h = 0; h < info.heads.size(); ++h) {
    const KvHead kv_head = info.kv_head_of(info.heads[h]);
    if (groups.empty() || groups.back().kv_head != kv_head) groups.push_back({kv_head, {h, 0}});
    ++groups.back().heads.count;
  }
  return groups;
}

class LayerSummer {
 public:
  LayerSummer(std::span<const SignalWindow> windows, const AnalyzeOptions& options)
      : windows_(windows), options_(options), sums_(windows[0].trace->info().layers.size()) {}

  /// Takes layers until none is left; any number of threads call it.
  void work(const Progress& progress) {
    try {
      for (size_t layer = next_++; layer < sums_.size() && !stopped_; layer = next_++) {
        sums_[layer] = summed(layer);
        ++done_;
        if (progress && progress(done_, sums_.size()) == Continue::Stop) stopped_ = true;
      }
    } catch (...) {
      const std::lock_guard lock(error_mutex_);
      if (!error_) error_ = std::current_exception();
      stopped_ = true;
    }
  }

  /// Nothing when it was stopped; throws what a thread threw.
  std::optional<std::vector<LayerSums>> take() {
    if (error_) std::rethrow_exception(error_);
    if (stopped_) return std::nullopt;
    return std::move(sums_);
  }

 private:
  LayerSums summed(size_t layer) {
    const size_t heads = windows_[0].trace->info().heads.size();
    const size_t positions = windows_[0].positions.count;
    LayerSums sums{{heads, amplitude_count(positions, options_.levels)},
                   std::vector<double>(positions)};
    for (const SignalWindow& window : windows_)
      for (const HeadGroup& group : groups_of(window.trace->info()))
        add(window, layer, group, sums);
    return sums;
  }

  void add(const SignalWindow& window, size_t layer, const HeadGroup& group, LayerSums& sums) {
    const size_t positions = window.positions.count;
    Grid<float> weights, values(positions, 1, 1.0f);
    {
      const std::lock_guard lock(reading_);
      weights = window.weights(layer, group.heads);
      if (options_.signal != Signal::Weight) values = window.values(layer, group.kv_head);
    }
    for (size_t h = 0; h < weights.rows(); ++h)
      for (size_t p = 0; p < positions; ++p) sums.weight[p] += static_cast<double>(weights(h, p));
    if (options_.signal == Signal::Value)
      std::ranges::fill(weights.all(), 1.0f);
    else
      window.check_seen(weights, layer, group.heads.first);
    Grid<double> amplitude(weights.rows(), sums.amplitude.cols());
    haar_amplitudes<float>(weights.view(), values.view(), options_.levels, amplitude.view());
    for (size_t h = 0; h < weights.rows(); ++h)
      for (size_t i = 0; i < amplitude.cols(); ++i)
        sums.amplitude(group.heads.first + h, i) += amplitude(h, i);
  }

  std::span<const SignalWindow> windows_;
  const AnalyzeOptions& options_;
  std::vector<LayerSums> sums_;
  std::mutex reading_, error_mutex_;
  std::exception_ptr error_;
  std::atomic<size_t> next_ = 0, done_ = 0;
  std::atomic<bool> stopped_ = false;
};

std::optional<std::vector<LayerSums>> sum_layers(std::span<const SignalWindow> windows,
                                                 const AnalyzeOptions& options,
                                                 const Progress& progress) {
  LayerSummer summer(windows, options);
  {
    std::vector<std::jthread> helpers;  // joined at the end of the block
    for (unsigned helper = 1; helper < options.threads; ++helper)
      helpers.emplace_back([&summer] { summer.work({}); });
    summer.work(progress);
  }
  return summer.take();
}

/// All but the numbers, which are NaN.
Analysis described(std::span<const SignalWindow> windows, const AnalyzeOptions& options) {
  const SignalWindow& longest = *std::ranges::max_element(windows, {}, &SignalWindow::step);
  const TraceInfo& info = longest.trace->info();
  Analysis analysis;
  for (const SignalWindow& window : windows)
    analysis.trace_uuids.push_back(window.trace->info().uuid);
  analysis.signal = signal_name(options.signal);
  analysis.unit = kUnits[static_cast<size_t>(options.signal)];
  analysis.levels = options.levels;
  analysis.positions = longest.step.value + 1;
  analysis.step = longest.step.value;
  analysis.valid_first = static_cast<uint32_t>(longest.positions.first);
  analysis.valid_count = static_cast<uint32_t>(longest.positions.count);
  analysis.exclude_first = options.exclude_first;
  analysis.exclude_last = options.exclude_last;
  analysis.samples = static_cast<uint32_t>(windows.size());
  analysis.layers = info.layers;
  analysis.heads = info.heads;
  const size_t lanes = info.layers.size() * info.heads.size();
  analysis.band.assign(size_t{analysis.levels} * analysis.positions,
                       std::numeric_limits<double>::quiet_NaN());
  analysis.band_by_head.assign(analysis.levels * lanes * analysis.positions,
                               std::numeric_limits<float>::quiet_NaN());
  analysis.mean_weight.assign(analysis.positions, std::numeric_limits<double>::quiet_NaN());
  return analysis;
}

/// Amplitude of one level at window position i is that of block i >> level.
void fill_level(std::span<const LayerSums> sums, uint32_t level, Analysis& analysis) {
  const size_t heads = analysis.heads.size(), lanes = sums.size() * heads;
  const IndexRange blocks = amplitudes_of_level(analysis.valid_count, level);
  std::vector<double> total(blocks.count);
  for (size_t lane = 0; lane < lanes; ++lane) {
    const double* sum = sums[lane / heads].amplitude.row(lane % heads).data() + blocks.first;
    const size_t row = (level - 1) * lanes + lane;
    float* out = analysis.band_by_head.data() + row * analysis.positions + analysis.valid_first;
    for (size_t i = 0; i < analysis.valid_count; ++i)
      out[i] = static_cast<float>(sum[i >> level] / analysis.samples);
    for (size_t k = 0; k < blocks.count; ++k) total[k] += sum[k];
  }
  const double rows = static_cast<double>(lanes) * analysis.samples;
  double* out = analysis.band.data() + (level - 1) * analysis.positions + analysis.valid_first;
  for (size_t i = 0; i < analysis.valid_count; ++i) out[i] = total[i >> level] / rows;
}

void fill_mean_weight(std::span<const LayerSums> sums, Analysis& analysis) {
  const double rows = static_cast<double>(sums.size() * analysis.heads.size()) * analysis.samples;
  for (size_t i = 0; i < analysis.valid_count; ++i) {
    double total = 0;
    for (const LayerSums& layer : sums) total += layer.weight[i];
    analysis.mean_weight[analysis.valid_first + i] = total / rows;
  }
}

}  // namespace

Signal parse_signal(std::string_view name) {
  const auto found = std::ranges::find(kSignalNames, name);
  if (found == kSignalNames.end())
    fail("signal '" + std::string(name) + "'", "not known", "wanted contribution, weight or value",
         did_you_mean(name, kSignalNames));
  return static_cast<Signal>(found - kSignalNames.begin());
}

std::string_view signal_name(Signal signal) {
  return kSignalNames[static_cast<size_t>(signal)];
}

std::optional<Analysis> analyze(std::span<const TraceReader* const> traces,
                                const AnalyzeOptions& options, const Progress& progress) {
  const std::vector<SignalWindow> windows = signal_windows(traces, options);
  const auto sums = sum_layers(windows, options, progress);
  if (!sums) return std::nullopt;
  Analysis analysis = described(windows, options);
  for (uint32_t level = 1; level <= options.levels; ++level) fill_level(*sums, level, analysis);
  fill_mean_weight(*sums, analysis);
  return analysis;
}

}  // namespace dendrokv
