// The wavelet analysis beside what memory allows. A profile's rates count one read of every head's
// signal, 4 bytes a sample, whatever the case really moves, so that cases compare;
// `percent_of_stream` is that over the faster plain read of the same bytes on as many threads, by
// the processor time of the fastest rounds: on a machine that others use too, those were left
// alone. A transform's rates count its input.

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <random>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "analysis/cwt.h"
#include "analysis/dwt.h"
#include "analysis/haar.h"
#include "analysis/lifting.h"
#include "analysis/modwt.h"
#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/setup.h"
#include "model/processors.h"
#include "model/thread_pool.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kRounds = 21;

struct Case {
  std::string name, shape, dtype;
  double bytes;
  std::function<void(unsigned threads)> work;
};

// --- the profile

constexpr size_t kPositions = 512, kChannels = 64, kGroup = 3;
constexpr uint32_t kLevels = 5;

/// As many heads as the default model has at 512 tokens, or as one of 1024 heads. Values lie one
/// head after the other and begin with a cache line.
struct Heads {
  explicit Heads(size_t heads)
      : count(heads),
        weights(count, kPositions),
        magnitude(count, amplitude_count(kPositions, kLevels)),
        energy(count, amplitude_count(kPositions, kLevels)),
        logarithm(count, amplitude_count(kPositions, kLevels)),
        signal_energy(count, kPositions),
        memory_(count * kHead + kLine) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    const size_t beyond = reinterpret_cast<uintptr_t>(memory_.data()) / sizeof(float) % kLine;
    values_ = memory_.data() + (beyond == 0 ? 0 : kLine - beyond);
    for (size_t i = 0; i < kHead; ++i) values_[i] = normal(random);
    for (size_t head = 1; head < count; ++head) std::copy_n(values_, kHead, values_ + head * kHead);
    for (float& weight : weights.all()) weight = std::abs(normal(random));
  }
  GridView<const float> values(size_t head) const {
    return {values_ + head * kHead, kPositions, kChannels};
  }

  size_t count;
  Grid<float> weights;
  Grid<double> magnitude, energy, logarithm, signal_energy;

 private:
  static constexpr size_t kHead = kPositions * kChannels, kLine = 64 / sizeof(float);
  std::vector<float> memory_;
  float* values_;
};

/// What memory gives to one that only reads: whole vectors, four sums that do not wait for one
/// another. Which of the two ways is faster differs between processors.
template <size_t kBytesAhead>
[[gnu::always_inline]] inline void read_head(Heads& heads, size_t head) {
  typedef uint64_t Words __attribute__((vector_size(64), aligned(4), may_alias));
  const GridView<const float> values = heads.values(head);
  const auto* line = reinterpret_cast<const Words*>(values.data());
  Words sums[4] = {};
  for (size_t i = 0; i < kPositions * kChannels * sizeof(float) / sizeof(Words); i += 4)
    for (size_t lane = 0; lane < 4; ++lane) {
      if (kBytesAhead > 0) __builtin_prefetch(line + i + lane + kBytesAhead / sizeof(Words), 0, 0);
      sums[lane] ^= line[i + lane];
    }
  const Words all = (sums[0] ^ sums[1]) ^ (sums[2] ^ sums[3]);
  uint64_t total = 0;
  for (size_t i = 0; i < 8; ++i) total ^= all[i];
  heads.magnitude(head, 0) = static_cast<double>(total);  // the result is used, so the loop stays
}
[[gnu::target_clones("avx512f", "avx2", "default")]] void read_values(Heads& heads, size_t head) {
  read_head<0>(heads, head);
}
[[gnu::target_clones("avx512f", "avx2", "default")]] void read_values_asking_ahead(Heads& heads,
                                                                                   size_t head) {
  read_head<8192>(heads, head);
}

void fused(Heads& heads, size_t head, size_t count) {
  haar_amplitudes<float>(heads.weights.view().rows_from(head, count), heads.values(head), kLevels,
                         heads.magnitude.view().rows_from(head, count));
}

void every_measure(Heads& heads, size_t head) {
  haar_measures<float>(
      heads.weights.view().rows_from(head, 1), heads.values(head), kLevels,
      {heads.magnitude.view().rows_from(head, 1), heads.energy.view().rows_from(head, 1),
       heads.logarithm.view().rows_from(head, 1), heads.signal_energy.view().rows_from(head, 1)});
}

