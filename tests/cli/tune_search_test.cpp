// The search of tune over a bench of made-up losses: stopped anywhere and resumed it ends in the
// same bytes, each loss is measured once, and held-out pieces decide.

#include "cli/tune_search.h"

#include <functional>
#include <gtest/gtest.h>

#include "cache/policies.h"
#include "data/error.h"
#include "data/hdf5.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::read_text;
using testing::TemporaryFolder;

uint64_t ten_bytes_a_row(const PolicyChoice& policy) {
  return 10 * policy.shape().budget;
}

TuneSettings some_settings() {
  TuneSettings settings(
      parse_space("test", "policy treekv\nsinks 1\nrecent 1/8 1/4 1/2\nscope 2 4 8 16\n"), 1280,
      ten_bytes_a_row);
  settings.add_space("test");
  settings.add_candidate("streaming:sinks=2,budget=100");
  return settings;
}

using LossOf = std::function<double(const PolicyChoice& policy, size_t piece)>;

/// `calls` may be made before it says that it was stopped.
class MadeUpBench : public TuneBench {
 public:
  MadeUpBench(std::string name, size_t pieces, LossOf loss, size_t& calls)
      : name_(std::move(name)), pieces_(pieces), loss_(std::move(loss)), calls_(calls) {}
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (size_t piece = 0; piece < pieces_; ++piece)
      names.push_back(name_ + " " + std::to_string(piece));
    return names;
  }
  std::string fingerprint() const override { return name_; }
  bool measure(std::span<const PolicyChoice> policies, size_t piece, const Progress&,
               std::span<double> losses) override {
    if (calls_ == 0) return false;
    --calls_;
    for (size_t i = 0; i < policies.size(); ++i) losses[i] = loss_(policies[i], piece);
    measured += policies.size();
    return true;
  }
  size_t measured = 0;

 private:
  std::string name_;
  size_t pieces_;
  LossOf loss_;
  size_t& calls_;
};

/// A scope of 8 is best by 0.1; pieces differ by more than that, and all by some noise that depends
/// on spec and piece alone.
double scope_of_eight(const PolicyChoice& policy, size_t piece) {
  const std::string text = policy.text();
  const bool eight = text.find("scope=8") != std::string::npos;
  const size_t noise = std::hash<std::string>{}(text + std::to_string(piece)) % 1000;
  return 3 + 0.5 * static_cast<double>(piece % 5) - (eight ? 0.1 : 0) +
         2e-5 * static_cast<double>(noise);
}

struct Found {
  bool whole = false;
  size_t measured = 0;  // settings times pieces, in this run
  TuneFile file;
};

Found search(const std::filesystem::path& output, size_t calls,
             const std::string& method = "halving", const LossOf& held_out_loss = scope_of_eight) {
  const TunePlan plan{.method = method,
                      .local = 1,
                      .finalists = 3,
                      .baseline = "treekv:sinks=1,recent=64,budget=128",
                      .output = output};
  Session session;
  session.verbosity = Verbosity::Quiet;
  TuneSettings settings = some_settings();
  Found found;
  MadeUpBench chosen_on("chosen on", 16, scope_of_eight, calls),
      held_out("held out", 9, held_out_loss, calls);
  found.file.uuid = "00000000-0000-8000-8000-000000000000";
  found.file.created = "1970-01-01T00:00:00Z";
  found.file.objective = "loss";
  found.file.pieces_sha256 = chosen_on.fingerprint() + held_out.fingerprint();
  TuneSearch search(plan, session, settings, found.file);
  found.whole = search.run(chosen_on, held_out);
  found.measured = chosen_on.measured + held_out.measured;
  if (found.whole && !output.empty()) write_tune(output, found.file);
  return found;
}

constexpr size_t kAllCalls = 1000;

TEST(TuneSearch, StoppedAfterAnyPieceAndResumedItEndsInTheSameBytesAndMeasuresNothingTwice) {
  const TemporaryFolder folder;
  const Found at_once = search(folder / "one.h5", kAllCalls);
  ASSERT_TRUE(at_once.whole);
  const std::string bytes = read_text(folder / "one.h5");
  size_t stops = 0;
  for (size_t calls = 0;; ++calls, ++stops) {
    const auto path = folder / "stopped.h5";
    const Found before = search(path, calls);
    if (before.whole) break;
    EXPECT_FALSE(std::filesystem::exists(path));
    const Found after = search(path, kAllCalls);
    ASSERT_TRUE(after.whole);
    EXPECT_EQ(read_text(path), bytes) << "stopped after " << calls;
    EXPECT_EQ(before.measured + after.measured, at_once.measured);
    EXPECT_FALSE(std::filesystem::exists(path.string() + ".part"));
    std::filesystem::remove(path);
  }
  EXPECT_GT(stops, 25u);  // the held-out pieces are among them
}

TEST(TuneSearch, LossesOfOtherPiecesAreNotTakenOver) {
  const TemporaryFolder folder;
  ASSERT_FALSE(search(folder / "a.h5", 5).whole);
  TuneFile part = read_tune(folder / "a.h5.part", Incomplete::TakeWhatIsThere);
  part.pieces_sha256 = "of another text";
  part.complete = false;
  write_tune(folder / "a.h5", part);
  const Found after = search(folder / "a.h5", kAllCalls);
  EXPECT_EQ(after.measured, search({}, kAllCalls).measured);
}

TEST(TuneSearch, TheCostIsWhatWasMeasured) {
  for (const char* method : {"halving", "grid"}) {
    const Found found = search({}, kAllCalls, method);
    EXPECT_EQ(found.file.cost, found.measured) << method;
  }
  EXPECT_LT(search({}, kAllCalls, "halving").measured, search({}, kAllCalls, "grid").measured / 2);
}

