#pragma once
// Options that many policies share, and the shapes they give.

#include <string>
#include <string_view>

#include "cache/policy.h"

namespace dendrokv {

constexpr double kMostRows = 1 << 24;

constexpr OptionRow count_option(std::string_view name, std::string_view summary,
                                 std::string_view standard, double fewest,
                                 double most = kMostRows) {
  return {name, summary, OptionType::Count, standard, fewest, most};
}

constexpr OptionRow real_option(std::string_view name, std::string_view summary,
                                std::string_view standard, double lowest, double highest) {
  return {name, summary, OptionType::Real, standard, lowest, highest};
}

constexpr OptionRow word_option(std::string_view name, std::string_view summary,
                                std::string_view choices, std::string_view standard) {
  return {name, summary, OptionType::Choice, standard, 0, 0, choices};
}

constexpr OptionRow sinks_option(std::string_view standard) {
  return count_option("sinks", "rows at the start that never leave", standard, 0);
}
constexpr OptionRow recent_option(std::string_view standard, double fewest = 0) {
  return count_option("recent", "rows at the end that never leave", standard, fewest);
}
/// The window of the policies that ask the last queries: it never leaves, and scores the others.
constexpr OptionRow window_option(std::string_view standard) {
  return count_option("recent", "rows at the end that never leave; their queries score the others",
                      standard, 1, 1 << 12);
}
constexpr OptionRow kBudgetOption =
    count_option("budget", "rows per lane in all, instead of saying one part", "", 1);
constexpr OptionRow kBudgetMapOption = {"budget-map",
                                        "rows of each lane, as `dendrokv tune budgets` writes them "
                                        "(docs/files.md), instead of the same for all",
                                        OptionType::File,
                                        "",
                                        0,
                                        0};
constexpr OptionRow kPromptOption = count_option(
    "prompt", "tokens of a prompt that is taken in whole and cut at its end; 0 = none", "0", 0);
constexpr OptionRow every_option(std::string_view standard) {
  return count_option("every",
                      "rows over the budget that make a cut; 0 = the one at the prompt's end only",
                      standard, 0);
}
constexpr OptionRow positions_option(std::string_view standard) {
  return word_option("positions", "a key is rotated to its place in the cache, or in the text",
                     "rank|original", standard);
}
constexpr OptionRow share_option(std::string_view standard) {
  return word_option("share", "what owns a cache", "kv-head|layer|query-head", standard);
}
/// Of the policies that read keys or values, which one lane of a layer does not have in common.
constexpr OptionRow kShareOfRows =
    word_option("share", "what owns a cache", "kv-head|query-head", "kv-head");
constexpr OptionRow group_option(std::string_view standard) {
  return word_option("group", "how the weights of a cache's query heads become one", "mean|max",
                     standard);
}
constexpr OptionRow kTieOption =
    word_option("tie", "which of two equals leaves: the older or the newer", "left|right", "left");
constexpr OptionRow kSeedOption =
    count_option("seed", "of the random numbers", "1", 0, 9007199254740992.0);

/// The parts of a shape that follow from options of the names above, where the spec has them:
/// budget = sinks + recent + capacity, which a cut leaves, and `every` - 1 rows above it. A policy
/// whose prompt is taken in whole, or that never cuts again, is unbounded in most_rows.
PolicyShape shape_of_options(const Spec& spec);

/// `every=0` without a prompt would never cut; a prompt that fits the budget is never cut either.
void check_cuts(const std::string& subject, const Spec& spec);

enum class Tie { LeftLeaves, RightLeaves };
Tie tie_of(const Spec& spec);

}  // namespace dendrokv
