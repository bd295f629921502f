// The audit of files: green on what the program writes, and for each check of the table a file that
// is damaged just so that it goes red. The closed loops come from a running model, so that record
// and weights are real.

#include "cache/audit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <set>

#include "cache/replay.h"
#include "cache/replay_numbers.h"
#include "data/analysis_file.h"
#include "data/error.h"
#include "data/eval_file.h"
#include "data/logits_file.h"
#include "data/runs_file.h"
#include "model/chunk_choice.h"
#include "model/decoder.h"
#include "model/recorder.h"
#include "tests/support/files.h"
#include "tests/support/hdf5_damage.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;
using testing::data_file;
using testing::element;
using testing::set_attribute;
using testing::set_element;
using testing::TemporaryFolder;

constexpr uint32_t kTokens = 90;
constexpr const char* kTree = "treekv:capacity=12,sinks=2,recent=6";

const Model& model() {
  static const Model model =
      Model::load(data_file("models/llama-gqa-tied/model.gguf"), LoadDepth::Run, Arithmetic::Exact);
  return model;
}

std::vector<int32_t> some_tokens() {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < kTokens; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % 256));
  return ids;
}

template <class Id>
std::vector<Id> first(uint32_t count) {
  std::vector<Id> ids;
  for (uint32_t id = 0; id < count; ++id) ids.emplace_back(id);
  return ids;
}

TracePlan plan_of(const PolicyChoice& policy, Encoding encoding, const Capture& capture) {
  TracePlan plan;
  plan.info.model = model().facts();
  plan.info.policy = policy.text();
  plan.info.lane_budget = policy.lane_budget();
  plan.info.command_line = "dendrokv trace";
  plan.info.encoding = encoding;
  plan.info.capture = capture;
  plan.info.keys = KeyRows::Record;
  plan.info.tokens = kTokens;
  plan.info.layers = first<Layer>(model().config().layers);
  plan.info.heads = first<Head>(model().config().heads);
  plan.info.steps = first<Step>(kTokens);
  plan.tokens = model().tokenizer().text_of(some_tokens());
  choose_chunks(plan);
  return plan;
}

void write_trace(const fs::path& path, const std::string& spec, Encoding encoding = Encoding::F32,
                 const Capture& capture = {}) {
  const PolicyChoice policy(spec);
  const TracePlan plan = plan_of(policy, encoding, capture);
  TraceWriter writer(path, plan);
  Recorder recorder(writer, plan);
  Decoder decoder(model(), policy, {.threads = 1});
  std::vector<float> nll(kTokens);
  decoder.feed_and_score(plan.tokens.id, nll, &recorder);
  recorder.flush();
  writer.write_loss(nll);
  if (policy.shape().budget > 0) {
    dendrokv::Run run = decoder.run();
    run.trace_uuid = writer.info().uuid;
    writer.write_run(run);
  }
  writer.finish();
}

const Finding& finding(const Audit& audit, std::string_view name) {
  const auto check = std::ranges::find(audit.checks, name, &Check::name);
  EXPECT_NE(check, audit.checks.end()) << name;
  return check->finding;
}

std::string red_ones(const Audit& audit) {
  std::string text;
  for (const Check& check : audit.checks)
    if (check.finding.outcome == Outcome::Bad)
      text += check.name + ": " + check.finding.detail + "\n";
  return text;
}

/// The undamaged files, written once.
struct Samples {
  TemporaryFolder folder;
  fs::path closed = folder / "closed.h5", full = folder / "full.h5", fits = folder / "fits.h5",
           runs = folder / "runs.h5", analysis = folder / "analysis.h5",
           logits = folder / "logits.h5";

  Samples() {
    write_trace(closed, kTree, Encoding::F32,
                {.rows = FullRows::Record, .top_k = 4, .pool = 8, .entropy = EntropyRows::Record});
    write_trace(full, "full");
    write_trace(fits, "treekv:capacity=60,sinks=4,recent=40");
    write_runs_file();
    Analysis numbers;
    numbers.trace_uuids = {"a"};
    numbers.levels = numbers.samples = 1;
    numbers.positions = numbers.valid_count = 4;
    numbers.layers = {Layer(0)};
    numbers.heads = {Head(0)};
    numbers.band = numbers.low = numbers.high = numbers.mean_weight = std::vector<double>(4, 0.25);
    numbers.band_by_head = std::vector<float>(4, 0.25f);
    numbers.band_names = {"1"};
    numbers.period_low = {2};
    numbers.period_high = {4};
    numbers.band_first = {0};
    numbers.band_count = {4};
    Statistics& statistics = numbers.statistics;
    statistics.energy = statistics.relative = statistics.entropy = std::vector<double>(4, 0.25);
    statistics.variance = statistics.variance_low = statistics.variance_high = {1};
    write_analysis(analysis, numbers);
    const std::vector<int32_t> ids{1, 2};
    LogitsWriter writer(logits, {model().facts(), "full", "dendrokv logits", ids});
    Grid<float> rows(2, model().config().vocabulary);
    writer.append(rows.view());
    writer.finish();
  }

