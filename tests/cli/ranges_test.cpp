#include "cli/ranges.h"

#include <gtest/gtest.h>

#include "cli/options.h"

namespace dendrokv {
namespace {

using Numbers = std::vector<uint32_t>;

Numbers ranges(const std::string& text) {
  return parse_ranges("--layers", "layer", text, 10);
}

std::vector<Step> steps(Numbers numbers) {
  return {numbers.begin(), numbers.end()};
}

std::vector<Step> parsed(const std::string& text) {
  return parse_steps("--steps", text, 10);
}

std::string message(const std::string& text) {
  try {
    ranges(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ParseRanges, ReadsNumbersAndRanges) {
  EXPECT_EQ(ranges("0-3,7"), (Numbers{0, 1, 2, 3, 7}));
  EXPECT_EQ(ranges("9"), (Numbers{9}));
  EXPECT_EQ(ranges("all"), (Numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(ParseRanges, SortsAndDropsWhatIsThereTwice) {
  EXPECT_EQ(ranges("7,1-2,2"), (Numbers{1, 2, 7}));
}

TEST(ParseRanges, SaysWhatIsWrong) {
  const std::string wanted = ", wanted a number or a rising range, as in 0-3,7";
  EXPECT_EQ(message("10"), "--layers: layer 10, wanted layers from 0 to 9");
  EXPECT_EQ(message("3-12"), "--layers: layer 12, wanted layers from 0 to 9");
  for (const char* bad : {"", "a", "-1", "3-", "5-2", "1.5", "99999999999"})
    EXPECT_EQ(message(bad), "--layers: '" + std::string(bad) + "'" + wanted);
  EXPECT_EQ(message("1,,2"), "--layers: ''" + wanted);
  EXPECT_EQ(message("0-4294967295"), "--layers: layer 4294967295, wanted layers from 0 to 9");
}

TEST(ParseSteps, KnowsRulesAndLists) {
  EXPECT_EQ(parsed("last"), steps({9}));
  EXPECT_EQ(parsed("every:4"), steps({0, 4, 8}));
  EXPECT_EQ(parsed("every:100"), steps({0}));
  EXPECT_EQ(parsed("all").size(), 10u);
  EXPECT_EQ(parsed("0-2,9"), steps({0, 1, 2, 9}));
  EXPECT_THROW(parsed("every:0"), UsageError);
  EXPECT_THROW(parsed("every:"), UsageError);
  EXPECT_THROW(parsed("10"), UsageError);
  EXPECT_THROW(parsed("first"), UsageError);
}

}  // namespace
}  // namespace dendrokv
