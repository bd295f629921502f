// TreeKV against the paper's example, worked examples by hand, the laws of its passes, and a slow
// literal transcription.

#include <algorithm>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "cache/lane_inputs.h"
#include "cache/random_numbers.h"
#include "cache/treekv_prefill.h"
#include "tests/cache/lane_run.h"

namespace dendrokv::testing {
namespace {

PolicyChoice whole_tree(uint32_t capacity, const std::string& more = "") {
  return PolicyChoice("treekv:sinks=0,recent=0,capacity=" + std::to_string(capacity) + more);
}

/// "1 2 3 4": the cursor while nothing is protected.
std::string cursor_sequence(const PolicyChoice& choice, uint32_t evictions) {
  const auto capacity = static_cast<uint32_t>(choice.shape().budget);
  const LaneRun lane = run_lane(choice, capacity + evictions, random_weights(1));
  std::string text;
  for (const size_t cursor : cursors(lane, 0))
    text += (text.empty() ? "" : " ") + std::to_string(cursor);
  return text;
}

// --- the paper's figure 3
// -----------------------------------------------------------------------------------------------

TEST(TreeKv, SeventeenTokensInFourRows) {
  const auto final_cache = [](const std::string& more) {
    return run_lane(whole_tree(4, more), 17, random_weights(1)).cache();
  };
  EXPECT_EQ(final_cache(",score=keep-left"), "0 12 14 16");
  EXPECT_EQ(final_cache(",score=keep-right"), "11 13 15 16");
  EXPECT_EQ(final_cache(",score=keep-left,cursor=printed"), "0 13 15 16");
  EXPECT_EQ(final_cache(",score=keep-right,cursor=printed"), "12 14 15 16");
}

TEST(TreeKv, FirstEvictionOfKeepRightIsTheFirstToken) {
  const LaneRun lane = run_lane(whole_tree(4, ",score=keep-right"), 5, random_weights(1));
  ASSERT_TRUE(lane.evictions[4]);
  EXPECT_EQ(lane.evictions[4]->victim, Position(0));
  EXPECT_EQ(lane.evictions[4]->rival, 1);
}

TEST(TreeKv, CursorVisitsEveryRowInTurn) {
  EXPECT_EQ(cursor_sequence(whole_tree(4), 9), "1 2 3 4 1 2 3 4 1");
  EXPECT_EQ(cursor_sequence(whole_tree(2), 3), "1 2 1");
  EXPECT_EQ(cursor_sequence(whole_tree(5), 6), "1 2 3 4 5 1");
}

TEST(TreeKv, PrintedCursorSkipsOneRow) {
  EXPECT_EQ(cursor_sequence(whole_tree(4, ",cursor=printed"), 4), "1 3 1 3");
  EXPECT_EQ(cursor_sequence(whole_tree(5, ",cursor=printed"), 6), "1 3 5 2 4 1");
  EXPECT_EQ(cursor_sequence(whole_tree(6, ",cursor=printed"), 4), "1 3 5 1");
  EXPECT_EQ(cursor_sequence(whole_tree(7, ",cursor=printed"), 8), "1 3 5 7 2 4 6 1");
  EXPECT_EQ(cursor_sequence(whole_tree(2, ",cursor=printed"), 2), "1 1");
}

// --- worked examples
// -----------------------------------------------------------------------------------------------

struct WorkedStep {
  uint32_t step;
  uint32_t left, right;
  double left_mean, right_mean;
  uint32_t victim;
  std::string cache, levels;
};

void expect_step(const WorkedStep& wanted, const LaneRun& lane) {
  SCOPED_TRACE("step " + std::to_string(wanted.step));
  ASSERT_TRUE(lane.evictions[wanted.step]);
  const Eviction& found = *lane.evictions[wanted.step];
  const bool left_leaves = wanted.victim == wanted.left;
  EXPECT_EQ(found.victim, Position(wanted.victim));
  EXPECT_EQ(found.step, Step(wanted.step));
  EXPECT_EQ(found.rival, static_cast<int32_t>(left_leaves ? wanted.right : wanted.left));
  // 5e-7: the tables are printed with six decimals
  EXPECT_NEAR(found.score, left_leaves ? wanted.left_mean : wanted.right_mean, 5.1e-7);
  EXPECT_NEAR(found.rival_score, left_leaves ? wanted.right_mean : wanted.left_mean, 5.1e-7);
  EXPECT_EQ(found.reason, Reason::Lost);
  EXPECT_EQ(lane.cache(), wanted.cache);
  EXPECT_EQ(lane.levels(), wanted.levels);
}

void expect_worked_example(const PolicyChoice& choice, const std::vector<float>& attractions,
                           const std::vector<WorkedStep>& steps) {
  size_t next = 0;
  const auto tokens = static_cast<uint32_t>(attractions.size());
  run_lane(choice, tokens, attraction(attractions), [&](Step step, const LaneRun& lane) {
    if (next < steps.size() && steps[next].step == step.value)
      expect_step(steps[next++], lane);
    else
      EXPECT_FALSE(lane.evictions[step.index()]) << "step " << step.value;
  });
  EXPECT_EQ(next, steps.size());
}

const std::vector<float> kTwelve{5, 1, 3, 2, 4, 1, 2, 6, 1, 3, 2, 5};

TEST(TreeKv, WorkedExampleWithoutProtection) {
  expect_worked_example(whole_tree(4), kTwelve,
                        {{4, 0, 1, 0.635354, 0.108838, 1, "0 2 3 4", "1 0 0 0"},
                         {5, 2, 3, 0.251515, 0.149495, 3, "0 2 4 5", "1 1 0 0"},
                         {6, 4, 5, 0.266667, 0.066667, 5, "0 2 4 6", "1 1 1 0"},
                         {7, 6, 7, 0.116667, 0.300000, 6, "0 2 4 7", "1 1 1 1"},
                         {8, 0, 2, 0.484066, 0.216279, 2, "0 4 7 8", "2 1 1 0"},
                         {9, 4, 7, 0.236842, 0.310526, 4, "0 7 8 9", "2 2 0 0"},
                         {10, 8, 9, 0.054696, 0.167183, 8, "0 7 9 10", "2 2 1 0"},
                         {11, 10, 11, 0.106443, 0.238095, 10, "0 7 9 11", "2 2 1 1"}});
}

TEST(TreeKv, WorkedExampleEndsWithTheseSumsAndCounts) {
  const LaneRun lane = run_lane(whole_tree(4), 12, attraction(kTwelve));
  const LaneView view = lane.table.view(Layer(0), Lane(0), Step(11));
  const std::vector<double> sums{5.151963, 1.570234, 0.477222, 0.238095};
  for (size_t slot = 0; slot < 4; ++slot) EXPECT_NEAR(view.weight_sum[slot], sums[slot], 5.1e-7);
  const std::vector<uint32_t> counts{12, 5, 3, 1};
  for (size_t slot = 0; slot < 4; ++slot) EXPECT_EQ(view.steps(slot), counts[slot]);
}

TEST(TreeKv, WorkedExampleWithProtection) {
  expect_worked_example(PolicyChoice("treekv:sinks=1,recent=2,capacity=2"),
                        {5, 1, 3, 2, 4, 1, 2, 6, 1, 3},
                        {{5, 1, 2, 0.099571, 0.248390, 1, "0 2 3 4 5", "0 1 0 0 0"},
                         {6, 3, 4, 0.139450, 0.250654, 3, "0 2 4 5 6", "0 1 1 0 0"},
                         {7, 2, 4, 0.218815, 0.235609, 2, "0 4 5 6 7", "0 2 0 0 0"},
                         {8, 5, 6, 0.055394, 0.106049, 5, "0 4 6 7 8", "0 2 1 0 0"},
                         {9, 4, 6, 0.223907, 0.103347, 6, "0 4 7 8 9", "0 3 0 0 0"}});
}

TEST(TreeKv, ATieGoesToTheRuleAndSaysSo) {
  const RowWeights equal = [](Step, std::span<const Position> positions) {
    return std::vector<float>(positions.size(), 0.25f);
  };
  const auto first = [&](const std::string& more) {
    return *run_lane(whole_tree(2, more), 3, equal).evictions[2];
  };
  EXPECT_EQ(first("").victim, Position(0));
  EXPECT_EQ(first("").rival, 1);
  EXPECT_EQ(first(",tie=right").victim, Position(1));
  EXPECT_EQ(first(",tie=right").rival, 0);
  for (const std::string more : {"", ",tie=right"}) {
    EXPECT_EQ(first(more).reason, Reason::Tie);
    EXPECT_EQ(first(more).score, 0.25f);
    EXPECT_EQ(first(more).rival_score, 0.25f);
  }
}

TEST(TreeKv, KeepLeftAndKeepRightCompareNothingButNameTheRival) {
  for (const std::string score : {"keep-left", "keep-right"}) {
    const LaneRun lane = run_lane(whole_tree(2, ",score=" + score), 3, random_weights(1));
    const Eviction eviction = *lane.evictions[2];
    EXPECT_EQ(eviction.reason, Reason::Rule);
    EXPECT_TRUE(std::isnan(eviction.score) && std::isnan(eviction.rival_score));
    EXPECT_EQ(eviction.victim, Position(score == "keep-left" ? 1 : 0));
    EXPECT_EQ(eviction.rival, score == "keep-left" ? 0 : 1);
  }
}

// --- what a pass does
// -----------------------------------------------------------------------------------------------

/// Evictions number first .. first + count of a run without protection.
std::vector<Eviction> evictions_of(const LaneRun& lane, size_t first, size_t count) {
  std::vector<Eviction> all;
  for (const auto& eviction : lane.evictions)
    if (eviction) all.push_back(*eviction);
  return {all.begin() + static_cast<std::ptrdiff_t>(first),
          all.begin() + static_cast<std::ptrdiff_t>(first + count)};
}

TEST(TreeKv, OnePassComparesNeighboursOfTheSequenceOldThenNew) {
  for (const uint64_t seed : {1u, 2u, 3u})
    for (const uint32_t passes_before : {0u, 1u, 5u}) {
      const PolicyChoice choice = whole_tree(16);
      const uint32_t start = 16 + 16 * passes_before;
      const LaneRun before = run_lane(choice, start, random_weights(seed));
      std::vector<Position> sequence(before.table.positions().begin(),
                                     before.table.positions().end());
      for (uint32_t token = start; token < start + 16; ++token) sequence.push_back(Position(token));
      const LaneRun lane = run_lane(choice, start + 16, random_weights(seed));
      const auto evictions = evictions_of(lane, 16 * passes_before, 16);
      for (size_t pair = 0; pair < 16; ++pair) {
        const auto [left, right] =
            std::minmax({evictions[pair].victim, Position(evictions[pair].rival)});
        EXPECT_EQ(left, sequence[2 * pair]);
        EXPECT_EQ(right, sequence[2 * pair + 1]);
      }
    }
}

/// Level of each row after `passes` passes.
std::vector<int> levels_after(uint32_t capacity, uint32_t passes, uint64_t seed) {
  const LaneRun lane =
      run_lane(whole_tree(capacity), capacity * (1 + passes), random_weights(seed));
  std::map<int32_t, int> beaten;
  for (const auto& eviction : lane.evictions)
    if (eviction) ++beaten[eviction->rival];
  std::vector<int> levels;
  for (const Position position : lane.table.positions())
    levels.push_back(beaten[static_cast<int32_t>(position.value)]);
  return levels;
}

TEST(TreeKv, CensusAtPassEndsWhileTheTreeGrows) {
  for (const uint32_t capacity : {4u, 8u, 16u})
    for (uint32_t pass = 1; (1u << pass) <= capacity; ++pass) {
      std::map<int, uint32_t> wanted;
      for (uint32_t level = 1; level < pass; ++level)
        wanted[static_cast<int>(level)] = capacity >> level;
      wanted[static_cast<int>(pass)] += capacity >> (pass - 1);
      std::map<int, uint32_t> found;
      for (const int level : levels_after(capacity, pass, 11)) ++found[level];
      EXPECT_EQ(found, wanted) << "capacity " << capacity << ", pass " << pass;
    }
}

TEST(TreeKv, CensusAtPassEndsOfAGrownTree) {
  for (const uint32_t capacity : {4u, 8u, 16u}) {
    const int depth = std::countr_zero(capacity);
    for (uint32_t pass = static_cast<uint32_t>(depth) + 1; pass < 14; ++pass) {
      const std::vector<int> levels = levels_after(capacity, pass, 12);
      EXPECT_GT(levels[0], depth) << "the long-run champion";
      size_t slot = 1;
      for (int level = depth; level >= 1; --level)
        for (uint32_t count = 0; count < capacity >> level; ++count)
          EXPECT_EQ(levels[slot++], level) << "capacity " << capacity << ", pass " << pass;
      EXPECT_EQ(slot, capacity);
    }
  }
}

TEST(TreeKv, GenerationsHalveWhoeverWins) {
  constexpr uint32_t kCapacity = 16, kPasses = 9, kTokens = kCapacity * (1 + kPasses);
  for (const std::string more : {"", ",score=keep-left", ",score=keep-right", ",score=last"}) {
    const LaneRun lane = run_lane(whole_tree(kCapacity, more), kTokens, random_weights(5));
    std::vector<uint32_t> held(kPasses + 1);  // [generation], newest first
    for (const Position position : lane.table.positions())
      ++held[(kTokens - 1 - position.value) / kCapacity];
    for (uint32_t generation = 0; generation < 4; ++generation)
      EXPECT_EQ(held[generation], kCapacity >> (generation + 1)) << more;
  }
}

TEST(TreeKv, CensusOfLevelsDependsOnNoScore) {
  for (const std::string more : {",score=keep-left", ",score=keep-right", "", ",score=last"}) {
    constexpr uint32_t kCapacity = 32, kPasses = 8;
    const LaneRun lane =
        run_lane(whole_tree(kCapacity, more), kCapacity * (1 + kPasses), random_weights(13));
    std::map<int32_t, int> beaten;
    for (const Eviction& eviction : lane.all) ++beaten[eviction.rival];
    std::map<int, uint32_t> census;
    for (const Position position : lane.table.positions())
      ++census[beaten[static_cast<int32_t>(position.value)]];
    for (int level = 1; level <= 5; ++level)
      EXPECT_EQ(census[level], kCapacity >> level) << more << " level " << level;
  }
}

// --- a slow twin
// -----------------------------------------------------------------------------------------------

/// The algorithm as the paper prints it, on plain vectors with insert and erase, and the family
/// around it. idx counts from 1.
struct SlowTree {
  size_t capacity, sinks, recent;
  std::map<std::string, std::string> says;
  std::vector<uint32_t> token = {};
  std::vector<double> S = {}, C = {}, E = {}, F = {}, last = {}, norm = {};
  size_t idx = 1;

