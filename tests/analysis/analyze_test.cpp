// analyze() over traces: f32 and f16 against the reference profile, a plain oracle, threads,
// signals, several samples.

#include "analysis/analyze.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <utility>

#include "analysis/distributions.h"
#include "analysis/document_rise.h"
#include "analysis/random.h"
#include "analysis/red_noise.h"
#include "data/error.h"
#include "data/trace_writer.h"
#include "tests/analysis/signals.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::write_noise_trace;
using testing::write_reference_trace;

constexpr size_t kTokens = 512, kLanes = 27;

/// [level][layer 0, 14, 29][head][position], float64 arithmetic.
testing::Npy<float> reference_profile() {
  return testing::read_npy<float>(testing::data_file("attention/haar_heads_layers_0_14_29.npy"));
}

Analysis analysis_of(const TraceReader& trace, const AnalyzeOptions& options) {
  const TraceReader* traces[] = {&trace};
  return *analyze(traces, options, {});
}

/// Largest relative difference of any head, level and position; the amplitudes run from 2e-10 to
/// 1e-1.
double worst_cell(const Analysis& analysis) {
  const auto wanted = reference_profile();
  EXPECT_EQ(analysis.band_by_head.size(), wanted.values.size());
  double worst = 0;
  for (size_t i = 0; i < wanted.values.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(analysis.band_by_head[i]) /
                                         static_cast<double>(wanted.values[i]) -
                                     1));
  return worst;
}

TEST(Analyze, AnF32TraceGivesTheReferenceProfileInEveryCell) {
  const testing::TemporaryFolder folder;
  write_reference_trace(folder / "t.h5", Encoding::F32);
  const TraceReader trace(folder / "t.h5");
  EXPECT_LE(worst_cell(analysis_of(trace, {})), 1e-4);
}

// Halves keep 11 bits of weight and value (5e-4 each). Weights below 6e-5 are subnormal halves with
// steps of 6e-8, so the smallest of 270,000 amplitudes cannot be met relative to themselves: half a
// step times values of about 1 is allowed there. What is shown is the mean over layers and heads:
// 1e-2 at every level and position.
TEST(Analyze, AnF16TraceGivesTheReferenceProfileToOnePerCent) {
  const testing::TemporaryFolder folder;
  write_reference_trace(folder / "t.h5", Encoding::F16);
  const TraceReader trace(folder / "t.h5");
  const Analysis analysis = analysis_of(trace, {});
  const auto wanted = reference_profile();
  for (size_t i = 0; i < wanted.values.size(); ++i)
    EXPECT_NEAR(analysis.band_by_head[i], wanted.values[i], 1e-2f * wanted.values[i] + 3e-8f);
  for (size_t level = 0; level < 5; ++level)
    for (size_t p = 0; p < kTokens; ++p) {
      double sum = 0;
      for (size_t lane = 0; lane < kLanes; ++lane)
        sum += static_cast<double>(wanted.values[(level * kLanes + lane) * kTokens + p]);
      EXPECT_NEAR(analysis.band[level * kTokens + p] / (sum / kLanes), 1, 1e-2)
          << "level " << level + 1 << " position " << p;
    }
}

TEST(Analyze, ThreadsDoNotChangeABit) {
  const testing::TemporaryFolder folder;
  write_reference_trace(folder / "t.h5", Encoding::F16);
  const TraceReader trace(folder / "t.h5");
  const Analysis one = analysis_of(trace, {});
  for (const unsigned threads : {2u, 5u}) {
    AnalyzeOptions options;
    options.threads = threads;
    const Analysis several = analysis_of(trace, options);
    EXPECT_EQ(one.band, several.band);
    EXPECT_EQ(one.band_by_head, several.band_by_head);
    EXPECT_EQ(one.mean_weight, several.mean_weight);
  }
}

/// Half the difference of the means of a block's halves, channel by channel: the definition, in
/// double.
double plain_amplitude(const Grid<float>& weights, const Grid<float>& values, size_t first,
                       size_t block) {
  double total = 0;
  for (size_t c = 0; c < values.cols(); ++c) {
    double difference = 0;
    for (size_t i = 0; i < block; ++i) {
      const double sample =
          static_cast<double>(weights(0, first + i)) * static_cast<double>(values(first + i, c));
      difference += i < block / 2 ? sample : -sample;
    }
    total += std::abs(difference) / static_cast<double>(block);
  }
  return total / static_cast<double>(values.cols());
}