void transform_and_inverse(Heads& heads, size_t head) {
  const GridView<const float> values = heads.values(head);
  Grid<float> signal(kPositions, kChannels);
  for (size_t p = 0; p < kPositions; ++p)
    for (size_t c = 0; c < kChannels; ++c) signal(p, c) = heads.weights(head, p) * values(p, c);
  haar_forward(signal.view(), kLevels);
  for (uint32_t level = 1; level <= kLevels; ++level) {
    const Grid<float> band = haar_reconstruct_band(std::as_const(signal).view(), kLevels, level);
    double sum = 0;
    for (const float sample : band.all()) sum += static_cast<double>(std::abs(sample));
    heads.magnitude(head, level) = sum;
  }
}

/// `work` for every group of `at_once` heads, shared out among threads.
std::function<void(unsigned)> over_heads(std::shared_ptr<Heads> heads, size_t at_once,
                                         void (*work)(Heads&, size_t), unsigned most_threads) {
  std::vector<std::shared_ptr<ThreadPool>> pools = {std::make_shared<ThreadPool>(1)};
  if (most_threads > 1) pools.push_back(std::make_shared<ThreadPool>(most_threads));
  return [heads, at_once, work, pools](unsigned threads) {
    (threads == 1 ? pools[0] : pools.back())->run([&](unsigned thread) {
      for (size_t head = thread * at_once; head < heads->count; head += at_once * threads)
        work(*heads, head);
    });
  };
}

std::vector<Case> profile_cases(size_t count, unsigned most_threads) {
  const auto heads = std::make_shared<Heads>(count);
  const std::string shape =
      std::to_string(count) + " heads x 512 positions x 64 channels, 5 levels";
  const double bytes = static_cast<double>(count * kPositions * kChannels * sizeof(float));
  const auto add = [&](const char* name, size_t at_once, void (*work)(Heads&, size_t)) {
    return Case{name, shape, "f32", bytes, over_heads(heads, at_once, work, most_threads)};
  };
  std::vector<Case> cases = {
      add("stream_read", 1, read_values),
      add("stream_read_asking_ahead", 1, read_values_asking_ahead),
      add("fused_profile", 1, [](Heads& h, size_t head) { fused(h, head, 1); }),
      add("fused_every_measure", 1, every_measure)};
  if (count % kGroup == 0)
    cases.push_back(add("fused_profile_shared_values", kGroup,
                        [](Heads& h, size_t head) { fused(h, head, kGroup); }));
  if (count < 512) cases.push_back(add("transform_and_inverse", 1, transform_and_inverse));
  return cases;
}

// --- the transforms

template <class Real>
std::shared_ptr<std::vector<Real>> noise(size_t count) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  auto numbers = std::make_shared<std::vector<Real>>(count);
  for (Real& number : *numbers) number = static_cast<Real>(normal(random));
  return numbers;
}

template <class Real>
const char* name_of() {
  return sizeof(Real) == 4 ? "f32" : "f64";
}

enum class Along { Rows, Columns };

/// `signals` of `positions`, contiguous along positions or channels.
template <class T>
SignalView<T> view_of(T* data, size_t positions, size_t signals, Along along) {
  const auto p = static_cast<ptrdiff_t>(positions), s = static_cast<ptrdiff_t>(signals);
  if (along == Along::Rows) return {data, signals, positions, 1, p, 1, 1};
  return {data, 1, positions, signals, p * s, s, 1};
}

template <class Real>
Case dwt_case(const char* wavelet, Boundary boundary, size_t positions, size_t signals,
              uint32_t levels, Along along) {
  const auto dwt =
      std::make_shared<Dwt>(find_wavelet(wavelet), boundary, positions, levels, Depth::Any);
  const auto in = noise<Real>(positions * signals),
             out = noise<Real>(dwt->coefficients() * signals);
  const std::string shape = std::to_string(signals) + " x " + std::to_string(positions) + " " +
                            wavelet + ", " + std::to_string(levels) + " levels, " +
                            std::string(boundary_name(boundary)) +
                            (along == Along::Rows ? "" : ", axis 0");
  return {along == Along::Rows ? "dwt" : "dwt_axis_0", shape, name_of<Real>(),
          static_cast<double>(in->size() * sizeof(Real)), [=](unsigned threads) {
            // [band, position, signal] or [signal, band, position], bands one after the other
            std::vector<SignalView<Real>> bands;
            size_t first = 0;
            for (uint32_t b = 0; b <= levels; ++b) {
              const size_t length = dwt->length(b == 0 ? 0 : levels + 1 - b);
              bands.push_back(view_of(out->data() + first * signals, length, signals, along));
              first += length;
            }
            dwt->forward<Real>(view_of<const Real>(in->data(), positions, signals, along), bands,
                               threads);
          }};
}