  std::string option(const std::string& key, const std::string& standard) const {
    return says.contains(key) ? says.at(key) : standard;
  }
  size_t K() const {
    const std::string scope = option("scope", "2");
    return scope == "all" ? capacity + 1 : std::stoul(scope);
  }

  double score(size_t row, uint32_t t) const {
    const std::string name = option("score", "mean");
    const double life = name == "sum" ? 0 : std::stod(option("life", "1"));
    if (name == "last") return last[row];
    if (name == "ema") return E[row] / F[row];
    if (name == "keep-left") return -static_cast<double>(row);
    if (name == "keep-right") return static_cast<double>(row);
    if (name == "random") return static_cast<double>(random_bits({1, 0, 0, t, token[row]}) >> 11);
    const double mean = life == 1 ? S[row] / C[row] : S[row] / std::pow(C[row], life);
    return name == "value" ? mean * norm[row] : mean;
  }

  size_t first_row(uint32_t t) const {
    const size_t places = capacity + 2 - K();
    if (option("pick", "cursor") == "random") return sinks + random_below(places, {1, 0, 0, t});
    if (option("pick", "cursor") != "gap") return sinks + idx - 1;
    size_t best = sinks;
    for (size_t first = sinks; first < sinks + places; ++first)
      if (token[first + K() - 1] - token[first] < token[best + K() - 1] - token[best]) best = first;
    return best;
  }