  void write_runs_file() const {
    const TraceReader trace(full);
    const std::vector<PolicyChoice> choices{PolicyChoice(kTree), PolicyChoice("full"),
                                            PolicyChoice("streaming:budget=20")};
    RunsFile file{.uuid = {},
                  .created = {},
                  .creator = {},
                  .command_line = "dendrokv replay",
                  .trace_uuid = trace.info().uuid,
                  .runs = *replay_trace(trace, choices, 1, {})};
    const std::vector<Step> steps{Step(40), Step(89)};
    auto numbers = measure_runs(trace, file.runs, steps, 1, {});
    for (size_t run = 0; run < file.runs.size(); ++run)
      file.runs[run].numbers = std::move((*numbers)[run]);
    write_runs(runs, std::move(file));
  }
};

const Samples& samples() {
  static const Samples samples;
  return samples;
}

Audit audit_of(const fs::path& path, const fs::path& trace = {}) {
  return audit_file(path, {.trace = trace});
}

// --- green

TEST(Audit, WhatTheProgramWritesIsGreen) {
  for (const fs::path& path :
       {samples().closed, samples().full, samples().fits, samples().analysis, samples().logits})
    EXPECT_EQ(red_ones(audit_of(path)), "") << path;
  EXPECT_EQ(red_ones(audit_of(samples().runs)), "");
  EXPECT_EQ(red_ones(audit_of(samples().runs, samples().full)), "");
}

/// Two policies, one text of four tokens.
void write_small_eval(const fs::path& path) {
  EvalFile file;
  file.command_line = "dendrokv eval";
  file.model = model().facts();
  file.protocol = "loss";
  file.arithmetic = "exact";
  file.policies = {PolicyChoice("full").text(), PolicyChoice(kTree).text()};
  file.reference = 0;
  EvalText text = unscored_text("a", {1, 2, 3, 4}, 2, 0u);
  text.reached = 4;
  for (size_t policy = 0; policy < 2; ++policy)
    for (size_t token = 1; token < 4; ++token) {
      text.nll(policy, token) = 2.5f;
      text.top1(policy, token) = 7;
      text.kl(policy, token) = policy == 0 ? 0.0f : 0.1f;
    }
  text.cache = {{2, 8, 64, 20, 160}, {2, 8, 64, 20, 160}};
  file.texts.push_back(std::move(text));
  write_eval(path, file);
}

TEST(AuditOfEvaluations, IsGreenOnAWholeFileAndRedWhereItIsDamaged) {
  const TemporaryFolder folder;
  const fs::path path = folder / "e.h5";
  write_small_eval(path);
  EXPECT_EQ(red_ones(audit_of(path)), "");
  for (const char* check : {"structure", "manifest", "tokens", "losses", "numbers"})
    EXPECT_EQ(finding(audit_of(path), check).outcome, Outcome::Good) << check;
  const auto red_after = [&](const char* check, const auto& damage) {
    write_small_eval(path);
    damage();
    EXPECT_EQ(finding(audit_of(path), check).outcome, Outcome::Bad) << check;
  };
  red_after("losses", [&] { set_element(path, "/nll", {0, 2}, -1.0); });
  red_after("losses", [&] { set_element(path, "/nll", {1, 0}, 1.0); });
  red_after("tokens", [&] { set_element(path, "/tokens/id", {1}, 100000); });
  red_after("tokens", [&] { set_element(path, "/top1", {1, 2}, -1); });
  red_after("numbers", [&] { set_element(path, "/kl", {1, 2}, -0.5); });
  red_after("numbers", [&] { set_element(path, "/cache/most_rows", {1}, 9); });
}

class AuditOfPolicies : public ::testing::TestWithParam<const char*> {};