// 70 positions at the step asked for: the window is the last 64 of them, from position 6 on.
TEST(Analyze, WindowEndsAtTheStepAndEveryCellIsItsBlocks) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {.tokens = 100});
  const TraceReader trace(folder / "t.h5");
  AnalyzeOptions options;
  options.transform.levels = 4;
  options.step = Step(69);
  const Analysis analysis = analysis_of(trace, options);
  ASSERT_EQ(analysis.positions, 70u);
  EXPECT_EQ(analysis.step, 69u);
  EXPECT_EQ(analysis.valid_first, 6u);
  EXPECT_EQ(analysis.valid_count, 64u);
  for (size_t level = 1; level <= 4; ++level)
    for (size_t layer = 0; layer < 2; ++layer)
      for (size_t head = 0; head < 4; ++head) {
        Grid<float> weights(1, 70), values(70, 8);
        trace.read_weights(layer, head, {69, 1}, {0, 70}, weights.view());
        trace.read_values(layer, KvHead(head / 2), {0, 70}, values.view());
        const float* row =
            analysis.band_by_head.data() + (((level - 1) * 2 + layer) * 4 + head) * 70;
        for (size_t p = 0; p < 6; ++p) EXPECT_TRUE(std::isnan(row[p]));
        for (size_t p = 6; p < 70; ++p) {
          const size_t block = size_t{1} << level, first = 6 + (p - 6) / block * block;
          EXPECT_NEAR(row[p] / plain_amplitude(weights, values, first, block), 1, 1e-5);
        }
      }
}

TEST(Analyze, MeansAreOverLayersAndHeads) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {.tokens = 40});
  const TraceReader trace(folder / "t.h5");
  const Analysis analysis = analysis_of(trace, {});
  for (size_t p = 8; p < 40; ++p) {
    double band = 0, weight = 0;
    for (size_t lane = 0; lane < 8; ++lane) {
      band += static_cast<double>(analysis.band_by_head[(2 * 8 + lane) * 40 + p]);
      Grid<float> cell(1, 1);
      trace.read_weights(lane / 4, lane % 4, {39, 1}, {p, 1}, cell.view());
      weight += static_cast<double>(cell(0, 0));
    }
    EXPECT_NEAR(analysis.band[2 * 40 + p], band / 8, 1e-6 * band);  // the rows are float32
    EXPECT_NEAR(analysis.mean_weight[p], weight / 8, 1e-14);
  }
  for (size_t p = 0; p < 8; ++p) EXPECT_TRUE(std::isnan(analysis.band[p]));
}

// Aligned at the query: position 70 - k of the longer trace goes with position 50 - k of the
// shorter one.
TEST(Analyze, SeveralTracesAreAlignedAtTheirEnd) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "a.h5", {.tokens = 50, .seed = 1});
  write_noise_trace(folder / "b.h5", {.tokens = 70, .seed = 2});
  const TraceReader a(folder / "a.h5"), b(folder / "b.h5");
  const TraceReader* traces[] = {&a, &b};
  AnalyzeOptions options;
  options.transform.levels = 3;
  const Analysis both = *analyze(traces, options, {});
  EXPECT_EQ(both.samples, 2u);
  EXPECT_EQ(both.positions, 70u);
  EXPECT_EQ(both.valid_first, 22u);
  EXPECT_EQ(both.valid_count, 48u);
  const Analysis first = analysis_of(a, options), second = analysis_of(b, options);
  for (size_t level = 0; level < 3; ++level)
    for (size_t p = 22; p < 70; ++p) {
      const double mean = (first.band[level * 50 + p - 20] + second.band[level * 70 + p]) / 2;
      EXPECT_NEAR(both.band[level * 70 + p] / mean, 1, 1e-12);
    }
}

