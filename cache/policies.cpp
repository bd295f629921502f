// The table of cache policies. To add one:
//   1. cache/NAME.cpp: a class with one method, step(), and its make_NAME(); declare that in
//   cache/make_policy.h and add the
//      file to cache/CMakeLists.txt
//   2. here: its options, its shape (what is protected), and a row of kTable
// The command line, its help, replay, report, viewer and the conformance suite
// (tests/cache/policies_test.cpp) find it there.

#include "cache/policies.h"

#include <array>
#include <string>
#include <vector>

#include "cache/make_policy.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr double kMostRows = 1 << 24;

constexpr OptionRow kBudget{
    "budget", "rows per lane in all, instead of the one that it fills", OptionType::Count, "", 1,
    kMostRows};
constexpr OptionRow kSinks{
    "sinks", "rows at the start that never leave", OptionType::Count, "4", 0, kMostRows};
constexpr OptionRow kRankFirst{"positions",
                               "keys turn by place in the cache or in the text",
                               OptionType::Choice,
                               "rank",
                               0,
                               0,
                               "rank|original"};
constexpr OptionRow kOriginalFirst{"positions",
                                   "keys turn by place in the text or in the cache",
                                   OptionType::Choice,
                                   "original",
                                   0,
                                   0,
                                   "rank|original"};

// Defaults hold 1024 rows under every bounded policy: the budget of the paper's language modelling,
// 4 + 508 + 512.
constexpr std::array kSlidingOptions{
    OptionRow{"capacity", "rows of the window", OptionType::Count, "1024", 1, kMostRows},
    kBudget,
    kOriginalFirst,
};

constexpr std::array kStreamingOptions{
    kSinks,
    OptionRow{"recent", "rows at the end that never leave", OptionType::Count, "1020", 1,
              kMostRows},
    kBudget,
    kRankFirst,
};

constexpr std::array kTreekvOptions{
    OptionRow{"capacity", "rows of the tree", OptionType::Count, "512", 1, kMostRows},
    kSinks,
    OptionRow{"recent", "rows at the end that never leave", OptionType::Count, "508", 0, kMostRows},
    kBudget,
    OptionRow{"cursor", "to the next row, or by two as the paper's formula", OptionType::Choice,
              "advance", 0, 0, "advance|printed"},
    OptionRow{"score", "what two neighbours compare", OptionType::Choice, "mean", 0, 0,
              "mean|sum|last|keep-left|keep-right"},
    OptionRow{"tie", "which of two equals leaves", OptionType::Choice, "left", 0, 0, "left|right"},
    kRankFirst,
    OptionRow{"share", "unit that owns a cache", OptionType::Choice, "kv-head", 0, 0, "kv-head"},
    OptionRow{"group", "attention of the query heads that share a cache", OptionType::Choice,
              "mean", 0, 0, "mean"},
};

PositionMode position_mode(const Spec& spec) {
  return spec.choice("positions") == "rank" ? PositionMode::Rank : PositionMode::Original;
}

PolicyShape full_shape(const Spec&) {
  return {};
}

PolicyShape sliding_shape(const Spec& spec) {
  const uint64_t window = spec.count("capacity");
  return {
      .budget = window, .recent = static_cast<uint32_t>(window), .positions = position_mode(spec)};
}

PolicyShape streaming_shape(const Spec& spec) {
  return {.budget = spec.count("sinks") + spec.count("recent"),
          .sinks = static_cast<uint32_t>(spec.count("sinks")),
          .recent = static_cast<uint32_t>(spec.count("recent")),
          .positions = position_mode(spec)};
}

PolicyShape treekv_shape(const Spec& spec) {
  const std::string_view score = spec.choice("score");
  const bool blind = score == "keep-left" || score == "keep-right";
  return {.budget = spec.count("sinks") + spec.count("recent") + spec.count("capacity"),
          .sinks = static_cast<uint32_t>(spec.count("sinks")),
          .recent = static_cast<uint32_t>(spec.count("recent")),
          .positions = position_mode(spec),
          .scores = blind ? ScoreUse::Ignored : ScoreUse::Needed};
}

constexpr std::array kTable{
    PolicyRow{{"full", "keeps every row", {}}, "", "", full_shape, make_full},
    PolicyRow{{"sliding", "the last rows only", kSlidingOptions},
              "",
              "capacity",
              sliding_shape,
              make_sliding},
    PolicyRow{{"streaming", "the first rows and the last ones (StreamingLLM)", kStreamingOptions},
              "Xiao et al., ICLR 2024, arXiv 2309.17453",
              "recent",
              streaming_shape,
              make_streaming},
    PolicyRow{
        {"treekv", "neighbours compete under a moving cursor: a tree over age", kTreekvOptions},
        "He et al., IJCAI 2025, arXiv 2501.04987",
        "capacity",
        treekv_shape,
        make_treekv},
};

const PolicyRow& row_of(const Spec& spec) {
  for (const PolicyRow& row : kTable)
    if (row.spec.name == spec.name()) return row;
  DENDROKV_ASSERT(false);
  return kTable[0];
}

std::string with_value(const Spec& spec, std::string_view key) {
  return std::string(key) + "=" + std::to_string(spec.count(key));
}

struct Rows {
  std::string text;  // "sinks=4 + recent=508"
  uint64_t sum = 0;
};

/// The rows that a spec gives to the keys other than `key`.
Rows rows_beside(const Spec& spec, std::string_view key) {
  Rows rows;
  for (const std::string_view other : {"sinks", "recent", "capacity"}) {
    if (other == key || !spec.has(other)) continue;
    rows.text += (rows.text.empty() ? "" : " + ") + with_value(spec, other);
    rows.sum += spec.count(other);
  }
  return rows;
}

/// Turns `budget=` into the rows that it leaves for the row's own key, so that equal policies have
/// equal texts.
void spend_budget(const PolicyRow& row, const std::string& subject, Spec& spec) {
  if (!spec.has("budget")) return;
  const std::string key(row.budget_key);
  const std::string total = with_value(spec, "budget");
  const uint64_t budget = spec.count("budget");
  const Rows others = rows_beside(spec, key);
  if (budget <= others.sum)
    fail(subject, total + " leaves no row for " + key + " beside " + others.text,
         "wanted at least " + std::to_string(others.sum + 1),
         "raise the budget or protect fewer rows");
  if (spec.given(key) && spec.count(key) != budget - others.sum)
    fail(subject, total + " and " + with_value(spec, key) + " do not agree",
         "wanted " + key + "=" + std::to_string(budget - others.sum), "leave out one of the two");
  spec.set(key, std::to_string(budget - others.sum));
  spec.set("budget", "");
}

Spec checked_spec(std::string_view text) {
  std::vector<SpecRow> rows;
  for (const PolicyRow& row : kTable) rows.push_back(row.spec);
  Spec spec = parse_spec("policy", text, rows);
  spend_budget(row_of(spec), "policy '" + std::string(text) + "'", spec);
  return spec;
}

}  // namespace

std::span<const PolicyRow> policy_table() {
  return kTable;
}

PolicyChoice::PolicyChoice(std::string_view spec)
    : spec_(checked_spec(spec)), row_(&row_of(spec_)), shape_(row_->shape(spec_)) {}

}  // namespace dendrokv
