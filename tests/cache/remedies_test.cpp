// What would have kept a row (cache/remedies.h), by brute force: the policy runs again with the
// change, and the row must stay.

#include "cache/remedies.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <memory>
#include <string>

#include "cache/lane_inputs.h"
#include "tests/cache/lane_run.h"

namespace dendrokv::testing {
namespace {

constexpr uint32_t kTokens = 70;
constexpr Layer kLayer{0};
constexpr Lane kLane{0};

struct Case {
  const char* policy;
  uint32_t values = 0;  // of the weights, as random_weight() says: few, so that ties happen
};

void PrintTo(const Case& of, std::ostream* out) {
  *out << of.policy << (of.values > 0 ? " with ties" : "");
}

dendrokv::Run recorded(const PolicyChoice& choice, const LaneRun& lane) {
  dendrokv::Run run;
  run.policy = choice.text();
  run.budget = choice.shape().budget;
  run.sinks = choice.shape().sinks;
  run.recent = choice.shape().recent;
  run.retention = Retention(1, 1, kTokens);
  for (const Eviction& eviction : lane.all) run.retention.record(kLayer, kLane, eviction);
  return run;
}

std::string budget_key(const PolicyChoice& choice) {
  const auto row = std::ranges::find_if(policy_table(), [&](const PolicyRow& candidate) {
    return candidate.spec.name == choice.spec().name();
  });
  return std::string(row->budget_key);
}

PolicyChoice with(const PolicyChoice& choice, const std::string& key, const std::string& value) {
  Spec spec = choice.spec();
  spec.set(key, value);
  return PolicyChoice(spec.text());
}

/// Keeps `rows` more at cuts that come when those of the recorded policy come.
PolicyChoice with_rows(const PolicyChoice& choice, uint64_t rows) {
  const std::string key = budget_key(choice);
  PolicyChoice more = with(choice, key, std::to_string(choice.spec().count(key) + rows));
  if (!choice.spec().has("every") || choice.spec().count("every") <= 1) return more;
  const uint64_t every = choice.spec().count("every");
  return with(more, "every", std::to_string(every > rows ? every - rows : kTokens));
}

class Remedies : public ::testing::TestWithParam<Case> {
 protected:
  using Change = std::function<void(LaneView&)>;
  enum class Calls { Once, SkipFirstDuel, TwiceAtTheEnd };

  PolicyChoice choice_{GetParam().policy};
  RowWeights weights_ = random_weights(11, GetParam().values);
  LaneRun lane_ = run_lane(choice_, kTokens, weights_);
  dendrokv::Run run_ = recorded(choice_, lane_);

  /// Who `other` would drop at a step, having seen what the recorded policy did until then.
  std::vector<Position> dropped_by(const PolicyChoice& other, Step last, const Change& change = {},
                                   Calls calls = Calls::Once) const {
    const std::unique_ptr<Policy> policy = choice_.make(), watcher = other.make();
    LaneInputs inputs(choice_.shape(), 1, kSyntheticHeadDim, 16);
    SlotTable table(choice_.shape().scores);
    for (Step step;; step = step.next()) {
      const Position newest(step.value);
      const std::vector<float> value = synthetic_row(7, SyntheticRow::Value, newest);
      table.append(newest);
      inputs.append(synthetic_row(7, SyntheticRow::Key, newest), value, euclidean_norm(value));
      const std::vector<float> query = synthetic_row(7, SyntheticRow::Query, newest);
      inputs.add_queries(step, {query.data(), 1, query.size()});
      const std::vector<float> given = weights_(step, table.positions());
      if (choice_.shape().scores == ScoreUse::Sums) table.add_weights(given);
      inputs.add_weights(given);
      LaneView view = table.view(kLayer, kLane, step, table.size(), given);
      inputs.complete(view);
      if (step == last) {
        if (change) change(view);
        if (calls == Calls::TwiceAtTheEnd) watcher->step(view);
        std::vector<Position> dropped;
        for (const Decision& decision : watcher->step(view))
          dropped.push_back(view.position[decision.victim.index()]);
        return dropped;
      }
      std::vector<Slot> victims;
      for (const Decision& decision : policy->step(view)) victims.push_back(decision.victim);
      const bool skip = calls == Calls::SkipFirstDuel && victims.size() == 1;
      if (skip) calls = Calls::Once;
      if (!skip) watcher->step(view);
      inputs.evict(victims);
      table.evict(victims);
    }
  }

  bool drops(const std::vector<Position>& dropped, Position position) const {
    return std::ranges::count(dropped, position) > 0;
  }

