// The audit of a running model: green under every policy, and red for each check when what it is
// shown is not what happens.

#include "model/live_audit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>

#include "model/audit_reruns.h"
#include "model/decoder.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

constexpr uint32_t kTokens = 100;
constexpr const char* kTree = "treekv:capacity=12,sinks=2,recent=6";

const Model& model(Arithmetic arithmetic = Arithmetic::Exact) {
  const auto load = [](Arithmetic how) {
    return Model::load(testing::data_file("models/llama-gqa-tied/model.gguf"), LoadDepth::Run, how);
  };
  static const Model exact = load(Arithmetic::Exact), fast = load(Arithmetic::Fast);
  return arithmetic == Arithmetic::Exact ? exact : fast;
}

std::vector<int32_t> some_tokens() {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < kTokens; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % 256));
  return ids;
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

/// What stands between the engine and the audit, and may alter what passes.
class Between : public Observer {
 public:
  using Rows =
      std::function<void(std::vector<Position>&, std::vector<float>&, const AttentionRow&)>;
  using Values = std::function<void(std::vector<float>& key, std::vector<float>& value, Position)>;

  Observer* audit = nullptr;
  Rows rows = {};
  Values values = {};

  bool wants_attention(Layer, Head, Step) const override { return true; }
  bool wants_rows(Layer) const override { return true; }
  void on_attention(std::span<const AttentionRow> shown) override {
    for (const AttentionRow& row : shown) {
      std::vector<Position> positions(row.positions.begin(), row.positions.end());
      std::vector<float> weights(row.weights.begin(), row.weights.end());
      if (rows) rows(positions, weights, row);
      const AttentionRow changed{row.layer, row.head, row.step, positions, weights};
      audit->on_attention({&changed, 1});
      audit->on_attention_done({&changed, 1});
    }
  }
  void on_row(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
              std::span<const float> value) override {
    std::vector<float> own_key(key.begin(), key.end()), own_value(value.begin(), value.end());
    if (values) values(own_key, own_value, position);
    audit->on_row(layer, kv_head, position, own_key, own_value);
  }
  void on_steps_done(Step first, uint32_t count) override { audit->on_steps_done(first, count); }
};

Audit audit_of(const std::string& spec, Between between = {},
               Arithmetic arithmetic = Arithmetic::Exact,
               std::vector<int32_t> said = some_tokens()) {
  const PolicyChoice policy(spec);
  const DecoderOptions options{.threads = 2, .block_tokens = 16};
  Decoder decoder(model(arithmetic), policy, options);
  LiveAudit watch(model(arithmetic), policy, nullptr);
  between.audit = &watch;
  decoder.feed(some_tokens(), LogitsOf::None, &between);
  return watch.audit(decoder.streams(), 0, said, options);
}

class LiveAuditOfPolicies : public ::testing::TestWithParam<const char*> {};

