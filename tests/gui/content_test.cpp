#include "gui/content.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/runs_file.h"
#include "tests/gui/sample_trace.h"
#include "tests/support/files.h"
#include "tests/support/hdf5_damage.h"

namespace dendrokv {
namespace {

std::string load_refusal(const std::filesystem::path& trace,
                         const std::vector<std::filesystem::path>& runs) {
  try {
    const TraceReader reader(trace);
    load_content(reader, trace, runs);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Content, ATraceWithoutARunKeepsEverything) {
  const testing::TemporaryFolder folder;
  testing::write_sample_trace(folder / "t.h5", {});
  const TraceReader reader(folder / "t.h5");
  const Content content = load_content(reader, folder / "t.h5", {});
  ASSERT_EQ(content.runs.size(), 1u);
  EXPECT_EQ(content.runs[0].policy, "full");
  EXPECT_EQ(content.runs[0].budget, 0u);
  EXPECT_EQ(run_title(content.runs[0]), "full · every row");
  EXPECT_EQ(run_regions(content.runs[0]), "");
  EXPECT_EQ(content.tokens.id.size(), 96u);
  EXPECT_EQ(content.loss.size(), 96u);
  EXPECT_EQ(content.last_step(), Step(95));
  EXPECT_EQ(most_telling_run(content), 0u);
  EXPECT_EQ(telling_position(content.runs[0], Layer(0), Lane(0)), std::nullopt);
}

TEST(Content, ItsOwnRunComesFirst) {
  const testing::TemporaryFolder folder;
  testing::SampleOptions options;
  options.policy = "treekv:capacity=16,sinks=2,recent=6";
  testing::write_sample_trace(folder / "t.h5", options);
  const TraceReader reader(folder / "t.h5");
  const Content content = load_content(reader, folder / "t.h5", {});
  ASSERT_EQ(content.runs.size(), 1u);
  EXPECT_EQ(provenance_name(content.runs[0]), "closed loop");
  EXPECT_EQ(run_title(content.runs[0]), "treekv · 24 rows per lane");
  EXPECT_EQ(run_regions(content.runs[0]), "sinks 2 + tree 16 + recent 6");
}

// The record of a run comes at the end of a recording: one that was stopped has none.
TEST(Content, APolicyWithoutItsRecordIsSaid) {
  const testing::TemporaryFolder folder;
  testing::SampleOptions options;
  options.policy = "treekv:capacity=16,sinks=2,recent=6";
  testing::write_sample_trace(folder / "t.h5", options);
  const auto missing = [&] {
    const TraceReader reader(folder / "t.h5");
    return load_content(reader, folder / "t.h5", {}).missing;
  };
  EXPECT_TRUE(missing().empty());
  testing::remove_object(folder / "t.h5", "/run");
  ASSERT_EQ(missing().size(), 1u);
  EXPECT_TRUE(missing()[0].starts_with("What the policy dropped is not on record (treekv:"));
}

TEST(Content, ReplayedRunsFollowInOrderAndSayWhatTheyAre) {
  const testing::TemporaryFolder folder;
  testing::write_sample_trace(folder / "t.h5", {});
  testing::write_sample_runs(folder / "r.h5", folder / "t.h5",
                             {"full", "treekv:capacity=16,sinks=2,recent=6,cursor=printed"});
  testing::write_sample_runs(folder / "s.h5", folder / "t.h5", {"sliding:capacity=10"});
  const TraceReader reader(folder / "t.h5");
  const Content content = load_content(reader, folder / "t.h5", {folder / "r.h5", folder / "s.h5"});
  ASSERT_EQ(content.runs.size(), 4u);
  EXPECT_EQ(run_title(content.runs[2]), "treekv · 24 rows per lane · cursor printed");
  EXPECT_EQ(run_title(content.runs[3]), "sliding · 10 rows per lane");
  EXPECT_EQ(run_regions(content.runs[3]), "sinks 0 + recent 10");
  EXPECT_EQ(provenance_name(content.runs[3]), "open-loop replay");
  EXPECT_NE(provenance_meaning(content.runs[3]), provenance_meaning(content.runs[0]));
  EXPECT_EQ(most_telling_run(content), 2u);
}

TEST(Content, RunsOfAnotherTraceAreRefused) {
  const testing::TemporaryFolder folder;
  const std::string first = testing::write_sample_trace(folder / "t.h5", {});
  const std::string other = testing::write_sample_trace(folder / "u.h5", {});
  testing::write_sample_runs(folder / "r.h5", folder / "u.h5", {"sliding:capacity=10"});
  EXPECT_EQ(load_refusal(folder / "t.h5", {folder / "r.h5"}),
            (folder / "r.h5").string() + ": holds runs over trace " + other +
                ", wanted runs over " + first + ", replay this trace");
}

TEST(Content, RunsOfAnotherShapeAreRefused) {
  const testing::TemporaryFolder folder;
  const std::string uuid = testing::write_sample_trace(folder / "t.h5", {});
  RunsFile file;
  file.trace_uuid = uuid;
  dendrokv::Run run{
      "sliding:capacity=10", RunMode::OpenLoop, uuid, LaneKind::PerKvHead, 0, 10, 10, "original", 0,
      Retention(3, 2, 40)};
  file.runs.push_back(run);
  write_runs(folder / "r.h5", file);
  EXPECT_EQ(
      load_refusal(folder / "t.h5", {folder / "r.h5"}),
      (folder / "r.h5").string() + ": 3 layers of 40 tokens, wanted those of the trace, 3 of 96");
}

TEST(RunTitle, AnUnknownPolicyKeepsTheNameOfItsFile) {
  dendrokv::Run run;
  run.policy = "oracle:depth=3";
  run.budget = 12;
  EXPECT_EQ(run_title(run), "oracle · 12 rows per lane");
}

TEST(TellingPosition, PrefersTheLatestLongChain) {
  dendrokv::Run run;
  run.retention = Retention(1, 1, 40);
  const auto lose = [&run](uint32_t p, uint32_t step, int32_t rival) {
    run.retention.record(Layer(0), Lane(0), {Position(p), Step(step), rival, 0, 0, Reason::Lost});
  };
  lose(1, 10, 2);
  EXPECT_EQ(telling_position(run, Layer(0), Lane(0)), Position(1));
  lose(2, 20, 3);
  lose(3, 30, 4);
  EXPECT_EQ(telling_position(run, Layer(0), Lane(0)), Position(1));
  lose(12, 25, 13);
  lose(13, 26, 14);
  lose(14, 27, 15);
  EXPECT_EQ(telling_position(run, Layer(0), Lane(0)), Position(12));
}

TEST(RecordedIndices, FollowTheLaneKindAndTheRecordedHeads) {
  TraceInfo info;
  info.model.heads = 8;
  info.model.kv_heads = 2;
  for (const uint32_t head : {1u, 3u, 4u, 7u}) info.heads.emplace_back(head);
  for (const uint32_t layer : {2u, 5u}) info.layers.emplace_back(layer);
  for (const uint32_t step : {10u, 20u, 30u}) info.steps.emplace_back(step);
  using Indices = std::vector<size_t>;
  EXPECT_EQ(lane_head_indices(info, LaneKind::PerKvHead, Lane(0)), (Indices{0, 1}));
  EXPECT_EQ(lane_head_indices(info, LaneKind::PerKvHead, Lane(1)), (Indices{2, 3}));
  EXPECT_EQ(lane_head_indices(info, LaneKind::PerQueryHead, Lane(4)), (Indices{2}));
  EXPECT_EQ(lane_head_indices(info, LaneKind::PerQueryHead, Lane(5)), Indices{});
  EXPECT_EQ(lane_head_indices(info, LaneKind::PerLayer, Lane(0)), (Indices{0, 1, 2, 3}));
  EXPECT_EQ(all_head_indices(info), (Indices{0, 1, 2, 3}));
  EXPECT_EQ(layer_index(info, Layer(5)), 1u);
  EXPECT_EQ(layer_index(info, Layer(3)), std::nullopt);
  EXPECT_EQ(step_index_at(info, Step(9)), std::nullopt);
  EXPECT_EQ(step_index_at(info, Step(10)), 0u);
  EXPECT_EQ(step_index_at(info, Step(29)), 1u);
  EXPECT_EQ(step_index_at(info, Step(99)), 2u);
  EXPECT_EQ(not_recorded(info, Layer(2), Step(9)),
            "No step was recorded up to 9; the first one is 10.");
  EXPECT_EQ(not_recorded(info, Layer(3), Step(30)),
            "Layer 3 or the heads of this lane were not recorded in this trace.");
}

TEST(LaneName, SaysWhatALaneIs) {
  dendrokv::Run run;
  run.lane_kind = LaneKind::PerKvHead;
  EXPECT_EQ(lane_name(run, Lane(1)), "KV head 1");
  run.lane_kind = LaneKind::PerQueryHead;
  EXPECT_EQ(lane_name(run, Lane(4)), "head 4");
  run.lane_kind = LaneKind::PerLayer;
  EXPECT_EQ(lane_name(run, Lane(0)), "whole layer");
}

}  // namespace
}  // namespace dendrokv