TEST(Analyze, WeightAndValueAlone) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {});
  const TraceReader trace(folder / "t.h5");
  Grid<float> weights(1, 64), ones(1, 64, 1.0f), values(64, 8), one_channel(64, 1, 1.0f);
  trace.read_weights(1, 3, {63, 1}, {0, 64}, weights.view());
  trace.read_values(1, KvHead(1), {0, 64}, values.view());
  AnalyzeOptions options;
  const auto cell = [&](const Analysis& analysis, size_t p) {
    return static_cast<double>(analysis.band_by_head[((0 * 2 + 1) * 4 + 3) * 64 + p]);
  };
  options.signal = Signal::Weight;
  const Analysis weight = analysis_of(trace, options);
  options.signal = Signal::Value;
  const Analysis value = analysis_of(trace, options);
  for (size_t p = 0; p < 64; p += 2) {
    EXPECT_NEAR(cell(weight, p), plain_amplitude(weights, one_channel, p, 2), 1e-7);
    EXPECT_NEAR(cell(value, p), plain_amplitude(ones, values, p, 2), 1e-6);
  }
  EXPECT_EQ(value.mean_weight, weight.mean_weight);
}

TEST(Analyze, StopsWhenTold) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {});
  const TraceReader trace(folder / "t.h5");
  const TraceReader* traces[] = {&trace};
  EXPECT_FALSE(analyze(traces, {}, [](uint64_t, uint64_t) { return Continue::Stop; }));
  uint64_t seen = 0;
  EXPECT_TRUE(analyze(traces, {}, [&](uint64_t done, uint64_t total) {
    EXPECT_LE(done, total);
    seen = done;
    return Continue::Yes;
  }));
  EXPECT_EQ(seen, 1u);  // one window in one piece
}

// --- the sample and its verdicts

/// A trace of one head whose only query, the last position, has these weights.
void write_signal(const std::filesystem::path& path, const std::vector<float>& weights,
                  const Grid<float>& values) {
  const auto positions = static_cast<uint32_t>(weights.size()),
             channels = static_cast<uint32_t>(values.cols());
  TracePlan plan;
  plan.info.model = {"planted", "llama", "sha", 1, 1, 1, channels, 100, 8192, 1e5};
  plan.info.policy = "full";
  plan.info.encoding = Encoding::F32;
  plan.info.tokens = positions;
  plan.info.layers = {Layer(0)};
  plan.info.heads = {Head(0)};
  plan.info.steps = {Step(positions - 1)};
  plan.tokens.id.assign(positions, 1);
  plan.tokens.offset.assign(positions + size_t{1}, 0);
  plan.chunk_steps = 1;
  plan.chunk_positions = positions;
  TraceWriter writer(path, plan);
  std::vector<std::byte> chunk(positions * sizeof(float));
  encode_weights(Encoding::F32, weights, chunk);
  writer.write_weights(0, 0, 0, 0, chunk);
  writer.write_values(0, KvHead(0), Position(0), values.view());
  writer.write_loss(std::vector<float>(positions, 0.0f));
  writer.mark_steps_valid(1);
  writer.finish();
}

/// One trace per document: weights fall with the distance from the last query; each value channel
/// is a first-order autoregression whose coefficient goes from `start` to 0 at the end. 0 gives
/// white noise: it contributes more towards the end, and no more than its weights make of it.
void write_document(const std::filesystem::path& path, unsigned seed, double start) {
  constexpr uint32_t kPositions = 256, kChannels = 16;
  std::vector<float> weights(kPositions);
  float sum = 0;
  for (uint32_t p = 0; p < kPositions; ++p)
    sum += weights[p] = 1 / std::sqrt(static_cast<float>(kPositions - p));
  for (float& weight : weights) weight /= sum;
  RandomStream random(seed, 0);
  Grid<float> values(kPositions, kChannels);
  for (uint32_t p = 0; p < kPositions; ++p) {
    const double coefficient = start * (1 - static_cast<double>(p) / kPositions);
    for (uint32_t c = 0; c < kChannels; ++c) {
      const double before = p == 0 ? random.normal() : double{values(p - 1, c)};
      values(p, c) = static_cast<float>(coefficient * before +
                                        std::sqrt(1 - coefficient * coefficient) * random.normal());
    }
  }
  write_signal(path, weights, values);
}

Analysis of_documents(const testing::TemporaryFolder& folder, unsigned documents, double start,
                      AnalyzeOptions options) {
  std::vector<std::filesystem::path> paths;
  for (unsigned d = 0; d < documents; ++d) {
    paths.push_back(folder / (std::to_string(start) + "-" + std::to_string(d) + ".h5"));
    if (!std::filesystem::exists(paths.back())) write_document(paths.back(), 70 + d, start);
  }
  TraceSet set(paths);
  if (options.nulls.empty()) options.nulls = {"shuffle-values"};
  options.null_draws = 4;
  return *analyze(set, options, {});
}