// A record of the engine, decided again from the recorded weights.
TEST_P(AuditOfPolicies, IsGreenInEveryEncoding) {
  const TemporaryFolder folder;
  for (const Encoding encoding : {Encoding::F32, Encoding::F16, Encoding::U8}) {
    write_trace(folder / "t.h5", GetParam(), encoding);
    const Audit audit = audit_of(folder / "t.h5");
    EXPECT_EQ(red_ones(audit), "") << encoding_name(encoding);
    const bool evicts = PolicyChoice(GetParam()).shape().budget > 0;
    const bool asks = PolicyChoice(GetParam()).shape().inputs.has(Input::QueryStatistics);
    EXPECT_EQ(finding(audit, "record").outcome == Outcome::Good, evicts && !asks);
    EXPECT_EQ(finding(audit, "rows = budget").outcome == Outcome::Good, evicts);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, AuditOfPolicies,
    ::testing::Values(
        "full", "quest:read=48,skip=1", kTree, "treekv:budget=24,recent=8,share=layer",
        "treekv:budget=24,recent=8,share=query-head,group=max",
        "treekv:budget=24,recent=8,score=ema,scope=4", "treekv:budget=24,recent=8,score=value",
        "treekv:budget=24,recent=8,score=random,pick=random",
        "treekv:budget=24,recent=8,prompt=60,block=4",
        "treekv:budget=24,recent=8,cursor=printed,positions=original", "h2o:budget=24,recent=8",
        "h2o-avg:budget=24,recent=8", "tova:capacity=24", "sliding:budget=24",
        "streaming:budget=24", "random:budget=24,recent=8", "context-shift:budget=24",
        "lacache:budget=24", "snapkv:budget=24,recent=4,every=8",
        "snapkv:budget=24,recent=4,prompt=60,every=0", "pyramidkv:budget=24,recent=4,every=8",
        "pyramidkv:budget=24,recent=4,prompt=60,every=0", "adakv:budget=24,recent=4,every=8",
        "adakv:budget=24,recent=4,every=8,base=h2o", "geo-topk:budget=24,recent=4,every=8",
        "norm-sum-blocks:budget=24,sinks=2,recent=4,block=4", "r-kv:budget=24,recent=4,every=8",
        "knorm:budget=24,skip=1", "keydiff:budget=24,every=8",
        "lagkv:budget=24,recent=4,every=8,lag=4", "expected-attention:budget=24,every=8"));

/// Rows of lane number `i` (layer by layer): 14 + 9 * ((i + shift) mod lanes).
std::string write_map(const fs::path& path, uint32_t shift,
                      uint32_t layers = model().config().layers) {
  BudgetMap map{layers, model().config().kv_heads, {}};
  const uint32_t lanes = map.layers * map.lanes;
  for (uint32_t lane = 0; lane < lanes; ++lane)
    map.rows.push_back(14 + 9 * ((lane + shift) % lanes));
  write_budget_map(path, map);
  return path.string();
}

void write_replay(const fs::path& path, const fs::path& full, const std::string& spec) {
  const TraceReader trace(full);
  const std::vector<PolicyChoice> choices{PolicyChoice(spec)};
  write_runs(path, RunsFile{.uuid = {},
                            .created = {},
                            .creator = {},
                            .command_line = "dendrokv replay",
                            .trace_uuid = trace.info().uuid,
                            .runs = *replay_trace(trace, choices, 1, {})});
}

TEST(Audit, HoldsEachLaneOfABudgetMapToItsOwnRows) {
  const TemporaryFolder folder;
  const std::string map = write_map(folder / "map.txt", 0);
  write_trace(folder / "full.h5", "full");
  for (const char* policy : {"treekv:sinks=2,recent=6,", "streaming:sinks=2,",
                             "h2o:sinks=2,recent=6,", "h2o-avg:sinks=2,recent=6,"}) {
    const std::string spec = policy + ("budget-map=" + map);
    write_map(map, 0);
    write_trace(folder / "t.h5", spec);
    write_replay(folder / "r.h5", folder / "full.h5", spec);
    for (const char* file : {"t.h5", "r.h5"}) {
      const Audit audit = audit_of(folder / file);
      EXPECT_EQ(red_ones(audit), "") << file << " " << spec;
      for (const char* name : {"manifest", "rows = budget", "protected", "coverage"})
        EXPECT_EQ(finding(audit, name).outcome, Outcome::Good)
            << file << " " << name << " " << spec;
      EXPECT_EQ(finding(audit, "identity").outcome, Outcome::NotApplicable) << file;
    }
    // The rows of each lane are in the files: what becomes of the map changes nothing.
    fs::remove(map);
    EXPECT_EQ(red_ones(audit_of(folder / "t.h5")), "") << spec;
    EXPECT_EQ(red_ones(audit_file(folder / "r.h5", {.trace = folder / "full.h5"})), "") << spec;
    set_element(folder / "t.h5", "/run/lane_budget", {0, 1}, 30);
    EXPECT_EQ(finding(audit_of(folder / "t.h5"), "rows = budget").outcome, Outcome::Bad) << spec;
  }
}

TEST(Audit, ATraceAndItsRunAreOfTheSameRows) {
  const TemporaryFolder folder;
  write_trace(folder / "t.h5",
              "treekv:sinks=2,recent=6,budget-map=" + write_map(folder / "map.txt", 0));
  set_element(folder / "t.h5", "/attention/lane_budget", {0, 1}, 30);
  const Audit audit = audit_of(folder / "t.h5");
  EXPECT_EQ(finding(audit, "manifest").outcome, Outcome::Bad);
  EXPECT_EQ(finding(audit, "rows = budget").outcome, Outcome::Good);
}

// Files from before the rows of each lane were kept in them.
TEST(Audit, ReadsABudgetMapWhereTheRunDoesNotKeepIt) {
  const TemporaryFolder folder;
  const std::string map = write_map(folder / "map.txt", 0);
  write_trace(folder / "t.h5", "treekv:sinks=2,recent=6,budget-map=" + map);
  for (const char* place : {"/run/lane_budget", "/attention/lane_budget"})
    testing::remove_object(folder / "t.h5", place);
  EXPECT_EQ(red_ones(audit_of(folder / "t.h5")), "");
  write_map(map, 1);  // the same total, other lanes
  EXPECT_EQ(finding(audit_of(folder / "t.h5"), "rows = budget").outcome, Outcome::Bad);
  // Of another model: the manifest says so, and nothing is looked up by it.
  write_map(map, 0, model().config().layers + 1);
  const Audit other = audit_of(folder / "t.h5");
  EXPECT_EQ(finding(other, "manifest").outcome, Outcome::Bad);
  EXPECT_EQ(finding(other, "rows = budget").outcome, Outcome::NotApplicable);
}

// Lanes that never fill beside lanes that do: those decide by weights, whatever the others do.
TEST(Audit, DecidesTheSmallLanesOfABudgetMapAgainWhereOthersHoldTheWholeText) {
  const TemporaryFolder folder;
  BudgetMap map{model().config().layers, model().config().heads, {}};
  for (uint32_t lane = 0; lane < map.layers * map.lanes; ++lane)
    map.rows.push_back(lane % 2 == 0 ? kTokens + 10 : 20 + lane);
  write_budget_map(folder / "map.txt", map);
  const std::string spec =
      "treekv:sinks=2,recent=6,share=query-head,budget-map=" + (folder / "map.txt").string();
  write_trace(folder / "t.h5", spec);
  const Audit audit = audit_of(folder / "t.h5");
  EXPECT_EQ(red_ones(audit), "");
  EXPECT_EQ(finding(audit, "record").outcome, Outcome::Good);
}

TEST(Audit, ReducedAndPartialTracesSayWhatCannotBeLookedUp) {
  const TemporaryFolder folder;
  write_trace(folder / "top.h5", kTree, Encoding::F16, {.rows = FullRows::Omit, .top_k = 6});
  const Audit top = audit_of(folder / "top.h5");
  EXPECT_EQ(red_ones(top), "");
  EXPECT_EQ(finding(top, "rows of p").outcome, Outcome::Good);
  EXPECT_EQ(finding(top, "reductions").outcome, Outcome::Good);
  for (const char* name : {"absent rows", "pyramid", "record"})
    EXPECT_EQ(finding(top, name).outcome, Outcome::NotApplicable) << name;
  write_trace(folder / "entropy.h5", "full", Encoding::F16,
              {.rows = FullRows::Omit, .entropy = EntropyRows::Record});
  EXPECT_EQ(finding(audit_of(folder / "entropy.h5"), "rows of p").outcome, Outcome::NotApplicable);
}

TEST(Audit, SomeHeadsOfALargeTraceStandForAll) {
  const Audit audit = audit_file(samples().full, {.most_bytes = 1});
  EXPECT_EQ(red_ones(audit), "");
  EXPECT_NE(finding(audit, "rows of p").detail.find(", 1 of 18 heads"), std::string::npos);
}

TEST(Audit, WhatIsNoFileOfOursIsAnErrorNotAFinding) {
  const TemporaryFolder folder;
  EXPECT_THROW(audit_of(folder / "none.h5"), Error);
  EXPECT_THROW(audit_of(data_file("README.md")), Error);
}

// --- red

struct Damage {
  const char* check;
  const char* what;
  const fs::path Samples::*sample;
  std::function<void(const fs::path&)> apply;
};

void PrintTo(const Damage& damage, std::ostream* out) {
  *out << damage.check << ": " << damage.what;
}

/// A position of (layer 0, lane 0) of the closed loop that left, after the `nth` one that did.
uint64_t gone(const fs::path& path, uint64_t nth, const std::string& group = "/run") {
  for (uint64_t position = 0; position < kTokens; ++position)
    if (element(path, group + "/evict_step", {0, 0, position}) >= 0 && nth-- == 0) return position;
  throw std::runtime_error("so many did not leave");
}

/// As if the position of (layer 0, lane 0) had stayed.
void keep(const fs::path& path, uint64_t position) {
  set_element(path, "/run/evict_step", {0, 0, position}, -1);
  set_element(path, "/run/rival", {0, 0, position}, -1);
  set_element(path, "/run/reason", {0, 0, position}, 0);
  set_element(path, "/run/score", {0, 0, position}, std::nan(""));
  set_element(path, "/run/rival_score", {0, 0, position}, std::nan(""));
}

void drop(const fs::path& path, uint64_t position, int step) {
  keep(path, position);
  set_element(path, "/run/evict_step", {0, 0, position}, step);
  set_element(path, "/run/reason", {0, 0, position}, 5);
}

std::vector<Damage> damages() {
  using P = const fs::path&;
  const auto closed = &Samples::closed, full = &Samples::full, runs = &Samples::runs;
  return {
      {"root", "a uuid that is none", closed, [](P p) { set_attribute(p, "/", "uuid", "none"); }},
      {"root", "no UTC time", full, [](P p) { set_attribute(p, "/", "created", "yesterday"); }},
      {"root", "a newer version", runs, [](P p) { set_attribute(p, "/", "format_version", 9); }},
      {"complete", "not finished", closed, [](P p) { set_attribute(p, "/", "complete", 0); }},
      {"structure", "an array is missing", closed,
       [](P p) { testing::remove_object(p, "/loss/nll"); }},
      {"structure", "an array of the run is missing", runs,
       [](P p) { testing::remove_object(p, "/runs/1/rival"); }},
      {"structure", "an array of the analysis is missing", &Samples::analysis,
       [](P p) { testing::remove_object(p, "/profile/band"); }},
      {"structure", "logits without their tokens", &Samples::logits,
       [](P p) { testing::remove_object(p, "/tokens/id"); }},
      {"manifest", "no hash of the model", closed,
       [](P p) { set_attribute(p, "/model", "sha256", ""); }},
      {"manifest", "an option is missing", runs,
       [](P p) { set_attribute(p, "/runs/0", "policy", "treekv:capacity=12,sinks=2,recent=6"); }},
      {"manifest", "another budget than the policy's", closed,
       [](P p) { set_attribute(p, "/run", "budget", 21); }},
      {"manifest", "other positions than the policy's", closed,
       [](P p) { set_attribute(p, "/run", "positions", "original"); }},
      {"manifest", "no transform", &Samples::analysis,
       [](P p) { set_attribute(p, "/profile", "transform", ""); }},
      {"uuid link", "the run names another trace", closed,
       [](P p) { set_attribute(p, "/run", "trace_uuid", "other"); }},
      {"uuid link", "a run names another trace than the file", runs,
       [](P p) { set_attribute(p, "/runs/1", "trace_uuid", "other"); }},
      {"tokens", "an id beyond the vocabulary", full,
       [](P p) { set_element(p, "/tokens/id", {3}, 1e6); }},
      {"losses", "negative", full, [](P p) { set_element(p, "/loss/nll", {5}, -1); }},
      {"losses", "one of the first token", full, [](P p) { set_element(p, "/loss/nll", {0}, 1); }},
      {"value rows", "not a number", full,
       [](P p) {
         set_element(p, "/value/value", {0, 1, 7, 2}, std::nan(""));
       }},
      {"value rows", "an infinite key", full,
       [](P p) {
         set_element(p, "/key/key", {1, 0, 7, 2}, INFINITY);
       }},
      {"rows of p", "sums to more", full,
       [](P p) {
         set_element(p, "/attention/weight", {1, 2, 50, 10}, 0.9);
       }},
      {"rows of p", "negative", full,
       [](P p) {
         set_element(p, "/attention/weight", {0, 0, 1, 0}, -1e-4);
       }},
      {"absent rows", "a weight of what had left", closed,
       [](P p) {
         set_element(p, "/attention/weight", {0, 0, 89, gone(p, 3)}, 0);
       }},
      {"absent rows", "no weight of a sink", closed,
       [](P p) {
         set_element(p, "/attention/weight", {0, 0, 89, 0}, std::nan(""));
       }},
      {"absent rows", "a weight of what is to come", full,
       [](P p) {
         set_element(p, "/attention/weight", {0, 0, 5, 6}, 0);
       }},
      {"reductions", "another rest", closed,
       [](P p) {
         set_element(p, "/attention/rest", {0, 0, 60}, 0.99);
       }},
      {"reductions", "a top weight of another position", closed,
       [](P p) {
         set_element(p, "/attention/topk_position", {0, 0, 60, 0}, 60);
       }},
      {"reductions", "a top weight of a position that no text has", closed,
       [](P p) {
         set_element(p, "/attention/topk_position", {0, 0, 60, 0}, 1 << 30);
       }},
      {"reductions", "a pool of more mass", closed,
       [](P p) {
         set_element(p, "/attention/pool_sum", {0, 0, 60, 0}, 0.9);
       }},
      {"reductions", "more entropy than a row can have", closed,
       [](P p) {
         set_element(p, "/attention/entropy", {0, 0, 60}, 9);
       }},
      {"pyramid", "another sum", full,
       [](P p) {
         set_element(p, "/pyramid/1/sum", {1, 3, 5, 2}, 3);
       }},
      {"pyramid", "a sample missing where counts follow from the steps", full,
       [](P p) {
         set_element(p, "/attention/weight", {1, 3, 20, 2}, std::nan(""));
       }},
      {"pyramid", "another maximum", full,
       [](P p) {
         set_element(p, "/pyramid/1/max", {0, 0, 0, 0}, 0.5);
       }},
      {"pyramid", "another count", closed,
       [](P p) {
         set_element(p, "/pyramid/1/count", {0, 0, 9, 1}, 3);
       }},
      {"time order", "left before it came", closed,
       [](P p) {
         set_element(p, "/run/evict_step", {0, 0, gone(p, 20)}, 1);
       }},
      {"time order", "lost to one that had left", runs,
       [](P p) {
         set_element(p, "/runs/0/rival", {0, 0, gone(p, 30, "/runs/0")},
                     static_cast<double>(gone(p, 0, "/runs/0")));
       }},
      {"rows = budget", "one row more", closed, [](P p) { keep(p, gone(p, 4)); }},
      {"rows = budget", "one row less", closed,
       [](P p) {
         // of the rows that stayed, one that nothing lost to
         std::set<uint64_t> rivals;
         for (uint64_t position = 0; position < kTokens; ++position)
           rivals.insert(static_cast<uint64_t>(element(p, "/run/rival", {0, 0, position})));
         for (uint64_t position = 30; position < kTokens; ++position)
           if (element(p, "/run/evict_step", {0, 0, position}) < 0 && !rivals.contains(position))
             return drop(p, position, kTokens - 1);
       }},
      {"protected", "a sink left", closed, [](P p) { drop(p, 1, 60); }},
      {"protected", "a recent row left", closed, [](P p) { drop(p, 88, 89); }},
      {"coverage", "a lane that nothing left", closed,
       [](P p) {
         for (uint64_t position = 0; position < kTokens; ++position) keep(p, position);
       }},
      {"identity", "a row left though there was room", &Samples::fits,
       [](P p) { drop(p, 10, 70); }},
      {"reasons", "a loser with the higher score", closed,
       [](P p) {
         set_element(p, "/run/score", {0, 0, gone(p, 5)}, 9);
       }},
      {"reasons", "a tie of different scores", closed,
       [](P p) {
         set_element(p, "/run/reason", {0, 0, gone(p, 5)}, 4);
       }},
      {"position map", "more ranks than the model has places", closed,
       [](P p) { set_attribute(p, "/model", "context_length", 20); }},
      {"position map", "more tokens than the model has places", full,
       [](P p) { set_attribute(p, "/model", "context_length", 89); }},
      {"record", "another rival, and with it other levels", closed,
       [](P p) {
         set_element(p, "/run/rival", {0, 0, gone(p, 9)}, 0);
       }},
      {"record", "another score", closed,
       [](P p) {
         set_element(p, "/run/score", {0, 0, gone(p, 9)}, 1e-9);
       }},
      {"record", "another victim", closed,
       [](P p) {
         const uint64_t victim = gone(p, 9);
         const auto rival = static_cast<uint64_t>(element(p, "/run/rival", {0, 0, victim}));
         const double step = element(p, "/run/evict_step", {0, 0, victim});
         keep(p, victim);
         drop(p, rival, static_cast<int>(step));
       }},
      {"record", "another rival in an open loop", runs,
       [](P p) {
         set_element(p, "/runs/0/rival", {0, 0, gone(p, 9, "/runs/0")}, 0);
       }},
      {"memory", "fewer bytes than the rows take", closed,
       [](P p) { set_attribute(p, "/run", "kv_bytes", 1000); }},
      {"memory", "more bytes than a bounded cache needs", closed,
       [](P p) { set_attribute(p, "/run", "kv_bytes", 1'000'000'000); }},
      {"numbers", "more than all of the attention", runs,
       [](P p) {
         set_element(p, "/runs/0/numbers/retained_mass", {0, 0, 0}, 2);
       }},
      {"numbers", "an impossible cosine", runs,
       [](P p) {
         set_element(p, "/runs/2/numbers/cosine", {0, 0, 1}, -3);
       }},
  };
}

class AuditOfDamage : public ::testing::TestWithParam<Damage> {};

TEST_P(AuditOfDamage, TurnsItsCheckRed) {
  const Damage& damage = GetParam();
  const TemporaryFolder folder;
  const fs::path path = folder / "damaged.h5";
  fs::copy_file(samples().*damage.sample, path);
  const fs::path trace = damage.sample == &Samples::runs ? samples().full : fs::path();
  EXPECT_EQ(finding(audit_of(path, trace), damage.check).outcome, Outcome::Good);
  damage.apply(path);
  const Audit audit = audit_of(path, trace);
  EXPECT_EQ(finding(audit, damage.check).outcome, Outcome::Bad)
      << finding(audit, damage.check).detail << "\nothers:\n"
      << red_ones(audit);
  EXPECT_FALSE(audit.ok());
}

INSTANTIATE_TEST_SUITE_P(Table, AuditOfDamage, ::testing::ValuesIn(damages()));

// The two that only a running cache can show are turned red in tests/model/live_audit_test.cpp.
TEST(Audit, EveryCheckOfTheTableCanTurnRed) {
  std::set<std::string> red{"alignment", "RoPE relativity"};
  for (const Damage& damage : damages()) red.insert(damage.check);
  for (const Check& check : audit_of(samples().full).checks)
    EXPECT_TRUE(red.contains(check.name)) << check.name;
}

TEST(Audit, AnotherTraceThanTheRunsNameIsSaid) {
  const Audit audit = audit_of(samples().runs, samples().closed);
  EXPECT_EQ(finding(audit, "uuid link").outcome, Outcome::Bad);
  EXPECT_EQ(finding(audit, "record").outcome, Outcome::NotApplicable);
}

TEST(Audit, FindingsOfARunningModelComeIn) {
  Audit audit{.subject = "a",
              .checks = {{"one", "", good("file")},
                         {"two", "", not_applicable("why")},
                         {"three", "", good("file")}}};
  const std::vector<Check> others{{"one", "", good("run")},
                                  {"two", "", good("run")},
                                  {"three", "", bad("run")},
                                  {"four", "", not_applicable("why")}};
  merge(audit, others);
  EXPECT_EQ(finding(audit, "one").detail, "file; running: run");
  EXPECT_EQ(finding(audit, "two").detail, "run");
  EXPECT_EQ(finding(audit, "three").outcome, Outcome::Bad);
  EXPECT_EQ(finding(audit, "four").outcome, Outcome::NotApplicable);
}

}  // namespace
}  // namespace dendrokv
