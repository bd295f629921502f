// Replay of cache policies over attention in memory, without the reading of a trace: one lane of
// 32,768 steps in 1,024 rows, and all 90 lanes of the default model over 2,048 tokens (--filter
// replay); then what each policy costs in a running model (bench/policy_costs.h; --filter NAME of
// some). The peer is the least that a score needs: a read and sum of the same number of weights, in
// order. `cpu_milliseconds` is the time that the processors worked, of all threads together: on a
// busy machine the one to look at.

#include <atomic>
#include <cmath>
#include <ctime>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/policy_costs.h"
#include "bench/setup.h"
#include "cache/lane_replay.h"
#include "data/error.h"
#include "model/processors.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kRounds = 5;
constexpr uint32_t kRowsInMemory = 64;  // of weights per head, used in turn

/// Weights of `heads` heads over `tokens` positions, [head * kRowsInMemory + step % kRowsInMemory].
Grid<float> make_weights(uint32_t heads, uint32_t tokens) {
  Grid<float> weights(size_t{heads} * kRowsInMemory, tokens);
  std::mt19937 random(1);
  std::exponential_distribution<float> sizes(static_cast<float>(tokens));
  for (float& weight : weights.all()) weight = sizes(random);
  return weights;
}

struct Setting {
  const char* name;
  const char* policy;
  uint32_t tokens, heads, lanes;
};

constexpr Setting kSettings[] = {
    {"one_lane", "treekv", 32768, 1, 1},
    {"one_lane_of_3_heads", "treekv", 32768, 3, 1},
    {"one_lane_h2o", "h2o", 32768, 1, 1},
    {"one_lane_scope_8", "treekv:scope=8", 32768, 1, 1},
    {"all_lanes_of_2048_tokens", "treekv", 2048, 3, 90},
};

void replay(const Setting& setting, const Grid<float>& weights) {
  LaneReplay lane(PolicyChoice(setting.policy), Layer(0), Lane(0), setting.tokens);
  size_t evictions = 0;
  for (uint32_t step = 0; step < setting.tokens; ++step) {
    const GridView<const float> row(weights.data() + step % kRowsInMemory * weights.cols(),
                                    setting.heads, step + 1, kRowsInMemory * weights.cols());
    evictions += lane.step(row).size();
  }
  DENDROKV_ASSERT(evictions == setting.tokens - 1024);
}

/// As many weights as the lane's rows get, read in order and added.
double read(const Setting& setting, const Grid<float>& weights) {
  double total = 0;
  for (uint32_t step = 0; step < setting.tokens; ++step)
    for (uint32_t head = 0; head < setting.heads; ++head) {
      const auto row = weights.row(size_t{head} * kRowsInMemory + step % kRowsInMemory)
                           .first(std::min<size_t>(step + 1, 1025));
      double sums[4] = {};
      for (size_t i = 0; i + 4 <= row.size(); i += 4)
        for (size_t chain = 0; chain < 4; ++chain)
          sums[chain] += static_cast<double>(row[i + chain]);
      total += sums[0] + sums[1] + sums[2] + sums[3];
    }
  return total;
}

struct Times {
  std::vector<double> wall, cpu;  // seconds, [round]
};

/// Lanes dealt out to threads.
void time_lanes(const Setting& setting, unsigned threads, const std::function<void()>& lane,
                Times& times) {
  const std::clock_t start = std::clock();
  times.wall.push_back(seconds_of([&] {
    std::atomic<uint32_t> next = 0;
    const auto work = [&] {
      while (next++ < setting.lanes) lane();
    };
    std::vector<std::jthread> helpers;
    for (unsigned helper = 1; helper < std::min(threads, setting.lanes); ++helper)
      helpers.emplace_back(work);
    work();
  }));
  times.cpu.push_back(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
}

JsonObject measure(const Setting& setting, unsigned threads) {
  const Grid<float> weights = make_weights(setting.heads, setting.tokens);
  Times replays, reads;
  std::atomic<double> sum = 0;  // the result is used, so the loop stays
  for (size_t round = 0; round < kRounds; ++round) {
    time_lanes(
        setting, threads, [&] { replay(setting, weights); }, replays);
    time_lanes(
        setting, threads, [&] { sum = read(setting, weights); }, reads);
  }
  DENDROKV_ASSERT(std::isfinite(sum.load()));
  JsonObject row;
  row.set("name", setting.name).set("policy", setting.policy);
  row.set("tokens", size_t{setting.tokens}).set("rows", size_t{1024});
  row.set("heads", size_t{setting.heads}).set("lanes", size_t{setting.lanes});
  row.set("threads", size_t{std::min(threads, setting.lanes)});
  row.set("milliseconds", median(replays.wall) * 1e3);
  row.set("cpu_milliseconds", median(replays.cpu) * 1e3);
  row.set("read_cpu_milliseconds", median(reads.cpu) * 1e3);
  row.set("over_read", median(replays.cpu) / median(reads.cpu));
  return row;
}

}  // namespace

void run_cache(const Options& options, std::ostream& out) {
  const unsigned threads = options.threads != 0 ? options.threads : usable_cores();
  JsonObject result;
  if (options.filter.empty() || options.filter == "replay")
    for (const Setting& setting : kSettings) result.append("cases", measure(setting, threads));
  if (options.filter != "replay") append_policy_costs(options, result);
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