  void move_cursor() {
    const size_t end = capacity + 2 - K();
    if (option("cursor", "advance") == "printed") {
      idx = (idx + 1) % capacity + 1;
      return;
    }
    const size_t stride = option("stride", "1") == "pass" ? K() - 1 : 1;
    idx = idx == end ? 1 : std::min(idx + stride, end);
  }

  void add(uint32_t t, const std::vector<float>& a) {
    const auto value = synthetic_row(7, SyntheticRow::Value, Position(t));
    token.push_back(t);
    norm.push_back(static_cast<double>(euclidean_norm(value)));
    for (std::vector<double>* numbers : {&S, &C, &E, &F}) numbers->push_back(0);
    if (option("origin", "insertion") == "entry" && token.size() > sinks + recent)
      for (std::vector<double>* numbers : {&S, &C, &E, &F})
        (*numbers)[token.size() - 1 - recent] = 0;
    last.assign(a.begin(), a.end());
    const double decay = std::stod(option("decay", "0.98"));
    for (size_t row = 0; row < token.size(); ++row) {
      C[row] += 1;
      S[row] += last[row];
      E[row] = decay * E[row] + last[row];
      F[row] = decay * F[row] + 1;
    }
  }

  struct Outcome {
    uint32_t victim, rival;
  };
  std::optional<Outcome> step(uint32_t t, const std::vector<float>& a) {
    add(t, a);
    if (token.size() <= sinks + capacity + recent) return std::nullopt;
    std::vector<size_t> scope;
    const size_t first = first_row(t);
    for (size_t row = first; row < first + K(); ++row) scope.push_back(row);
    if (option("tie", "left") == "right") std::reverse(scope.begin(), scope.end());
    std::stable_sort(scope.begin(), scope.end(),
                     [&](size_t x, size_t y) { return score(x, t) < score(y, t); });
    const Outcome outcome{token[scope[0]], token[scope[1]]};
    const auto at = static_cast<std::ptrdiff_t>(scope[0]);
    token.erase(token.begin() + at);
    for (std::vector<double>* numbers : {&S, &C, &E, &F, &norm})
      numbers->erase(numbers->begin() + at);
    if (option("pick", "cursor") == "cursor") move_cursor();
    return outcome;
  }
};

void expect_twins_agree(SlowTree slow, uint32_t tokens) {
  std::string spec = "treekv:capacity=" + std::to_string(slow.capacity) +
                     ",sinks=" + std::to_string(slow.sinks) +
                     ",recent=" + std::to_string(slow.recent);
  for (const auto& [key, value] : slow.says) spec += "," + key + "=" + value;
  const RowWeights weights = random_weights(21, 3);  // of three values: many ties
  std::vector<Position> present;
  const LaneRun lane =
      run_lane(PolicyChoice(spec), tokens, weights, [&](Step step, const LaneRun& run) {
        present.clear();
        for (const uint32_t token : slow.token) present.push_back(Position(token));
        present.push_back(Position(step.value));
        const auto gone = slow.step(step.value, weights(step, present));
        const auto& eviction = run.evictions[step.index()];
        ASSERT_EQ(eviction.has_value(), gone.has_value());
        if (!gone) return;
        ASSERT_EQ(eviction->victim, Position(gone->victim)) << spec << " step " << step.value;
        ASSERT_EQ(eviction->rival, static_cast<int32_t>(gone->rival))
            << spec << " step " << step.value;
      });
  EXPECT_EQ(lane.table.size(), slow.token.size());
}

using Switches = std::map<std::string, std::string>;

/// Every combination that is no contradiction, of every switch of decoding.
std::vector<Switches> all_switches() {
  std::vector<Switches> all;
  for (const Switches& where : std::vector<Switches>{{},
                                                     {{"cursor", "printed"}},
                                                     {{"scope", "3"}},
                                                     {{"scope", "4"}, {"stride", "pass"}},
                                                     {{"scope", "all"}},
                                                     {{"scope", "3"}, {"pick", "random"}},
                                                     {{"pick", "gap"}}})
    for (const Switches& what : std::vector<Switches>{{},
                                                      {{"score", "sum"}},
                                                      {{"score", "last"}},
                                                      {{"score", "ema"}, {"decay", "0.5"}},
                                                      {{"score", "value"}},
                                                      {{"life", "0.5"}},
                                                      {{"score", "keep-left"}},
                                                      {{"score", "keep-right"}},
                                                      {{"score", "random"}}})
      for (const std::string tie : {"left", "right"})
        for (const std::string origin : {"insertion", "entry"}) {
          Switches switches{{"tie", tie}, {"origin", origin}};
          switches.insert(where.begin(), where.end());
          switches.insert(what.begin(), what.end());
          all.push_back(switches);
        }
  return all;
}

TEST(TreeKv, AgreesWithALiteralTranscriptionForEverySwitch) {
  struct Rows {
    size_t capacity, sinks, recent;
  };
  for (const Rows rows : {Rows{16, 4, 12}, Rows{7, 0, 0}, Rows{24, 1, 0}})
    for (const Switches& switches : all_switches())
      expect_twins_agree({rows.capacity, rows.sinks, rows.recent, switches}, 700);
  expect_twins_agree({1, 0, 1, {}}, 3000);
  expect_twins_agree({16, 4, 12, {}}, 5000);
}

// --- the family
// -----------------------------------------------------------------------------------------------

TEST(TreeKv, ScopeAllWithSumsEvictsWhatH2oEvicts) {
  for (const std::string rows : {"sinks=4,recent=12,capacity=16", "sinks=0,recent=0,capacity=9",
                                 "sinks=2,recent=5,capacity=1"})
    for (const std::string tie : {",tie=left", ",tie=right"})
      for (const uint32_t values : {0u, 3u}) {
        const LaneRun tree = run_lane(PolicyChoice("treekv:" + rows + tie + ",scope=all,score=sum"),
                                      600, random_weights(31, values));
        const LaneRun h2o =
            run_lane(PolicyChoice("h2o:" + rows + tie), 600, random_weights(31, values));
        ASSERT_EQ(tree.all.size(), h2o.all.size());
        for (size_t at = 0; at < tree.all.size(); ++at) {
          EXPECT_EQ(tree.all[at].victim, h2o.all[at].victim);
          EXPECT_EQ(tree.all[at].rival, h2o.all[at].rival);
          EXPECT_EQ(tree.all[at].score, h2o.all[at].score);
        }
      }
}

TEST(TreeKv, ScoresMeetAtTheEndsOfTheirRanges) {
  const auto cache_of = [](const std::string& more) {
    return run_lane(whole_tree(16, more), 500, random_weights(33)).cache();
  };
  EXPECT_EQ(cache_of(",life=0"), cache_of(",score=sum"));
  EXPECT_EQ(cache_of(",score=ema,decay=1"), cache_of(""));
  EXPECT_EQ(cache_of(",score=ema,decay=0"), cache_of(",score=last"));
}

// --- prompts in blocks
// -----------------------------------------------------------------------------------------------

/// Section 4.2 of the paper pass by pass: with c places, the blocks of a pass are compared in pairs
/// of [c old ones, c new ones], as far as there are new ones.
std::vector<size_t> blocks_pass_by_pass(std::span<const double> scores, size_t places) {
  std::vector<size_t> old;
  size_t next = std::min(places, scores.size());
  for (size_t block = 0; block < next; ++block) old.push_back(block);
  while (next < scores.size()) {
    std::vector<size_t> sequence = old;
    const size_t fresh = std::min(places, scores.size() - next);
    for (size_t i = 0; i < fresh; ++i) sequence.push_back(next++);
    std::vector<size_t> kept;
    for (size_t pair = 0; pair < fresh; ++pair) {
      const size_t left = sequence[2 * pair], right = sequence[2 * pair + 1];
      kept.push_back(scores[left] > scores[right] ? left : right);
    }
    kept.insert(kept.end(), sequence.begin() + static_cast<std::ptrdiff_t>(2 * fresh),
                sequence.end());
    old = kept;
  }
  return old;
}

TEST(TreeKvPrefill, StepByStepIsPassByPass) {
  for (const size_t places : {1u, 2u, 7u, 8u})
    for (const size_t count : {1u, 5u, 8u, 9u, 16u, 40u, 101u}) {
      std::vector<double> scores;
      for (size_t block = 0; block < count; ++block)
        scores.push_back(static_cast<double>(random_weight(41, 5, Step(0), Position(block))));
      std::vector<bool> lost(count);
      for (const BlockDuel& duel : block_duels(scores, places, 1, Tie::LeftLeaves)) {
        EXPECT_FALSE(lost[duel.loser] || lost[duel.winner]);
        lost[duel.loser] = true;
      }
      std::vector<size_t> kept;
      for (size_t block = 0; block < count; ++block)
        if (!lost[block]) kept.push_back(block);
      EXPECT_EQ(kept, blocks_pass_by_pass(scores, places)) << places << " of " << count;
    }
}

TEST(TreeKvPrefill, TheRemainderIsTheNewestOrTheOldestBlock) {
  const std::vector<double> scores{9, 9, 1, 2, 3, 4, 5, 6, 7, 9};
  const auto newest = cut_in_blocks(2, 9, 3, Ragged::Newest, scores);
  ASSERT_EQ(newest.size(), 3u);
  EXPECT_EQ(newest[2].first, 8u);
  EXPECT_EQ(newest[2].size, 1u);
  EXPECT_EQ(newest[0].score, 2);
  EXPECT_EQ(newest[2].score, 7);
  const auto oldest = cut_in_blocks(2, 9, 3, Ragged::Oldest, scores);
  ASSERT_EQ(oldest.size(), 3u);
  EXPECT_EQ(oldest[0].size, 1u);
  EXPECT_EQ(oldest[0].score, 1);
  EXPECT_EQ(oldest[2].score, 6);
  EXPECT_TRUE(cut_in_blocks(5, 5, 3, Ragged::Newest, scores).empty());
}

// 22 tokens, 2 sinks, 2 recent, a tree of 8 in blocks of 4: tokens 2..17 are four blocks for
// floor((8 + 2 - 4) / 4) = 1 place; the window 18..21 asks, and gives token j the weight w[j].
TEST(TreeKvPrefill, WorkedExample) {
  std::vector<float> w(22, 0.0f);
  w[3] = 4;   // block 2..5, mean 1 a query
  w[9] = 8;   // block 6..9, mean 2
  w[11] = 2;  // block 10..13
  w[15] = 6;  // block 14..17
  const RowWeights weights = [&](Step, std::span<const Position> positions) {
    std::vector<float> row;
    for (const Position position : positions)
      row.push_back(position.value < w.size() ? w[position.index()] : 0.0f);
    return row;
  };
  const PolicyChoice choice("treekv:capacity=8,sinks=2,recent=2,prompt=22,block=4");
  const LaneRun lane = run_lane(choice, 22, weights);
  EXPECT_EQ(lane.cache(), "0 1 6 7 8 9 18 19 20 21");
  ASSERT_EQ(lane.all.size(), 12u);
  const Eviction& first = lane.all[0];
  EXPECT_EQ(first.victim, Position(2));
  EXPECT_EQ(first.step, Step(21));
  EXPECT_EQ(first.rival, 6);
  EXPECT_EQ(first.score, 4);  // 4 queries, mean over 4 tokens
  EXPECT_EQ(first.rival_score, 8);
  EXPECT_EQ(lane.all[11].victim, Position(17));
  EXPECT_EQ(lane.all[11].rival, 9);
  EXPECT_EQ(lane.levels(), "0 0 3 3 3 3 0 0 0 0");
  // Then decoding starts: two more rows fill the tree, and the first duel is of its first pair, by
  // the sums of the four window queries alone: 0 against 0, the older leaves.
  const LaneRun longer = run_lane(choice, 25, weights);
  EXPECT_EQ(longer.cache(), "0 1 7 8 9 18 19 20 21 22 23 24");
  EXPECT_EQ(longer.all.back().victim, Position(6));
  EXPECT_EQ(longer.all.back().reason, Reason::Tie);
}

TEST(TreeKvPrefill, APromptThatFitsLosesNothing) {
  const PolicyChoice choice("treekv:capacity=16,sinks=2,recent=6,prompt=24,block=4");
  EXPECT_TRUE(run_lane(choice, 24, random_weights(1)).all.empty());
  EXPECT_EQ(run_lane(choice, 25, random_weights(1)).all.size(), 1u);
}

TEST(TreeKvPrefill, DecodingStartsFromTheWindowsQueriesOrFromAll) {
  const auto decides = [](const std::string& start) {
    const PolicyChoice choice("treekv:capacity=8,sinks=0,recent=4,prompt=40,block=4,start=" +
                              start);
    return run_lane(choice, 60, random_weights(3)).all;
  };
  const auto window = decides("window"), all = decides("all");
  ASSERT_EQ(window.size(), all.size());
  // the first duel after the prompt: S over the 4 window queries, or over the row's life
  const size_t first = static_cast<size_t>(
      std::ranges::find_if(window, [](const Eviction& e) { return e.step.value > 39; }) -
      window.begin());
  const auto mean_of = [&](Position position, uint32_t from, uint32_t to) {
    double sum = 0;
    for (uint32_t step = std::max(from, position.value); step <= to; ++step)
      sum += static_cast<double>(random_weight(3, 0, Step(step), position));
    return sum / (to - std::max(from, position.value) + 1);
  };
  const uint32_t step = window[first].step.value;
  EXPECT_NEAR(window[first].score, mean_of(window[first].victim, 36, step), 1e-6);
  EXPECT_NEAR(all[first].score, mean_of(all[first].victim, 0, step), 1e-6);
}

}  // namespace
}  // namespace dendrokv::testing