  void expect_kept_from_the_start(const Eviction& eviction, const Remedy& remedy) const {
    const bool sinks = remedy.kind == Remedy::Kind::Sinks;
    const PolicyChoice other =
        with(choice_, sinks ? "sinks" : "recent", std::to_string(std::llround(remedy.amount)));
    for (const Eviction& again : run_lane(other, kTokens, weights_).all) {
      if (again.victim != eviction.victim) continue;
      EXPECT_TRUE(!sinks && again.step > eviction.step) << "left at " << again.step.value;
    }
  }

  void expect_kept_by_rows(const Eviction& eviction, uint64_t rows, bool by_rank) const {
    EXPECT_FALSE(drops(dropped_by(with_rows(choice_, rows), eviction.step), eviction.victim));
    // Its scores are places.
    const bool ties = GetParam().values > 0 || choice_.spec().name() == "lagkv";
    if (rows == 1 || !by_rank || ties) return;
    EXPECT_TRUE(drops(dropped_by(with_rows(choice_, rows - 1), eviction.step), eviction.victim));
  }

  void expect_kept_by_score(const Eviction& eviction, double margin) const {
    const std::string_view name = choice_.spec().name();
    const double more = margin * (1 + 1e-6) + 1e-6;  // the record rounds scores to floats
    std::vector<double> sums;
    std::vector<float> last;
    const auto raise = [&](LaneView& view) {
      sums.assign(view.weight_sum.begin(), view.weight_sum.end());
      last.assign(view.last_weight.begin(), view.last_weight.end());
      const auto slot = static_cast<size_t>(std::ranges::find(view.position, eviction.victim) -
                                            view.position.begin());
      if (name == "tova") last[slot] += static_cast<float>(more);
      if (name == "h2o") sums[slot] += more;
      if (name == "h2o-avg" || name == "treekv") sums[slot] += more * view.steps(slot);
      view.weight_sum = sums;
      view.last_weight = last;
    };
    EXPECT_FALSE(drops(dropped_by(choice_, eviction.step, raise), eviction.victim));
  }

  bool means_are_compared() const {
    const Spec& spec = choice_.spec();
    const std::string_view name = spec.name();
    return name == "h2o" || name == "h2o-avg" || name == "tova" ||
           (name == "treekv" && spec.choice("score") == "mean" &&
            spec.choice("origin") == "insertion" && spec.count("prompt") == 0);
  }

