// analyze() over traces written with real attention: f32 and f16 against the reference profile, threads, errors.

#include "analysis/analyze.h"

#include <gtest/gtest.h>

#include <cmath>

#include "analysis/haar.h"
#include "data/error.h"
#include "data/trace_writer.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

constexpr uint32_t kTokens = 512, kChannels = 64;
constexpr size_t kLayers[] = {0, 14, 29};

// Layers 0, 14, 29 of the reference model, its last query only.
void write_reference_trace(const std::filesystem::path& path, Encoding encoding) {
  const auto attention = testing::read_npy<float>(testing::data_file("attention/attention_last_row.npy"));
  const auto values = testing::read_npy<float>(testing::data_file("attention/values_layers_0_14_29.npy"));
  TracePlan plan;
  plan.info.model = {"reference", "llama", "sha", 30, 9, 3, kChannels, 49152, 8192, 1e5};
  plan.info.policy = "full";
  plan.info.encoding = encoding;
  plan.info.tokens = kTokens;
  for (const size_t layer : kLayers) plan.info.layers.emplace_back(layer);
  for (uint32_t head = 0; head < 9; ++head) plan.info.heads.emplace_back(head);
  plan.info.steps = {Step(kTokens - 1)};
  plan.tokens.id.assign(kTokens, 1);
  plan.tokens.offset.assign(kTokens + 1, 0);
  plan.chunk_steps = 1;
  plan.chunk_positions = kTokens;
  TraceWriter writer(path, plan);
  for (size_t l = 0; l < 3; ++l) {
    for (size_t h = 0; h < 9; ++h) {
      const std::span row(attention.values.data() + (kLayers[l] * 9 + h) * kTokens, kTokens);
      std::vector<std::byte> chunk(kTokens * encoded_bytes(encoding));
      encode_weights(encoding, row, chunk);
      writer.write_weights(l, h, 0, 0, std::move(chunk));
    }
    for (uint32_t g = 0; g < 3; ++g)
      writer.write_values(l, KvHead(g), Position(0),
                          {values.values.data() + (l * 3 + g) * kTokens * kChannels, kTokens, kChannels});
  }
  writer.write_loss(std::vector<float>(kTokens, 0.0f));
  writer.mark_steps_valid(1);
  writer.finish();
}

// Largest relative difference of any cell; the amplitudes run from 2e-10 to 1e-1, and even the smallest meet it.
double worst_difference(const Analysis& analysis) {
  const auto wanted = testing::read_npy<float>(testing::data_file("attention/haar_heads_layers_0_14_29.npy"));
  EXPECT_EQ(analysis.band_by_head.size(), wanted.values.size());
  double worst = 0;
  for (size_t i = 0; i < wanted.values.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(analysis.band_by_head[i]) / static_cast<double>(wanted.values[i]) - 1));
  return worst;
}

Analysis analysis_of(const TraceReader& trace, const AnalyzeOptions& options) {
  const TraceReader* traces[] = {&trace};
  return *analyze(traces, options, {});
}

TEST(Analyze, RecordedF32GivesTheReferenceProfile) {
  const testing::TemporaryFolder folder;
  write_reference_trace(folder / "t.h5", Encoding::F32);
  const TraceReader trace(folder / "t.h5");
  EXPECT_LE(worst_difference(analysis_of(trace, {})), 1e-4);
}

// Halves keep 11 bits of weight and value (5e-4 each); where two block means nearly cancel, the relative error of their difference is
// larger, so the mean over a head's positions is asked for 1e-2, as is each band's mean over layers and heads per position.
TEST(Analyze, AnF16TraceGivesTheReferenceProfileToOnePerCent) {
  const testing::TemporaryFolder folder;
  write_reference_trace(folder / "t.h5", Encoding::F16);
  const TraceReader trace(folder / "t.h5");
  const Analysis analysis = analysis_of(trace, {});
  const auto wanted = testing::read_npy<float>(testing::data_file("attention/haar_heads_layers_0_14_29.npy"));
  for (size_t level = 0; level < 5; ++level)
    for (size_t p = 0; p < kTokens; ++p) {
      double sum = 0;
      for (size_t lane = 0; lane < 27; ++lane) sum += static_cast<double>(wanted.values[(level * 27 + lane) * kTokens + p]);
      EXPECT_NEAR(analysis.band[level * kTokens + p] / (sum / 27), 1, 1e-2) << "level " << level + 1 << " position " << p;
    }
}