/// One line, as Dwt with periodization: whether half the products pay; and back again.
std::vector<Case> lifting_cases(const char* wavelet, size_t positions, uint32_t levels) {
  const auto lifted = std::make_shared<LiftedDwt>(wavelet, positions, levels);
  const auto signal = noise<double>(positions), out = noise<double>(positions + levels);
  std::vector<SignalView<double>> bands;
  double* next = out->data();
  for (uint32_t b = 0; b <= levels; ++b) {
    const size_t length = lifted->length(b == 0 ? 0 : levels + 1 - b);
    bands.push_back(line_view(next, length));
    next += length;
  }
  const std::vector<SignalView<const double>> read(bands.begin(), bands.end());
  const std::string shape = "1 x " + std::to_string(positions) + " " + wavelet + ", " +
                            std::to_string(levels) + " levels, periodization";
  const auto bytes = static_cast<double>(positions * sizeof(double));
  return {{"lifting", shape, "f64", bytes,
           [=, keep = out](unsigned threads) {
             lifted->forward<double>(line_view<const double>(signal->data(), positions), bands,
                                     threads);
           }},
          {"lifting_inverse", shape, "f64", bytes, [=, keep = out](unsigned threads) {
             lifted->inverse<double>(read, line_view(signal->data(), positions), threads);
           }}};
}

template <class Real>
Case modwt_case(const char* wavelet, size_t positions, size_t channels, uint32_t levels) {
  const auto in = noise<Real>(positions * channels),
             out = noise<Real>(positions * channels * (levels + 1));
  const std::string shape = std::to_string(positions) + " x " + std::to_string(channels) + " " +
                            wavelet + ", " + std::to_string(levels) + " levels, axis 0";
  return {"modwt", shape, name_of<Real>(), static_cast<double>(in->size() * sizeof(Real)),
          [=](unsigned threads) {
            std::vector<SignalView<Real>> details, smooths(levels);
            const auto band = [&](uint32_t b) {
              return view_of(out->data() + b * in->size(), positions, channels, Along::Columns);
            };
            for (uint32_t b = 0; b < levels; ++b) details.push_back(band(b));
            smooths.back() = band(levels);
            Modwt(find_wavelet(wavelet), positions, levels)
                .forward<Real>(view_of<const Real>(in->data(), positions, channels, Along::Columns),
                               details, smooths, threads);
          }};
}

enum class Output { Matrix, Power };

Case cwt_case(size_t positions, Output output) {
  constexpr size_t kScales = 300;
  CwtOptions options;
  options.padded =
      size_t{1} << static_cast<size_t>(std::ceil(std::log2(static_cast<double>(positions))));
  const ContinuousWavelet morlet;
  // Periods from 2 to 64 positions.
  const auto cwt = std::make_shared<Cwt>(
      morlet, positions, octave_scales(2 / morlet.period(), (kScales - 1) / 5.0, kScales), options);
  const auto in = noise<float>(positions);
  const auto matrix = std::make_shared<Grid<std::complex<float>>>(
      output == Output::Matrix ? kScales : 0, positions);
  const auto power = std::make_shared<Grid<float>>(1, positions);
  return {output == Output::Matrix ? "cwt" : "cwt_power",
          std::to_string(positions) +
              " x 300 scales of periods 2 to 64, morlet 6, zero-padded to " +
              std::to_string(options.padded),
          "f32", static_cast<double>(positions * sizeof(float)), [=](unsigned threads) {
            const IndexRange all{0, kScales};
            if (output == Output::Matrix)
              cwt->forward<float>(*in, matrix->view(), threads);
            else
              cwt->power<float>(*in, {&all, 1}, power->view(), threads);
          }};
}

