#include "data/runs_file.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

#include "data/analysis_file.h"
#include "data/error.h"
#include "data/hdf5.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::TemporaryFolder;

Run small_run() {
  Run run;
  run.policy = "treekv:capacity=4,sinks=1,recent=2";
  run.mode = RunMode::OpenLoop;
  run.trace_uuid = "a-uuid";
  run.sinks = 1;
  run.recent = 2;
  run.budget = 7;
  run.positions = "rank";
  run.retention = Retention(3, 2, 9);
  run.retention.record(Layer(2), Lane(1), {Position(3), Step(8), 4, 0.1f, 0.2f, Reason::Lost});
  return run;
}

TEST(RunsFile, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  write_runs(folder / "r.h5",
             {"", "", "", "dendrokv replay", "a-uuid", {small_run(), small_run()}});
  const RunsFile file = read_runs(folder / "r.h5");
  ASSERT_EQ(file.runs.size(), 2u);
  EXPECT_EQ(file.trace_uuid, "a-uuid");
  EXPECT_EQ(file.command_line, "dendrokv replay");
  const dendrokv::Run& run = file.runs[1];
  EXPECT_EQ(run.policy, small_run().policy);
  EXPECT_EQ(run.mode, RunMode::OpenLoop);
  EXPECT_EQ(run.budget, 7u);
  EXPECT_EQ(run.positions, "rank");
  EXPECT_EQ(run.retention.evict_step(Layer(2), Lane(1))[3], 8);
  EXPECT_EQ(run.retention.rival(Layer(2), Lane(1))[3], 4);
  EXPECT_EQ(run.retention.score(Layer(2), Lane(1))[3], 0.1f);
  EXPECT_EQ(run.retention.reason(Layer(2), Lane(1))[3], static_cast<uint8_t>(Reason::Lost));
  EXPECT_EQ(run.retention.evict_step(Layer(2), Lane(0))[3], -1);
  EXPECT_EQ(sniff_file(folder / "r.h5"), FileKind::Runs);
  EXPECT_FALSE(std::filesystem::exists(folder / "r.h5.part"));
}