Verdict verdict(const Analysis& analysis, std::string_view name) {
  for (const Claim& claim : analysis.statistics.claims)
    if (claim.name == name) return claim.verdict;
  ADD_FAILURE() << name;
  return Verdict::NotTestable;
}

TEST(AnalyzeDocuments, APlantedRiseIsShownAndWeightedNoiseIsNot) {
  const testing::TemporaryFolder folder;
  const Analysis planted = of_documents(folder, 16, 0.6, {}),
                 noise = of_documents(folder, 16, 0, {});
  EXPECT_EQ(planted.statistics.unit, "document");
  EXPECT_EQ(planted.statistics.documents, 16u);
  for (const std::string name : {"rise-relative", "rise-beyond-shuffle-values", "high-most",
                                 "high-most-beyond-shuffle-values"}) {
    EXPECT_EQ(verdict(planted, name), Verdict::Shown) << name;
    EXPECT_NE(verdict(noise, name), Verdict::Shown) << name;
  }
  EXPECT_EQ(verdict(planted, "rise"), Verdict::Shown);
  EXPECT_EQ(verdict(noise, "rise"), Verdict::Shown);
}

TEST(AnalyzeDocuments, EveryTransformFindsThePlantedRise) {
  const testing::TemporaryFolder folder;
  for (const TransformKind kind :
       {TransformKind::Modwt, TransformKind::Packet, TransformKind::Cwt}) {
    AnalyzeOptions options;
    options.transform.kind = kind;
    options.transform.levels = 3;
    const Analysis planted = of_documents(folder, 16, 0.6, options);
    EXPECT_EQ(verdict(planted, "rise-beyond-shuffle-values"), Verdict::Shown)
        << transform_name(kind);
  }
}

TEST(AnalyzeDocuments, FewDocumentsOfOneWindowEachAreNotTestable) {
  const testing::TemporaryFolder folder;
  const Analysis few = of_documents(folder, 3, 0.6, {});
  for (const Claim& claim : few.statistics.claims)
    EXPECT_EQ(claim.verdict, Verdict::NotTestable) << claim.name;
  EXPECT_EQ(few.statistics.unit, "document");
}

TEST(AnalyzeDocuments, WindowsStandInForDocumentsAndSaySo) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {.tokens = 256});
  const TraceReader trace(folder / "t.h5");
  AnalyzeOptions options;
  options.transform.levels = 2;
  options.windows = 16;
  options.exclude_first = options.exclude_last = 0;
  const Analysis all = analysis_of(trace, options);
  EXPECT_EQ(all.positions, 16u);
  EXPECT_EQ(all.samples, 16u);
  EXPECT_EQ(all.statistics.unit, "window");
  EXPECT_EQ(all.statistics.documents, 1u);
  EXPECT_EQ(all.statistics.units.size(), 16u);
  options.samples = 5;
  const Analysis some = analysis_of(trace, options), again = analysis_of(trace, options);
  EXPECT_EQ(some.samples, 5u);
  EXPECT_EQ(some.band, again.band);
  options.seed = 2;
  EXPECT_NE(analysis_of(trace, options).band, some.band);
  options.samples = 17;
  EXPECT_THROW(analysis_of(trace, options), Error);
}

// The windows of a trace are those that the query at their end sees.
TEST(AnalyzeDocuments, AWindowIsThatOfItsOwnQuery) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {.tokens = 64});
  const TraceReader trace(folder / "t.h5");
  AnalyzeOptions options;
  options.transform.levels = 2;
  options.windows = 32;
  const Analysis both = analysis_of(trace, options);
  options.windows.reset();
  options.step = Step(31);
  const Analysis first = analysis_of(trace, options);
  options.step = Step(63);
  const Analysis last = analysis_of(trace, options);
  for (size_t p = 0; p < 32; ++p)
    EXPECT_NEAR(both.band[p], (first.band[p] + last.band[32 + p]) / 2, 1e-12);
}

