// The wavelet profile beside what memory allows: a plain read of as many bytes.

#include <thread>

#include "analysis/haar.h"
#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/setup.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kRounds = 15, kPositions = 512, kChannels = 64, kLevels = 5, kHeads = 270;

struct Heads {
  std::vector<Grid<float>> values;  // [head] of [position, channel]
  Grid<float> weights{kHeads, kPositions};
};

Heads make_heads() {
  Heads heads;
  for (size_t h = 0; h < kHeads; ++h) {
    heads.values.emplace_back(kPositions, kChannels);
    for (size_t i = 0; i < kPositions * kChannels; ++i) heads.values[h].all()[i] = static_cast<float>((i * 2654435761u + h) % 1000) / 500 - 1;
    for (size_t p = 0; p < kPositions; ++p) heads.weights(h, p) = 1.0f / static_cast<float>(kPositions - p);
  }
  return heads;
}

void run_on_threads(unsigned threads, const std::function<void(size_t head)>& body) {
  std::vector<std::thread> others;
  const auto work = [&](unsigned thread) {
    for (size_t head = thread; head < kHeads; head += threads) body(head);
  };
  for (unsigned thread = 1; thread < threads; ++thread) others.emplace_back(work, thread);
  work(0);
  for (std::thread& thread : others) thread.join();
}

double read_seconds(const Heads& heads, unsigned threads) {
  std::vector<float> sums(kHeads);
  return seconds_of([&] {
    run_on_threads(threads, [&](size_t head) {
      float partial[16] = {};
      const std::span<const float> all = heads.values[head].all();
      for (size_t i = 0; i < all.size(); i += 16)
        for (size_t lane = 0; lane < 16; ++lane) partial[lane] += all[i + lane];
      for (const float part : partial) sums[head] += part;
    });
  });
}

double fused_seconds(const Heads& heads, unsigned threads) {
  std::vector<Grid<double>> profiles(kHeads, Grid<double>(kLevels, kPositions));
  return seconds_of([&] {
    run_on_threads(threads, [&](size_t head) {
      const std::vector<GridView<double>> view = {profiles[head].view()};
      add_haar_profiles(heads.weights.view().rows_from(head, 1), heads.values[head].view(), view);
    });
  });
}

double honest_seconds(const Heads& heads, unsigned threads) {
  return seconds_of([&] {
    run_on_threads(threads, [&](size_t head) {
      Grid<float> signal = heads.values[head];
      haar_forward(signal.view(), kLevels);
      for (uint32_t level = 1; level <= kLevels; ++level) haar_reconstruct_band(std::as_const(signal).view(), kLevels, level);
    });
  });
}

JsonObject row_of(std::string_view name, unsigned threads, double seconds) {
  constexpr double kBytes = double{kHeads} * kPositions * kChannels * sizeof(float);
  JsonObject row;
  row.set("name", name).set("shape", "270 heads x 512 positions x 64 channels").set("dtype", "f32");
  row.set("threads", size_t{threads}).set("milliseconds", seconds * 1e3).set("gb_per_second", kBytes / seconds / 1e9);
  return row;
}

double median_of(const Heads& heads, unsigned threads, double (*seconds)(const Heads&, unsigned)) {
  std::vector<double> rounds;
  for (size_t round = 0; round < kRounds; ++round) rounds.push_back(seconds(heads, threads));
  return median(rounds);
}

}  // namespace

void run_analysis(const Options& options, std::ostream& out) {
  const Heads heads = make_heads();
  const unsigned most = options.threads ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  constexpr double kBytes = double{kHeads} * kPositions * kChannels * sizeof(float);
  JsonObject result;
  result.set("stream_read_gb_per_second", kBytes / median_of(heads, 1, read_seconds) / 1e9);
  for (const unsigned threads : {1u, most}) {
    result.append("cases", row_of("fused_haar_profile", threads, median_of(heads, threads, fused_seconds)));
    result.append("cases", row_of("transform_and_inverse", threads, median_of(heads, threads, honest_seconds)));
    if (most == 1) break;
  }
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
