// The Haar profile beside what memory allows: 270 heads of 512 positions and 64 channels, 5 levels (the default
// model at 512 tokens). Rates count one read of every head's signal, 4 bytes a sample, whatever the case really moves, so that cases
// compare; `percent_of_stream` is that over a plain read of the same 35 MB on as many threads.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "analysis/haar.h"
#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/setup.h"
#include "model/processors.h"
#include "model/thread_pool.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kRounds = 21, kPositions = 512, kChannels = 64, kHeads = 270, kGroup = 3;
constexpr uint32_t kLevels = 5;
constexpr double kBytes = double{kHeads} * kPositions * kChannels * sizeof(float);

struct Signals {
  std::vector<Grid<float>> values;  // [head] of [position, channel]
  Grid<float> weights{kHeads, kPositions};
  Grid<double> amplitudes{kHeads, amplitude_count(kPositions, kLevels)};
};

Signals make_signals() {
  Signals signals;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  Grid<float> noise(kPositions, kChannels);
  for (float& value : noise.all()) value = normal(random);
  signals.values.assign(kHeads, noise);
  for (float& weight : signals.weights.all()) weight = std::abs(normal(random));
  return signals;
}

/// One case: the work of one head, or of `heads_at_once` of them.
struct Case {
  const char* name;
  size_t heads_at_once;
  void (*work)(Signals& signals, size_t first_head);
};

void read_values(Signals& signals, size_t head) {
  const std::span<const float> all = signals.values[head].all();
  uint64_t sums[8] = {}, words[8];
  for (size_t i = 0; i + 16 <= all.size(); i += 16) {
    std::memcpy(words, &all[i], sizeof words);
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] += words[lane];
  }
  double total = 0;
  for (const uint64_t sum : sums) total += static_cast<double>(sum);
  signals.amplitudes(head, 0) = total;  // the result is used, so the loop stays
}

void fused(Signals& signals, size_t head, size_t heads) {
  haar_amplitudes<float>(signals.weights.view().rows_from(head, heads), signals.values[head].view(),
                         kLevels, signals.amplitudes.view().rows_from(head, heads));
}

void transform_and_inverse(Signals& signals, size_t head) {
  Grid<float> signal = signals.values[head];
  for (size_t p = 0; p < kPositions; ++p)
    for (float& sample : signal.row(p)) sample *= signals.weights(head, p);
  haar_forward(signal.view(), kLevels);
  for (uint32_t level = 1; level <= kLevels; ++level) {
    const Grid<float> band = haar_reconstruct_band(std::as_const(signal).view(), kLevels, level);
    double sum = 0;
    for (const float sample : band.all()) sum += static_cast<double>(std::abs(sample));
    signals.amplitudes(head, level) = sum;
  }
}

// The first is what the others are compared with.
constexpr Case kCases[] = {
    {"stream_read", 1, read_values},
    {"fused_profile", 1, [](Signals& signals, size_t head) { fused(signals, head, 1); }},
    {"fused_profile_shared_values", kGroup,
     [](Signals& signals, size_t head) { fused(signals, head, kGroup); }},
    {"transform_and_inverse", 1, transform_and_inverse},
};

double seconds_once(const Case& which, Signals& signals, ThreadPool& pool) {
  return seconds_of([&] {
    pool.run([&](unsigned thread) {
      const size_t step = which.heads_at_once * pool.threads();
      for (size_t head = thread * which.heads_at_once; head < kHeads; head += step)
        which.work(signals, head);
    });
  });
}

/// Medians, one per case; the cases take turns, so that what disturbs the machine disturbs all.
std::vector<double> median_seconds(Signals& signals, ThreadPool& pool) {
  std::vector<std::vector<double>> rounds(std::size(kCases));
  for (size_t round = 0; round < kRounds; ++round)
    for (size_t i = 0; i < rounds.size(); ++i)
      rounds[i].push_back(seconds_once(kCases[i], signals, pool));
  std::vector<double> medians;
  for (const std::vector<double>& seconds : rounds) medians.push_back(median(seconds));
  return medians;
}

JsonObject row_of(const Case& which, unsigned threads, double seconds, double stream_seconds) {
  JsonObject row;
  row.set("name", which.name).set("shape", "270 heads x 512 positions x 64 channels, 5 levels");
  row.set("dtype", "f32").set("threads", size_t{threads}).set("milliseconds", seconds * 1e3);
  row.set("gb_per_second", kBytes / seconds / 1e9);
  row.set("percent_of_stream", 100 * stream_seconds / seconds);
  return row;
}

}  // namespace

void run_analysis(const Options& options, std::ostream& out) {
  Signals signals = make_signals();
  const unsigned most = options.threads != 0 ? options.threads : usable_cores();
  JsonObject result;
  std::vector<unsigned> counts = {1};
  if (most > 1) counts.push_back(most);
  for (const unsigned threads : counts) {
    ThreadPool pool(threads);
    const std::vector<double> seconds = median_seconds(signals, pool);
    if (threads == 1) result.set("stream_read_gb_per_second", kBytes / seconds[0] / 1e9);
    for (size_t i = 0; i < seconds.size(); ++i)
      result.append("cases", row_of(kCases[i], threads, seconds[i], seconds[0]));
  }
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
