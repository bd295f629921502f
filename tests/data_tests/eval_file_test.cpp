// Evaluations in a file: what was written comes back, also of a run that was stopped; what is not
// one is refused.

#include "data/eval_file.h"

#include <cmath>
#include <csignal>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "data/error.h"
#include "data/hdf5.h"
#include "data/runs_file.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::TemporaryFolder;

EvalText scored_text(const std::string& name, uint32_t tokens, std::optional<uint32_t> reference) {
  std::vector<int32_t> ids;
  for (uint32_t t = 0; t < tokens; ++t) ids.push_back(static_cast<int32_t>(3 * t + 1));
  EvalText text = unscored_text(name, ids, 2, reference);
  text.reached = tokens;
  text.seconds = 1.5;
  for (size_t policy = 0; policy < 2; ++policy) {
    for (uint32_t t = 1; t < tokens; ++t) {
      text.nll(policy, t) = 0.5f * static_cast<float>(policy + t);
      text.top1(policy, t) = static_cast<int32_t>(policy + t);
      if (reference) text.kl(policy, t) = 0.25f * static_cast<float>(policy);
    }
    text.cache[policy] = {90, 100 + policy, 2000, 30000, 400000};
  }
  return text;
}

SpanTable spans_of_policies() {
  SpanTable table;
  table.spans = {{"system", 0, 2}, {"question \"quoted\"", 2, 3}};
  table.steps = {Step(1), Step(3), Step(4)};
  for (size_t policy = 0; policy < 2; ++policy) {
    SpanSurvival found;
    found.lane_kind = policy == 0 ? LaneKind::PerKvHead : LaneKind::PerLayer;
    found.layers = 2;
    found.lanes = policy == 0 ? 3 : 1;
    found.kept = Grid<float>(2, 3, 0.5f);
    found.quantiles = Grid<float>(2 * kSpanQuantiles.size(), 3, 0.25f);
    found.quantiles(7, 2) = 0.75f;
    found.held_until.assign(2 * found.layers * found.lanes, -1);
    found.held_until.back() = 4;
    table.policies.push_back(std::move(found));
  }
  return table;
}

NeedleTable some_needles() {
  NeedleTable table{{{.depth = 1,
                      .question_first = 3,
                      .answer_first = 4,
                      .answer_end = 5,
                      .subject = "Bandorf",
                      .answer = "lamp"}},
                    Grid<float>(2, 1, 0.75f),
                    Grid<int32_t>(2, 1, 1),
                    Grid<float>(2, 1, 0.125f)};
  table.found(1, 0) = 0;
  return table;
}

EvalFile file_of(std::vector<EvalText> texts, std::optional<uint32_t> reference = std::nullopt) {
  EvalFile file;
  file.command_line = "dendrokv eval";
  file.model = {"tiny", "llama", "abc", 2, 9, 3, 16, 288, 512, 10000};
  file.arithmetic = "exact";
  file.protocol = "loss";
  file.seed = 7;
  file.scored_from = 2;
  file.policies = {"full", "treekv:capacity=4,sinks=1,recent=2"};
  file.reference = reference;
  file.texts = std::move(texts);
  return file;
}