TEST(Analyze, ThreadsDoNotChangeAnything) {
  const testing::TemporaryFolder folder;
  write_reference_trace(folder / "t.h5", Encoding::F16);
  const TraceReader trace(folder / "t.h5");
  AnalyzeOptions two;
  two.threads = 2;
  const Analysis one_thread = analysis_of(trace, {}), two_threads = analysis_of(trace, two);
  EXPECT_EQ(one_thread.band, two_threads.band);
  EXPECT_EQ(one_thread.band_by_head, two_threads.band_by_head);
}

TEST(Analyze, TwoCopiesOfATraceMeanTheSame) {
  const testing::TemporaryFolder folder;
  write_reference_trace(folder / "t.h5", Encoding::F32);
  const TraceReader trace(folder / "t.h5");
  const TraceReader* traces[] = {&trace, &trace};
  const Analysis both = *analyze(traces, {}, {});
  EXPECT_EQ(both.samples, 2u);
  const Analysis one = analysis_of(trace, {});
  EXPECT_EQ(both.band, one.band);
}

TEST(Analyze, OneHeadEqualsItsRowOfTheWhole) {
  const testing::TemporaryFolder folder;
  write_reference_trace(folder / "t.h5", Encoding::F32);
  const TraceReader trace(folder / "t.h5");
  const Analysis analysis = analysis_of(trace, {});
  const size_t heads[] = {4, 5, 8};
  const std::vector<Grid<double>> bands = head_bands(trace, 1, heads, 0, {});
  for (size_t h = 0; h < 3; ++h)
    for (size_t level = 0; level < 5; ++level)
      for (size_t p = 0; p < kTokens; ++p)
        EXPECT_EQ(static_cast<float>(bands[h](level, p)),
                  analysis.band_by_head[((level * 3 + 1) * 9 + heads[h]) * kTokens + p]);
}

TEST(Analyze, WeightAndValueSignals) {
  const testing::TemporaryFolder folder;
  write_reference_trace(folder / "t.h5", Encoding::F32);
  const TraceReader trace(folder / "t.h5");
  AnalyzeOptions options;
  options.signal = Signal::Weight;
  const Analysis weight = analysis_of(trace, options);
  Grid<float> row(1, kTokens);
  trace.read_weights(0, 0, {0, 1}, {0, kTokens}, row.view());
  EXPECT_NEAR(static_cast<double>(weight.band_by_head[10]), std::abs(static_cast<double>(row(0, 10)) - static_cast<double>(row(0, 11))) / 2, 1e-9);
  options.signal = Signal::Value;
  const Analysis value = analysis_of(trace, options);
  for (size_t i = 0; i < kTokens; ++i) EXPECT_EQ(value.band_by_head[i], value.band_by_head[kTokens + i]);  // heads 0 and 1 share V
}

TEST(Analyze, StepsThatWereNotRecordedAreNamed) {
  const testing::TemporaryFolder folder;
  write_reference_trace(folder / "t.h5", Encoding::F16);
  const TraceReader trace(folder / "t.h5");
  AnalyzeOptions options;
  options.step = Step(100);
  EXPECT_THROW(analysis_of(trace, options), Error);
  EXPECT_THROW(parse_signal("voltage"), Error);
  EXPECT_THROW(analyze({}, {}, {}), Error);
}

}  // namespace
}  // namespace dendrokv