/// Bands of a long text that is read in three pieces against the same in one.
TEST(AnalyzeDocuments, PiecesGiveWhatOneReadGives) {
  constexpr size_t kLong = 2 * kStretch + 512;
  TransformChoice choice;
  choice.levels = 3;
  RandomStream random(5, 0);
  Grid<float> weights(1, kLong, 1.0f), values(kLong, 1);
  for (float& value : values.all()) value = static_cast<float>(random.normal());
  for (const char* wavelet : {"haar", "db3"})
    for (const TransformKind kind : {TransformKind::Dwt, TransformKind::Modwt}) {
      choice.kind = kind;
      choice.wavelet = wavelet;
      const BandTransform whole(choice, kLong);
      Grid<double> expected(1, whole.amplitudes());
      HaarMeasures out;
      out.magnitude = expected.view();
      whole.measure(std::as_const(weights).view(), std::as_const(values).view(), out);
      const size_t reach = transform_reach(choice), first = kStretch - reach,
                   count = kStretch + 2 * reach;
      const BandTransform part(choice, count);
      Grid<double> found(1, part.amplitudes());
      out.magnitude = found.view();
      part.measure(GridView<const float>(weights.data() + first, 1, count),
                   std::as_const(values).view().rows_from(first, count), out);
      for (size_t band = 0; band < 3; ++band) {
        const BandPlace &from = part.places()[band], &to = whole.places()[band];
        for (size_t k = 0; k < kStretch / from.run; ++k)
          ASSERT_NEAR(found(0, from.first + reach / from.run + k),
                      expected(0, to.first + kStretch / to.run + k), 1e-6)
              << wavelet << " " << transform_name(kind) << " band " << band << " " << k;
      }
    }
}

TEST(Analyze, ThreadsDoNotChangeABitOfTheStatistics) {
  const testing::TemporaryFolder folder;
  AnalyzeOptions options;
  options.nulls = {"shuffle-values", "iaaft", "gaussian-values"};
  const Analysis one = of_documents(folder, 4, 0.3, options);
  options.threads = 3;
  const Analysis three = of_documents(folder, 4, 0.3, options);
  for (size_t n = 0; n < 3; ++n)
    EXPECT_EQ(one.statistics.null_curves[n].mean, three.statistics.null_curves[n].mean);
  EXPECT_EQ(one.low, three.low);
  EXPECT_EQ(one.statistics.variance_high, three.statistics.variance_high);
}

// Four units make wide bands; as ratios they stay above 0 and on both sides of the mean.
TEST(Analyze, BandsOfFewUnitsArePositive) {
  const testing::TemporaryFolder folder;
  const Analysis analysis = of_documents(folder, 4, 0.3, {});
  for (size_t i = 0; i < analysis.band.size(); ++i) {
    if (std::isnan(analysis.band[i])) continue;
    ASSERT_GT(analysis.low[i], 0) << i;
    ASSERT_LE(analysis.low[i], analysis.band[i]) << i;
    ASSERT_GE(analysis.high[i], analysis.band[i]) << i;
  }
}

// Recency weights: the last positions that count hold most of the mean, and nothing of the median.
TEST(Analyze, TheMedianVarianceDoesNotFollowAFewPositions) {
  const testing::TemporaryFolder folder;
  const Analysis analysis = of_documents(folder, 4, 0.3, {});
  const Statistics& statistics = analysis.statistics;
  ASSERT_EQ(statistics.variance_median.size(), analysis.levels);
  const size_t first = analysis.valid_first + analysis.exclude_first;
  const size_t end = analysis.valid_first + analysis.valid_count - analysis.exclude_last;
  for (size_t band = 0; band < analysis.levels; ++band) {
    const double* energy = statistics.energy.data() + band * analysis.positions;
    std::vector<double> sorted(energy + first, energy + end);
    std::ranges::sort(sorted);
    EXPECT_EQ(statistics.variance_median[band], sorted[sorted.size() / 2]) << band;
    EXPECT_LT(statistics.variance_median[band], statistics.variance[band]) << band;
  }
}

Analysis of_signal(const std::filesystem::path& path, AnalyzeOptions options) {
  const TraceReader trace(path);
  return analysis_of(trace, options);
}