TEST(TuneSearch, TheWinnerIsGivenWhereHeldOutPiecesAgree) {
  const Found found = search({}, kAllCalls);
  EXPECT_NE(found.file.spec.find("scope=8"), std::string::npos) << found.file.spec;
  EXPECT_NEAR(found.file.difference[1], -0.1, 0.02);  // twice the noise
  EXPECT_LT(found.file.upper[1], 0);
}

TEST(TuneSearch, TheBaselineIsGivenWhereHeldOutPiecesDisagree) {
  const auto nothing_gained = [](const PolicyChoice& policy, size_t piece) {
    return scope_of_eight(policy, piece) +
           (policy.text().find("scope=8") == std::string::npos ? 0 : 0.11);
  };
  const Found found = search({}, kAllCalls, "halving", nothing_gained);
  EXPECT_EQ(found.file.spec, PolicyChoice("treekv:sinks=1,recent=64,budget=128").text());
}

TEST(TuneSettings, ACandidateMayNotTakeMoreThanTheBudget) {
  TuneSettings settings = some_settings();
  EXPECT_NO_THROW(settings.add_candidate("h2o:budget=128,recent=64"));
  EXPECT_THROW(settings.add_candidate("h2o:budget=129,recent=64"), Error);
  EXPECT_THROW(settings.add_candidate("full"), Error);
  EXPECT_THROW(settings.add_candidate("h2p"), Error);
}

TEST(TuneSettings, EverySettingFillsTheBudgetOnce) {
  TuneSettings settings = some_settings();
  ASSERT_EQ(settings.size(), 13u);
  for (size_t setting = 0; setting + 1 < settings.size(); ++setting)
    EXPECT_EQ(settings.bytes(setting), 1280u) << settings.name(setting);
  EXPECT_EQ(settings.name(1), "sinks=1,recent=1/8,scope=4");
  EXPECT_EQ(settings.add_baseline(PolicyChoice("treekv:sinks=1,recent=16,scope=4,budget=128")), 1u);
  EXPECT_EQ(settings.add_baseline(PolicyChoice("treekv:sinks=4,recent=16,scope=4,budget=128")),
            13u);
  EXPECT_TRUE(settings.add_between(12).empty());  // a candidate has no neighbours
  EXPECT_EQ(settings.add_between(1).size(), 3u);  // a recent part and two scopes
}

TEST(PartPieces, EveryThirdIsHeldOutUnlessSomeAreNamed) {
  const PartedPieces own = part_pieces(9, 0, std::nullopt);
  EXPECT_EQ(own.chosen_on, (std::vector<size_t>{0, 1, 3, 4, 6, 7}));
  EXPECT_EQ(own.held_out, (std::vector<size_t>{2, 5, 8}));
  const PartedPieces named = part_pieces(4, 2, std::nullopt);
  EXPECT_EQ(named.chosen_on, (std::vector<size_t>{0, 1, 2, 3}));
  EXPECT_EQ(named.held_out, (std::vector<size_t>{0, 1}));
  const PartedPieces few = part_pieces(90, 0, 6);
  EXPECT_EQ(few.chosen_on.size(), 6u);
  EXPECT_EQ(few.held_out.size(), 2u);
  EXPECT_THROW(part_pieces(5, 0, std::nullopt), Error);
}

TEST(TuneSearch, TheFileKeepsTheRowsOfBudgetMaps) {
  const TemporaryFolder folder;
  const BudgetMap map{2, 1, {90, 100}};
  const auto path = folder / "map.txt";
  write_budget_map(path, map);
  const std::string mapped = "streaming:sinks=2,budget-map=" + path.string();
  TuneSettings settings = some_settings();
  settings.add_candidate(mapped);
  // Read once: a map that changes, or goes, is not that of the search any more.
  std::filesystem::remove(path);
  size_t calls = kAllCalls;
  const LossOf best_with_a_map = [](const PolicyChoice& policy, size_t piece) {
    EXPECT_EQ(policy.lane_budget().has_value(), policy.spec().has("budget-map"));
    return scope_of_eight(policy, piece) - (policy.lane_budget() ? 1 : 0);
  };
  MadeUpBench chosen_on("chosen on", 16, best_with_a_map, calls),
      held_out("held out", 9, best_with_a_map, calls);
  const TunePlan plan{.baseline = "treekv:sinks=1,recent=64,budget=128", .output = folder / "t.h5"};
  Session session;
  session.verbosity = Verbosity::Quiet;
  TuneFile file;
  TuneSearch search(plan, session, settings, file);
  ASSERT_TRUE(search.run(chosen_on, held_out));
  write_tune(folder / "t.h5", file);
  const TuneFile stored = read_tune(folder / "t.h5");
  EXPECT_EQ(stored.spec, mapped + ",positions=rank");
  size_t mapped_settings = 0;
  for (size_t setting = 0; setting < stored.settings.size(); ++setting) {
    if (!stored.lane_budget(setting)) continue;
    ++mapped_settings;
    EXPECT_EQ(stored.settings[setting], stored.spec);
    EXPECT_EQ(stored.lane_budget(setting), map);
  }
  EXPECT_EQ(mapped_settings, 1u);
}

TEST(TuneSearch, AFileWithoutBudgetMapsHasNoGroupForThem) {
  const TemporaryFolder folder;
  ASSERT_TRUE(search(folder / "a.h5", kAllCalls).whole);
  EXPECT_FALSE(h5::File::open(folder / "a.h5").has("/lane_budget"));
  EXPECT_TRUE(read_tune(folder / "a.h5").lane_budgets.empty());
}

}  // namespace
}  // namespace dendrokv