TEST(RunsFile, OnDemandALaneIsWhatItIsAsAWhole) {
  const TemporaryFolder folder;
  dendrokv::Run run = small_run();
  constexpr uint32_t kTokens = 70'000;  // more than a chunk
  run.retention = Retention(2, 3, kTokens);
  for (uint32_t layer = 0; layer < 2; ++layer)
    for (uint32_t lane = 0; lane < 3; ++lane)
      for (uint32_t p = layer + lane; p + 40 < kTokens; p += 5 + lane)
        run.retention.record(Layer(layer), Lane(lane),
                             {Position(p), Step(p + 30), static_cast<int32_t>(p + 1 + lane),
                              static_cast<float>(p), static_cast<float>(p + layer), Reason::Lost});
  write_runs(folder / "r.h5", {"", "", "", "", "a-uuid", {run}});
  const dendrokv::Run read = read_runs(folder / "r.h5", Records::OnDemand).runs[0];
  EXPECT_LE(read.retention.bytes(), 6 * kTokens * size_t{4});
  const auto equal = [](const auto& one, const auto& other) {
    return std::memcmp(one.data(), other.data(), one.size_bytes()) == 0;  // NaN is NaN
  };
  for (const int turn : {0, 1})  // more lanes than are kept
    for (uint32_t layer = 0; layer < 2; ++layer)
      for (uint32_t lane = 0; lane < 3; ++lane) {
        const Layer l(layer);
        const Lane h(lane);
        EXPECT_TRUE(equal(read.retention.evict_step(l, h), run.retention.evict_step(l, h))) << turn;
        EXPECT_TRUE(equal(read.retention.rival(l, h), run.retention.rival(l, h)));
        EXPECT_TRUE(equal(read.retention.score(l, h), run.retention.score(l, h)));
        EXPECT_TRUE(equal(read.retention.rival_score(l, h), run.retention.rival_score(l, h)));
        EXPECT_TRUE(equal(read.retention.reason(l, h), run.retention.reason(l, h)));
        EXPECT_EQ(read.retention.levels(l, h, Step(50'000)),
                  run.retention.levels(l, h, Step(50'000)));
        EXPECT_TRUE(
            equal(std::span(read.retention.stored_duels(l, h)->rival), run.retention.rival(l, h)));
      }
  EXPECT_LE(read.retention.bytes(), (6 * 4 + 4 * 13) * size_t{kTokens})
      << "the steps, and four lanes";
}

TEST(RunsFile, OnDemandALaneIsCheckedAsWell) {
  const TemporaryFolder folder;
  dendrokv::Run run = small_run();
  Retention::Arrays arrays = run.retention.arrays();
  arrays.rival[5 * 9 + 3] = 3;  // itself
  write_runs(folder / "r.h5", {"", "", "", "", "a-uuid", {run}});
  {
    const h5::File file = h5::File::open(folder / "r.h5");
    const auto places = file.open_dataset("/runs/0/rival").chunk_places();
    std::fstream bytes(folder / "r.h5", std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(places->address[5] + 3 * 4));
    bytes.write(reinterpret_cast<const char*>(&arrays.rival[5 * 9 + 3]), 4);
  }
  for (const Records records : {Records::Whole, Records::OnDemand}) try {
      read_runs(folder / "r.h5", records);
      FAIL() << "took a rival that is the position itself";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("layer 2, lane 1, position 3"), std::string::npos)
          << error.what();
    }
}

TEST(RunsFile, AnUnwritableFolderIsNamed) {
  const TemporaryFolder folder;
  try {
    write_runs(folder / "no" / "r.h5", {});
    FAIL() << "wrote into a folder that is not there";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("cannot be created"), std::string::npos);
  }
}

TEST(AnalysisFile, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  Analysis analysis;
  analysis.trace_uuids = {"one", "two"};
  analysis.unit = "value";
  analysis.levels = 2;
  analysis.positions = 6;
  analysis.step = 5;
  analysis.valid_first = 2;
  analysis.valid_count = 4;
  analysis.samples = 2;
  analysis.layers = {Layer(0), Layer(3)};
  analysis.heads = {Head(1)};
  analysis.band.assign(12, std::nan(""));
  analysis.band[11] = 0.5;
  analysis.low.assign(12, 0.25);
  analysis.high.assign(12, 0.75);
  analysis.depth = 2;
  analysis.band_names = {"D1", "D2"};
  analysis.period_low = {2, 4};
  analysis.period_high = {4, 8};
  analysis.band_first = {2, 2};
  analysis.band_count = {4, 4};
  analysis.pool = 2;
  analysis.band_by_head.assign(2 * 2 * 3, 0.25f);
  Statistics& statistics = analysis.statistics;
  statistics.seed = 7;
  statistics.nulls = {"reverse"};
  statistics.null_curves = {{"reverse", 1, std::vector<double>(12, 1), std::vector<double>(12, 0),
                             std::vector<double>(12, 2)}};
  statistics.bin_first = {2, 4};
  statistics.bin_count = {2, 2};
  statistics.units = {{"a", {1, 2, 3, 4}, {5, 6}, {{7, 8, 9, 10}}},
                      {"b", {-1, -2, -3, -4}, {-5, -6}, {{0, 0, 0, 1}}}};
  statistics.bands = {{"relative", {1, 2, 3, 4}, {0, 1, 2, 3}, {2, 3, 4, 5}, {0.25, 0.5}, {-1, 2}}};
  Claim claim{"rise", "it rises"};
  claim.verdict = Verdict::Contradicted;
  claim.effect = -0.5;
  claim.raw_p_value = 0.01;
  claim.units = 2;
  statistics.claims = {claim};
  statistics.maps = {{"rise", "per head", {0.5f, 1}, {0.1f, 0.2f}, {0.2f, 0.2f}}};
  statistics.energy = statistics.relative = std::vector<double>(12, 0.125);
  statistics.entropy.assign(6, 1);
  statistics.variance = statistics.variance_low = statistics.variance_high = {3, 4};
  statistics.variance_median = {2, 3};
  statistics.variance_robust = {2.5, 3.5};
  statistics.variance_interval = "none";
  statistics.changes = {{1, 4, 0.5, 0.25}};
  analysis.mean_weight.assign(6, 1.0 / 6);
  write_analysis(folder / "a.h5", analysis);
  const Analysis read = read_analysis(folder / "a.h5");
  EXPECT_EQ(read.trace_uuids, analysis.trace_uuids);
  EXPECT_EQ(read.layers, analysis.layers);
  EXPECT_EQ(read.heads, analysis.heads);
  EXPECT_EQ(read.band[11], 0.5);
  EXPECT_TRUE(std::isnan(read.band[0]));
  EXPECT_EQ(read.band_by_head, analysis.band_by_head);
  EXPECT_EQ(read.mean_weight, analysis.mean_weight);
  EXPECT_EQ(read.valid_first, 2u);
  EXPECT_EQ(read.cells(), 3u);
  EXPECT_EQ(read.statistics.seed, 7u);
  ASSERT_EQ(read.statistics.claims.size(), 1u);
  EXPECT_EQ(read.statistics.claims[0].verdict, Verdict::Contradicted);
  EXPECT_EQ(read.statistics.claims[0].statement, "it rises");
  EXPECT_EQ(read.statistics.claims[0].raw_p_value, 0.01);
  EXPECT_TRUE(read.statistics.claims_with_ends.empty());
  EXPECT_EQ(read.statistics.units[1].amplitude, statistics.units[1].amplitude);
  EXPECT_EQ(read.statistics.units[1].nulls, statistics.units[1].nulls);
  EXPECT_EQ(read.statistics.bands[0].high, statistics.bands[0].high);
  EXPECT_EQ(read.statistics.null_curves[0].high, statistics.null_curves[0].high);
  EXPECT_EQ(read.statistics.maps[0].p_value, statistics.maps[0].p_value);
  EXPECT_EQ(read.statistics.bands[0].page_p, statistics.bands[0].page_p);
  EXPECT_EQ(read.statistics.bands[0].sen_change, statistics.bands[0].sen_change);
  EXPECT_EQ(read.statistics.variance_median, statistics.variance_median);
  EXPECT_EQ(read.statistics.variance_robust, statistics.variance_robust);
  EXPECT_EQ(read.statistics.changes[0].position, 4u);
  // What would be read beyond an end is refused.
  analysis.statistics.changes = {{2, 4, 0.5, 0.25}};
  write_analysis(folder / "band.h5", analysis);
  EXPECT_THROW(read_analysis(folder / "band.h5"), Error);
  analysis.statistics.changes.clear();
  analysis.statistics.variance_robust = {1, 2, 3};
  write_analysis(folder / "long.h5", analysis);
  EXPECT_THROW(read_analysis(folder / "long.h5"), Error);
  EXPECT_EQ(sniff_file(folder / "a.h5"), FileKind::Analysis);
  EXPECT_THROW(read_runs(folder / "a.h5"), Error);
}

TEST(SniffFile, NamesWhatItCannotUse) {
  const TemporaryFolder folder;
  std::ofstream(folder / "m.gguf", std::ios::binary) << "GGUF....";
  EXPECT_EQ(sniff_file(folder / "m.gguf"), FileKind::Gguf);
  std::ofstream(folder / "x.txt") << "hello";
  EXPECT_THROW(sniff_file(folder / "x.txt"), Error);
  EXPECT_THROW(sniff_file(folder / "none"), Error);
  EXPECT_THROW(sniff_file(folder.path()), Error);
}

}  // namespace
}  // namespace dendrokv