  void expect_true(const Eviction& eviction, const Remedy& remedy, bool by_rank) const {
    const Step step = eviction.step;
    const bool tree = choice_.spec().name() == "treekv";
    switch (remedy.kind) {
      case Remedy::Kind::Sinks:
      case Remedy::Kind::Recent:
        return expect_kept_from_the_start(eviction, remedy);
      case Remedy::Kind::Rows:
        return expect_kept_by_rows(eviction, static_cast<uint64_t>(remedy.amount), by_rank);
      case Remedy::Kind::Tie: {
        const std::string other = choice_.spec().choice("tie") == "left" ? "right" : "left";
        EXPECT_FALSE(drops(dropped_by(with(choice_, "tie", other), step), eviction.victim));
        return;
      }
      case Remedy::Kind::Cursor:
        ASSERT_TRUE(tree);
        if (choice_.spec().choice("cursor") == "printed") return;  // moves by two
        EXPECT_FALSE(
            drops(dropped_by(choice_, step, {},
                             remedy.amount > 0 ? Calls::TwiceAtTheEnd : Calls::SkipFirstDuel),
                  eviction.victim));
        return;
      case Remedy::Kind::Score:
        if (means_are_compared()) expect_kept_by_score(eviction, remedy.amount);
    }
  }
};

TEST_P(Remedies, KeepTheRow) {
  ASSERT_FALSE(lane_.all.empty());
  const bool follows = choice_.make()->can_follow_a_record();
  for (const Eviction& eviction : lane_.all) {
    // The same step, the same departure: the replay itself is right.
    ASSERT_TRUE(!follows || drops(dropped_by(choice_, eviction.step), eviction.victim));
    const auto remedies = what_would_have_kept(run_, kLayer, kLane, eviction.victim);
    const bool by_rank = std::ranges::count(remedies, Remedy::Kind::Score, &Remedy::kind) > 0 &&
                         choice_.spec().name() != "geo-topk";
    for (const Remedy& remedy : remedies) {
      const bool at_this_step =
          remedy.kind != Remedy::Kind::Sinks && remedy.kind != Remedy::Kind::Recent;
      if (at_this_step && !follows) continue;
      SCOPED_TRACE("position " + std::to_string(eviction.victim.value) + ", step " +
                   std::to_string(eviction.step.value) + ": " + remedy_text(remedy));
      expect_true(eviction, remedy, by_rank);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Policies, Remedies,
    ::testing::Values(
        Case{"treekv:capacity=8,sinks=2,recent=4"}, Case{"treekv:capacity=8,sinks=2,recent=4", 3},
        Case{"treekv:capacity=8,sinks=0,recent=0,tie=right", 2},
        Case{"treekv:capacity=2,sinks=2,recent=4"}, Case{"treekv:capacity=2,sinks=0,recent=0"},
        Case{"treekv:capacity=8,sinks=2,recent=4,cursor=printed", 3},
        Case{"treekv:capacity=8,sinks=2,recent=4,scope=4", 3},
        Case{"treekv:capacity=8,sinks=2,recent=4,score=keep-left"},
        Case{"treekv:capacity=8,sinks=2,recent=4,pick=random"},
        Case{"treekv:capacity=12,sinks=2,recent=4,prompt=40,block=4"},
        Case{"h2o:capacity=8,sinks=2,recent=4"}, Case{"h2o:capacity=8,sinks=2,recent=4", 2},
        Case{"h2o-avg:capacity=8,sinks=2,recent=4,tie=right", 2}, Case{"tova:capacity=12"},
        Case{"tova:capacity=12", 3}, Case{"snapkv:capacity=12,recent=4,every=6"},
        Case{"snapkv:capacity=12,recent=4,every=6,pool=none", 2},
        Case{"snapkv:capacity=12,recent=4,prompt=40,every=0"},
        Case{"pyramidkv:capacity=12,recent=4,every=6"},
        Case{"geo-topk:capacity=12,recent=4,every=6,chunks=3"},
        Case{"norm-sum-blocks:capacity=16,sinks=4,recent=4,block=4"},
        Case{"r-kv:capacity=12,recent=4,every=6"}, Case{"knorm:capacity=12,skip=0"},
        Case{"keydiff:capacity=12,every=6"},
        Case{"lagkv:capacity=12,sinks=2,recent=4,every=6,lag=3"},
        Case{"expected-attention:capacity=12,sinks=2,every=6"}, Case{"streaming:sinks=2,recent=10"},
        Case{"sliding:capacity=12"}, Case{"random:capacity=8,sinks=2,recent=4"},
        Case{"context-shift:budget=12,sinks=2"}, Case{"lacache:budget=24"}));

// --- records as they are in files
// -----------------------------------------------------------------------------------------------

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

std::string remedies(const dendrokv::Run& run, uint32_t position) {
  std::string text;
  for (const Remedy& remedy : what_would_have_kept(run, kLayer, kLane, Position(position)))
    text += (text.empty() ? "" : "; ") + remedy_text(remedy);
  return text;
}

/// A tree of 4, nothing protected: of 0 and 1 the second leaves by a quarter, of 2 and 3 the first,
/// as their scores are equal.
dendrokv::Run two_duels(const std::string& policy) {
  dendrokv::Run run;
  run.policy = policy;
  run.budget = 4;
  run.retention = Retention(1, 1, 6);
  run.retention.record(kLayer, kLane, {Position(1), Step(4), 0, 0.25f, 0.5f, Reason::Lost});
  run.retention.record(kLayer, kLane, {Position(2), Step(5), 3, 0.25f, 0.25f, Reason::Tie});
  return run;
}

TEST(RecordedRemedies, AreReadFromTheRecord) {
  const dendrokv::Run run = two_duels("treekv:capacity=4,sinks=0,recent=0");
  EXPECT_EQ(remedies(run, 1),
            "sinks >= 2; recent >= 4; 1 row more; a score higher by more than 0.25");
  EXPECT_EQ(remedies(run, 2),
            "sinks >= 3; recent >= 4; 1 row more; the other tie rule; the cursor one row further "
            "on; a score higher by more than 0");
  EXPECT_EQ(remedies(run, 3), "");
}

TEST(RecordedRemedies, NoCursorWhereThePlaceIsDrawn) {
  EXPECT_EQ(remedies(two_duels("treekv:capacity=4,sinks=0,recent=0,pick=random"), 2),
            "sinks >= 3; recent >= 4; 1 row more; the other tie rule; a score higher by more than "
            "0");
}

// Of another program, or a later version.
TEST(RecordedRemedies, OfAnUnknownPolicyFollowFromTheRecordAlone) {
  EXPECT_EQ(remedies(two_duels("forest:sinks=0"), 2),
            "sinks >= 3; 1 row more; the other tie rule; a score higher by more than 0");
}

TEST(RecordedRemedies, OfOneOfManyThatLeftByRule) {
  dendrokv::Run run;
  run.policy = "context-shift";
  run.retention = Retention(1, 1, 6);
  for (const uint32_t position : {1u, 2u})
    run.retention.record(kLayer, kLane,
                         {Position(position), Step(4), -1, kNone, kNone, Reason::Rule});
  EXPECT_EQ(remedies(run, 1), "2 rows more");
}

}  // namespace
}  // namespace dendrokv::testing