void expect_equal(const EvalText& found, const EvalText& wanted) {
  const auto same = [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  EXPECT_EQ(found.name, wanted.name);
  EXPECT_EQ(found.ids, wanted.ids);
  EXPECT_EQ(found.reached, wanted.reached);
  EXPECT_EQ(found.seconds, wanted.seconds);
  EXPECT_TRUE(std::ranges::equal(found.nll.all(), wanted.nll.all(), same));
  EXPECT_TRUE(std::ranges::equal(found.kl.all(), wanted.kl.all(), same));
  EXPECT_TRUE(std::ranges::equal(found.top1.all(), wanted.top1.all()));
  EXPECT_EQ(found.cache, wanted.cache);
}

TEST(EvalFile, ReadsBackOneTextAtTheRoot) {
  const TemporaryFolder folder;
  EvalFile written = file_of({scored_text("novel.txt", 9, 0)}, 0);
  write_eval(folder / "e.h5", written);
  EXPECT_FALSE(std::filesystem::exists(folder / "e.h5.part"));
  EXPECT_EQ(sniff_file(folder / "e.h5"), FileKind::Eval);
  const EvalFile read = read_eval(folder / "e.h5");
  EXPECT_EQ(read.uuid, written.uuid);
  EXPECT_FALSE(read.uuid.empty());
  EXPECT_TRUE(read.complete);
  EXPECT_EQ(read.command_line, "dendrokv eval");
  EXPECT_EQ(read.model.sha256, "abc");
  EXPECT_EQ(read.model.vocabulary, 288u);
  EXPECT_EQ(read.arithmetic, "exact");
  EXPECT_EQ(read.protocol, "loss");
  EXPECT_EQ(read.seed, 7u);
  EXPECT_EQ(read.scored_from, 2u);
  EXPECT_EQ(read.policies, written.policies);
  EXPECT_EQ(read.reference, 0u);
  ASSERT_EQ(read.texts.size(), 1u);
  expect_equal(read.texts[0], written.texts[0]);
  // What the contract promises to other programs.
  const h5::File file = h5::File::open(folder / "e.h5");
  EXPECT_EQ(file.open_dataset("/nll").shape(), (h5::Shape{2, 9}));
  EXPECT_EQ(file.open_dataset("/tokens/id").shape(), (h5::Shape{9}));
  EXPECT_EQ(file.read_texts("/policy"), written.policies);
}

TEST(EvalFile, ReadsBackSeveralTextsInGroups) {
  const TemporaryFolder folder;
  EvalFile written = file_of({scored_text("a", 9, {}), scored_text("b", 4, {})});
  write_eval(folder / "e.h5", written);
  const EvalFile read = read_eval(folder / "e.h5");
  ASSERT_EQ(read.texts.size(), 2u);
  for (size_t text = 0; text < 2; ++text) expect_equal(read.texts[text], written.texts[text]);
  EXPECT_FALSE(read.reference.has_value());
  const h5::File file = h5::File::open(folder / "e.h5");
  EXPECT_EQ(file.open_dataset("/text/1/nll").shape(), (h5::Shape{2, 4}));
}

TEST(EvalFile, ReadsBackSpansAndNeedles) {
  const TemporaryFolder folder;
  EvalFile written = file_of({scored_text("a", 9, {})});
  written.texts[0].spans = spans_of_policies();
  written.texts[0].needles = some_needles();
  write_eval(folder / "e.h5", written);
  const EvalText text = read_eval(folder / "e.h5").texts[0];
  ASSERT_TRUE(text.spans && text.needles);
  EXPECT_EQ(text.spans->spans, written.texts[0].spans->spans);
  EXPECT_EQ(text.spans->steps, written.texts[0].spans->steps);
  for (size_t policy = 0; policy < 2; ++policy) {
    const SpanSurvival &found = text.spans->policies[policy],
                       &wanted = written.texts[0].spans->policies[policy];
    EXPECT_EQ(found.lane_kind, wanted.lane_kind);
    EXPECT_EQ(found.held_until, wanted.held_until);
    EXPECT_TRUE(std::ranges::equal(found.kept.all(), wanted.kept.all()));
    EXPECT_TRUE(std::ranges::equal(found.quantiles.all(), wanted.quantiles.all()));
  }
  EXPECT_EQ(text.needles->needles, some_needles().needles);
  EXPECT_EQ(text.needles->found(0, 0), 1);
  EXPECT_EQ(text.needles->found(1, 0), 0);
  EXPECT_EQ(text.needles->held(1, 0), 0.125f);
}

TEST(EvalFile, AStoppedRunIsInThePartFileAndReadWhenAskedFor) {
  const TemporaryFolder folder;
  EvalFile written = file_of({scored_text("a", 9, {}), unscored_text("b", {1, 2, 3}, 2, {})});
  written.complete = false;
  write_eval(folder / "e.h5", written);
  EXPECT_FALSE(std::filesystem::exists(folder / "e.h5"));
  EXPECT_THROW(read_eval(folder / "e.h5.part"), Error);
  const EvalFile read = read_eval(folder / "e.h5.part", Incomplete::TakeWhatIsThere);
  EXPECT_FALSE(read.complete);
  EXPECT_EQ(read.texts[0].reached, 9u);
  EXPECT_EQ(read.texts[1].reached, 0u);
  EXPECT_TRUE(std::isnan(read.texts[1].nll(1, 2)));
  EXPECT_EQ(read.texts[1].top1(1, 2), -1);
}

/// While it lives, files of this process end at so many bytes, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(EvalFile, AFullDiskLosesNoTextThatWasThere) {
  const TemporaryFolder folder;
  EvalFile file = file_of({scored_text("one", 5, 0)}, 0);
  file.complete = false;
  write_eval(folder / "e.h5", file);
  for (const bool complete : {false, true}) {
    file.complete = complete;
    const FullDisk disk(1000);
    EXPECT_THROW(write_eval(folder / "e.h5", file), Error);
  }
  EXPECT_EQ(read_eval(folder / "e.h5.part", Incomplete::TakeWhatIsThere).texts[0].reached, 5u);
  for (const char* left : {"e.h5", "e.h5.part.new"})
    EXPECT_FALSE(std::filesystem::exists(folder / left)) << left;
}

TEST(EvalFile, RowsOfLanesComeBackWithTheirPolicies) {
  const TemporaryFolder folder;
  EvalFile file = file_of({scored_text("one", 5, 0)}, 0);
  file.lane_budgets = {std::nullopt, BudgetMap{2, 3, {9, 8, 7, 6, 5, 4}}};
  write_eval(folder / "e.h5", file);
  EXPECT_EQ(read_eval(folder / "e.h5").lane_budgets, file.lane_budgets);
}

TEST(EvalFile, WhatIsNotOneIsRefusedByName) {
  const TemporaryFolder folder;
  write_runs(folder / "r.h5", {});
  EXPECT_THROW(read_eval(folder / "r.h5"), Error);
  EXPECT_THROW(read_eval(folder / "missing.h5"), Error);
  EvalFile written = file_of({scored_text("a", 9, 0)}, 0);
  written.reference = 2;
  written.policies.emplace_back("third");
  EXPECT_THROW(
      {
        write_eval(folder / "e.h5", written);
        read_eval(folder / "e.h5");
      },
      Error);  // losses of two policies, names of three
}

}  // namespace
}  // namespace dendrokv