/// [position, channel] of an autoregression of unit variance.
Grid<float> red_noise(size_t positions, size_t channels, double lag1) {
  Grid<float> values(positions, channels);
  RandomStream random(3, 0);
  for (size_t c = 0; c < channels; ++c) {
    double now = random.normal();
    for (size_t p = 0; p < positions; ++p) {
      values(p, c) = static_cast<float>(now);
      now = lag1 * now + std::sqrt(1 - lag1 * lag1) * random.normal();
    }
  }
  return values;
}

// White noise of variance 1: the M-estimate is 2^-l, and two
// wild positions, which raise the mean, do not move it. 8 channels of a short window are read, one of
// each stretch of a long one.
TEST(Analyze, TheRobustVarianceIsThatOfTheNoiseBelowWildPositions) {
  const testing::TemporaryFolder folder;
  for (const size_t positions : {size_t{512}, 2 * kStretch}) {
    Grid<float> values = red_noise(positions, 64, 0);
    for (const size_t wild : {positions / 2 + 3, positions / 2 + 77})
      for (float& value : values.row(wild))
        value *= 0.4f * std::sqrt(static_cast<float>(positions));
    write_signal(folder / "noise.h5", std::vector<float>(positions, 1.0f), values);
    AnalyzeOptions options;
    options.transform.levels = 3;
    const Statistics found = of_signal(folder / "noise.h5", options).statistics;
    for (size_t band = 0; band < 3; ++band) {
      const double truth = std::exp2(-static_cast<double>(band) - 1);
      EXPECT_NEAR(found.variance_robust[band] / truth, 1, 0.12) << positions << " " << band;
      EXPECT_GT(found.variance[band], 1.2 * truth) << positions << " " << band;
    }
    std::filesystem::remove(folder / "noise.h5");
  }
}

// Red noise against its own level: the mean power over positions is the level's mean, chi-squared /
// degrees apart. A sink among the positions that are left out changes neither the lag nor the level,
// though it is a thousand times as large.
TEST(Analyze, TheLevelOfRedNoiseIsOfThePositionsThatCount) {
  const testing::TemporaryFolder folder;
  constexpr size_t kPositions = 2048, kChannels = 32;
  const Grid<float> values = red_noise(kPositions, kChannels, 0.6);
  std::vector<float> weights(kPositions, 1.0f);
  write_signal(folder / "plain.h5", weights, values);
  weights[0] = 1000;
  write_signal(folder / "sink.h5", weights, values);
  AnalyzeOptions options;
  options.transform.kind = TransformKind::Cwt;
  options.transform.levels = 4;
  const Statistics plain = of_signal(folder / "plain.h5", options).statistics,
                   sink = of_signal(folder / "sink.h5", options).statistics;
  EXPECT_NEAR(plain.lag1, 0.6, 0.01);
  EXPECT_EQ(sink.lag1, plain.lag1);
  EXPECT_EQ(sink.significant, plain.significant);
  const WaveletFacts& morlet = wavelet_facts("morlet");
  const double fourier = parse_continuous_wavelet("morlet").period();
  for (size_t band = 0; band < 4; ++band) {
    const double period = std::exp2(static_cast<double>(band) + 1.5);
    const double degrees =
        time_average_degrees(morlet, static_cast<double>(kPositions - 64), period / fourier);
    // An octave's mean against the level at its middle; at a period of 2 the wavelet is cut off.
    EXPECT_NEAR(plain.variance[band] * chi_squared_quantile(degrees, 0.95) / degrees /
                    plain.significant[band],
                1, band == 0 ? 0.25 : 0.1)
        << band;
  }
}

// By ranks: every document rises, so Page's p is small and Sen's change near the slope's.
TEST(Analyze, RanksAgreeWithTheClaims) {
  const testing::TemporaryFolder folder;
  const Analysis planted = of_documents(folder, 16, 0.6, {});
  const BinBand& amplitude = planted.statistics.bands[0];
  ASSERT_EQ(amplitude.page_p.size(), planted.levels);
  EXPECT_LT(amplitude.page_p[0], 1e-6);
  EXPECT_GT(amplitude.sen_change[0], 0.5);
  const auto first = amplitude.mean.begin();
  const auto bins = static_cast<std::ptrdiff_t>(planted.statistics.bin_first.size());
  EXPECT_NEAR(amplitude.sen_change[0], change_over_bins(std::vector<double>(first, first + bins)),
              0.25);
}