TEST_P(LiveAuditOfPolicies, IsGreenInBothArithmetics) {
  for (const Arithmetic arithmetic : {Arithmetic::Exact, Arithmetic::Fast}) {
    const Audit audit = audit_of(GetParam(), {}, arithmetic);
    EXPECT_EQ(red_ones(audit), "");
    for (const char* name : {"rows of p", "time order", "rows = budget", "record", "alignment",
                             "identity", "RoPE relativity"})
      EXPECT_EQ(finding(audit, name).outcome, Outcome::Good) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, LiveAuditOfPolicies,
    ::testing::Values("full", "quest:read=48,skip=1", "streaming:budget=24", "sliding:budget=24",
                      kTree, "treekv:budget=24,recent=8,positions=original",
                      "treekv:budget=24,recent=8,share=layer",
                      "treekv:budget=24,recent=8,share=query-head,group=max",
                      "treekv:budget=24,recent=8,prompt=60,block=4", "h2o:budget=24,recent=8",
                      "snapkv:budget=24,recent=4,every=8,positions=rank", "context-shift:budget=24",
                      "pyramidkv:budget=24,recent=4,every=8", "adakv:budget=24,recent=4,every=8",
                      "knorm:budget=24,recent=4,skip=1", "lacache:budget=24"));

/// Rows of lane number `i` (layer by layer): 14 + 9 i.
std::string uneven_lanes(const testing::TemporaryFolder& folder) {
  BudgetMap map{model().config().layers, model().config().kv_heads, {}};
  for (uint32_t lane = 0; lane < map.layers * map.lanes; ++lane) map.rows.push_back(14 + 9 * lane);
  write_budget_map(folder / "map.txt", map);
  return "budget-map=" + (folder / "map.txt").string();
}

TEST(LiveAudit, HoldsEachLaneOfABudgetMapToItsOwnRows) {
  const testing::TemporaryFolder folder;
  const std::string map = uneven_lanes(folder);
  for (const char* policy :
       {"treekv:sinks=2,recent=6,", "streaming:sinks=2,", "h2o:sinks=2,recent=6,"}) {
    const Audit audit = audit_of(policy + map);
    EXPECT_EQ(red_ones(audit), "") << policy;
    for (const char* name : {"rows = budget", "protected", "record", "alignment", "identity"})
      EXPECT_EQ(finding(audit, name).outcome, Outcome::Good) << name << " " << policy;
  }
}

TEST(LiveAudit, ARowTooManyInASmallLaneIsSeenThoughOthersMayHoldMore) {
  const testing::TemporaryFolder folder;
  const auto one_more = [](std::vector<Position>& positions, std::vector<float>& weights,
                           const AttentionRow& row) {
    if (row.layer.value > 0 || row.head.value > 0 || row.step.value != 60) return;
    for (uint32_t position = 1; position < positions.size(); ++position)
      if (positions[position].value != position) {  // the first one that had left
        positions.insert(positions.begin() + position, Position(position));
        weights.insert(weights.begin() + position, 0.0f);
        return;
      }
  };
  Between between;
  between.rows = one_more;
  const Audit audit = audit_of("treekv:sinks=2,recent=6," + uneven_lanes(folder), between);
  EXPECT_EQ(finding(audit, "rows = budget").outcome, Outcome::Bad);
  EXPECT_NE(finding(audit, "rows = budget").detail.find("16 rows, wanted 15 to 15"),
            std::string::npos)
      << finding(audit, "rows = budget").detail;
}

struct Lie {
  const char* check;
  const char* what;
  Between::Rows rows = {};
  Between::Values values = {};
};

void PrintTo(const Lie& lie, std::ostream* out) {
  *out << lie.check << ": " << lie.what;
}

bool late(const AttentionRow& row) {
  return row.layer.value == 1 && row.head.value == 2 && row.step.value == 70;
}

std::vector<Lie> lies() {
  using Positions = std::vector<Position>&;
  using Weights = std::vector<float>&;
  using Row = const AttentionRow&;
  return {
      {"rows of p", "a weight is twice as large",
       [](Positions, Weights w, Row row) { w[0] *= late(row) ? 2.0f : 1.0f; }},
      {"rows of p", "a weight is not a number",
       [](Positions, Weights w, Row row) {
         if (late(row)) w[1] = NAN;
       }},
      {"time order", "two slots are exchanged",
       [](Positions p, Weights, Row row) {
         if (late(row)) std::swap(p[3], p[4]);
       }},
      {"rows = budget", "a row too few",
       [](Positions p, Weights w, Row row) {
         if (!late(row)) return;
         p.erase(p.begin() + 5);
         w.erase(w.begin() + 5);
       }},
      {"protected", "a sink is missing",
       [](Positions p, Weights w, Row row) {
         if (!late(row)) return;
         p.erase(p.begin());
         w.erase(w.begin());
       }},
      {"protected", "a recent row is missing",
       [](Positions p, Weights w, Row row) {
         if (!late(row)) return;
         p.erase(p.end() - 3);
         w.erase(w.end() - 3);
       }},
      {"record", "a row that is not on record",
       [](Positions p, Weights, Row row) {
         if (late(row))
           p[2] = Position(p[2].value + 1 == p[3].value ? p[2].value - 1 : p[2].value + 1);
       }},
      {"alignment", "weights that the scores do not have",
       [](Positions, Weights w, Row row) {
         if (row.layer.value == 1 && row.step.value == 70) std::swap(w[0], w[1]);
       }},
      {"alignment",
       "another value than the cache holds",
       {},
       [](std::vector<float>&, std::vector<float>& value, Position position) {
         if (position.value == 98) value[0] += 1;
       }},
      {"alignment",
       "another key than the cache holds",
       {},
       [](std::vector<float>& key, std::vector<float>&, Position position) {
         if (position.value == 98)
           for (float& number : key) number *= 1.1f;
       }},
  };
}

class LiveAuditOfLies : public ::testing::TestWithParam<Lie> {};

TEST_P(LiveAuditOfLies, TurnsItsCheckRed) {
  Between between;
  between.rows = GetParam().rows;
  between.values = GetParam().values;
  const Audit audit = audit_of(kTree, between);
  EXPECT_EQ(finding(audit, GetParam().check).outcome, Outcome::Bad)
      << finding(audit, GetParam().check).detail << "\nothers:\n"
      << red_ones(audit);
  EXPECT_FALSE(audit.ok());
}

INSTANTIATE_TEST_SUITE_P(Table, LiveAuditOfLies, ::testing::ValuesIn(lies()));

// Keys that are rotated to other places weigh as those of another text do.
TEST(LiveAudit, ASuffixThatScoresOtherwiseIsRed) {
  std::vector<int32_t> other = some_tokens();
  for (size_t token = kTokens - 20; token < kTokens; ++token) other[token] = 7;
  const Audit audit = audit_of(kTree, {}, Arithmetic::Exact, other);
  EXPECT_EQ(finding(audit, "RoPE relativity").outcome, Outcome::Bad);
}

TEST(LiveAudit, OtherLogitsThanUnderFullAreRed) {
  Grid<float> full(2, 3, 1.0f), found = full;
  EXPECT_EQ(check_same_logits(found.view(), full.view()).outcome, Outcome::Good);
  found(1, 2) = 1.0000001f;
  EXPECT_EQ(check_same_logits(found.view(), full.view()).outcome, Outcome::Bad);
}

}  // namespace
}  // namespace dendrokv
