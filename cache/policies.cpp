// The table of cache policies. To add one:
//   1. cache/NAME.cpp: a class with one method, step(), and its make_NAME(); declare that in cache/make_policy.h and add the
//      file to cache/CMakeLists.txt
//   2. here: its options, its shape (what is protected), and a row of kTable
// The command line, its help, replay, report, viewer and the conformance suite (tests/cache/policies_test.cpp) find it there.

#include "cache/policies.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "cache/make_policy.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr OptionRow rows(std::string_view name, std::string_view summary, std::string_view standard,
                         double fewest) {
  constexpr double kMost = 1 << 24;
  return {name, summary, OptionType::Count, standard, fewest, kMost};
}

constexpr OptionRow one_of(std::string_view name, std::string_view summary,
                           std::string_view choices, std::string_view standard) {
  return {name, summary, OptionType::Choice, standard, 0, 0, choices};
}

constexpr OptionRow kSinks = rows("sinks", "rows at the start that never leave", "4", 0);
constexpr OptionRow kBudget =
    rows("budget", "rows per lane in all, instead of saying one part", "", 1);

constexpr OptionRow positions(std::string_view standard) {
  return one_of("positions", "a key is rotated to its place in the cache, or in the text",
                "rank|original", standard);
}

// Defaults hold 1024 rows under every bounded policy: the budget of TreeKV's paper, 4 + 508 + 512.
constexpr std::array kSlidingOptions{
    rows("capacity", "rows of the window", "1024", 1),
    kBudget,
    positions("original"),
};

constexpr std::array kStreamingOptions{
    kSinks,
    rows("recent", "rows at the end that never leave", "1020", 1),
    kBudget,
    positions("rank"),
};

constexpr std::array kTreekvOptions{
    rows("capacity", "rows of the tree", "512", 1),
    kSinks,
    rows("recent", "rows at the end that never leave", "508", 0),
    kBudget,
    one_of("cursor", "moves by one row, or by two as the paper's formula", "advance|printed",
           "advance"),
    one_of("score", "what two neighbours compare", "mean|sum|last|keep-left|keep-right", "mean"),
    one_of("tie", "which of two equals leaves", "left|right", "left"),
    positions("rank"),
    one_of("share", "what owns a cache", "kv-head", "kv-head"),
    one_of("group", "how the query heads of a cache add up", "mean", "mean"),
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

// clang-format off
constexpr std::array kTable{
    PolicyRow{{"full", "keeps every row", {}},
              "", "", full_shape, make_full},
    PolicyRow{{"sliding", "keeps the last rows", kSlidingOptions},
              "", "capacity", sliding_shape, make_sliding},
    PolicyRow{{"streaming", "StreamingLLM: keeps the first rows and the last ones", kStreamingOptions},
              "Xiao et al., ICLR 2024, arXiv 2309.17453", "recent", streaming_shape, make_streaming},
    PolicyRow{{"treekv", "TreeKV: neighbours compete under a moving cursor, a tree over age", kTreekvOptions},
              "He et al., IJCAI 2025, arXiv 2501.04987", "capacity", treekv_shape, make_treekv},
};
// clang-format on

const PolicyRow& row_of(const Spec& spec) {
  const auto row = std::find_if(kTable.begin(), kTable.end(), [&](const PolicyRow& candidate) {
    return candidate.spec.name == spec.name();
  });
  DENDROKV_ASSERT(row != kTable.end());
  return *row;
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

/// "04" is 4: equal policies have equal texts.
void write_counts_plainly(const PolicyRow& row, Spec& spec) {
  for (const OptionRow& option : row.spec.options)
    if (option.type == OptionType::Count && spec.given(option.name))
      spec.set(option.name, std::to_string(spec.count(option.name)));
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
  write_counts_plainly(row_of(spec), spec);
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