// Maps are of the first band, whatever its name.
TEST(Analyze, MapsNameTheBandThatTheyAreOf) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {});
  AnalyzeOptions options;
  options.transform = {TransformKind::Modwt, "haar", 2, std::nullopt};
  EXPECT_EQ(of_signal(folder / "t.h5", options).statistics.maps[0].statement,
            "W1 grows towards the end");
}

TEST(Analyze, ANullThatChangesNothingIsRefused) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {});
  const TraceReader trace(folder / "t.h5");
  AnalyzeOptions options;
  options.signal = Signal::Weight;
  options.nulls = {"shuffle-values"};
  EXPECT_THROW(analysis_of(trace, options), Error);
  options.nulls = {"shuffle-weights", "shuffle-weights"};
  EXPECT_THROW(analysis_of(trace, options), Error);
  options.nulls = {"noise"};
  EXPECT_THROW(analysis_of(trace, options), Error);
}

// Blocks of 4: what is asked for must leave two of them.
TEST(Analyze, ExclusionsThatLeaveNothingToCompareAreRefusedBeforeTheWork) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {});
  const TraceReader trace(folder / "t.h5");
  const TraceReader* traces[] = {&trace};
  const uint32_t tokens = trace.info().tokens;
  const auto refused = [&](std::optional<uint32_t> first, std::optional<uint32_t> last) {
    AnalyzeOptions options;
    options.transform.levels = 2;
    options.exclude_first = first;
    options.exclude_last = last;
    bool worked = false;
    const Progress watch = [&](uint64_t, uint64_t) {
      worked = true;
      return Continue::Stop;
    };
    try {
      analyze(traces, options, watch);
    } catch (const Error&) {
      EXPECT_FALSE(worked);
      return true;
    }
    return false;
  };
  EXPECT_FALSE(refused(std::nullopt, std::nullopt));
  EXPECT_FALSE(refused(0, 0));
  EXPECT_FALSE(refused(tokens - 8, 0));
  EXPECT_TRUE(refused(tokens - 7, 0));
  EXPECT_TRUE(refused(tokens, 0));
  EXPECT_TRUE(refused(4000000000, std::nullopt));
  EXPECT_TRUE(refused(0, tokens));
}

// A text of 32 tokens is swallowed by the usual exclusions, and nobody asked for them.
TEST(Analyze, TextsThatAreTooShortByThemselvesAreDescribed) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {.tokens = 32});
  const TraceReader trace(folder / "t.h5");
  AnalyzeOptions options;
  options.transform.levels = 5;
  EXPECT_TRUE(analysis_of(trace, options).statistics.bin_first.empty());
  options.exclude_first = 4;  // leaves 28 of one block: not the fault of the exclusion
  options.exclude_last = 0;
  EXPECT_TRUE(analysis_of(trace, options).statistics.bin_first.empty());
  options.exclude_first = 32;
  EXPECT_THROW(analysis_of(trace, options), Error);
}

TEST(Analyze, UnknownSignalsAreRefused) {
  EXPECT_THROW(parse_signal("voltage"), Error);
  EXPECT_EQ(parse_signal("value"), Signal::Value);
  EXPECT_EQ(signal_name(Signal::Contribution), "contribution");
}

// Of three documents the error itself is known badly: Student's t, not the normal distribution.
// Pointwise bands are those of many draws over many positions.
TEST(Analyze, PointwiseBandsOfFewUnitsAreStudents) {
  const testing::TemporaryFolder folder;
  const auto reach_at = [&](double significance) {
    AnalyzeOptions options;
    options.transform.kind = TransformKind::Modwt;
    options.transform.levels = 1;
    options.nulls = {};
    options.draws = 70000;
    options.significance = significance;
    const Analysis analysis = of_documents(folder, 3, 0.3, options);
    EXPECT_EQ(analysis.band_kind, "pointwise");
    const size_t p = analysis.positions / 2;
    return std::log(analysis.high[p] / analysis.band[p]);
  };
  // t with 2 degrees: 4.3027 and 1.8856; normal 1.9600 and 1.2816
  EXPECT_NEAR(reach_at(0.05) / reach_at(0.2), 4.3027 / 1.8856, 1e-3);
}

}  // namespace
}  // namespace dendrokv