/// Made only when asked for: some take hundreds of megabytes.
std::vector<std::function<std::vector<Case>()>> groups(unsigned most_threads) {
  constexpr size_t kLong = size_t{1} << 20;
  const auto one = [](auto make) { return [make] { return std::vector<Case>{make()}; }; };
  const auto beside_lifting = [](const char* wavelet, uint32_t levels) {
    return [=] {
      std::vector<Case> cases = lifting_cases(wavelet, kLong, levels);
      cases.insert(cases.begin(), dwt_case<double>(wavelet, Boundary::Periodization, kLong, 1,
                                                   levels, Along::Rows));
      return cases;
    };
  };
  return {
      [=] { return profile_cases(270, most_threads); },
      [=] { return profile_cases(1024, most_threads); },
      one([] { return dwt_case<float>("db5", Boundary::Periodic, kLong, 32, 10, Along::Rows); }),
      one([] { return dwt_case<float>("db5", Boundary::Periodic, kLong, 32, 10, Along::Columns); }),
      beside_lifting("db2", 20),
      beside_lifting("db4", 17),
      beside_lifting("sym8", 16),
      one([] { return modwt_case<double>("la8", kLong / 2, 1, 11); }),
      one([] { return modwt_case<double>("haar", 4096, 128, 9); }),
      one([] { return modwt_case<float>("haar", 4096, 128, 9); }),
      one([] { return cwt_case(10'000, Output::Matrix); }),
      one([] { return cwt_case(100'000, Output::Matrix); }),
      one([] { return cwt_case(10'000, Output::Power); }),
      one([] { return cwt_case(100'000, Output::Power); }),
  };
}

struct Round {
  double seconds, processor;  // on the clock; of all threads together
};

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Round timed(const Case& which, unsigned threads) {
  const double before = processor_seconds();
  const double seconds = seconds_of([&] { which.work(threads); });
  return {seconds, processor_seconds() - before};
}

double fastest_of(const std::vector<Round>& rounds) {
  return std::ranges::min_element(rounds, {}, &Round::processor)->processor;
}

double median_of(const std::vector<Round>& rounds) {
  std::vector<double> seconds;
  for (const Round& round : rounds) seconds.push_back(round.seconds);
  return median(std::move(seconds));
}

JsonObject row_of(const Case& which, unsigned threads, const std::vector<Round>& rounds,
                  double stream_seconds) {
  const double fastest = fastest_of(rounds), middle = median_of(rounds);
  JsonObject row;
  row.set("name", which.name).set("shape", which.shape);
  row.set("dtype", which.dtype).set("threads", size_t{threads}).set("milliseconds", middle * 1e3);
  row.set("processor_milliseconds", fastest * 1e3).set("gb_per_second", which.bytes / middle / 1e9);
  if (stream_seconds > 0) row.set("percent_of_stream", 100 * stream_seconds / fastest);
  return row;
}

/// The cases of a group take turns, so that what disturbs the machine disturbs all. Returns the
/// rate of the plain read, if there is one.
double run_group(const std::vector<Case>& cases, std::span<const unsigned> counts,
                 JsonObject& result) {
  double stream_rate = 0;
  for (const unsigned threads : counts) {
    std::vector<std::vector<Round>> rounds(cases.size());
    for (size_t round = 0; round < kRounds; ++round)
      for (size_t i = 0; i < cases.size(); ++i) rounds[i].push_back(timed(cases[i], threads));
    double fastest = 0;
    for (size_t i = 0; i < cases.size(); ++i) {
      if (!cases[i].name.starts_with("stream_read")) continue;
      fastest = fastest == 0 ? fastest_of(rounds[i]) : std::min(fastest, fastest_of(rounds[i]));
      if (threads == 1)
        stream_rate = std::max(stream_rate, cases[i].bytes / median_of(rounds[i]) / 1e9);
    }
    for (size_t i = 0; i < cases.size(); ++i)
      result.append("cases", row_of(cases[i], threads, rounds[i], fastest));
  }
  return stream_rate;
}

}  // namespace

void run_analysis(const Options& options, std::ostream& out) {
  const unsigned most = options.threads != 0 ? options.threads : usable_cores();
  std::vector<unsigned> counts = {1};
  if (most > 1) counts.push_back(most);
  const std::regex wanted(options.filter);
  JsonObject result;
  double stream_rate = 0;
  for (const auto& make : groups(most)) {
    std::vector<Case> cases = make();
    if (!options.filter.empty() && std::ranges::none_of(cases, [&](const Case& one) {
          return std::regex_search(one.name + " " + one.shape, wanted);
        }))
      continue;
    stream_rate = std::max(stream_rate, run_group(cases, counts, result));
  }
  result.set("stream_read_gb_per_second", stream_rate);
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
