#include "cli/search_space.h"

#include <gtest/gtest.h>
#include <set>

#include "cache/policies.h"
#include "data/error.h"

namespace dendrokv {
namespace {

/// A row costs ten bytes.
uint64_t ten_a_row(const std::string& spec) {
  return 10 * PolicyChoice(spec).shape().budget;
}

TEST(SearchSpace, TheDefaultOneHas32SettingsOfEqualRows) {
  const SearchSpace space = parse_space("default", default_space());
  std::set<std::string> specs;
  for (const SettingValues& values : combinations(space)) {
    const std::string spec = spec_within(space, values, 1285, ten_a_row);
    EXPECT_EQ(PolicyChoice(spec).shape().budget, 128u) << spec;
    specs.insert(spec);
  }
  EXPECT_EQ(specs.size(), 32u);
  EXPECT_TRUE(specs.contains("treekv:sinks=4,recent=16,scope=8,score=mean,budget=128"));
}

TEST(SearchSpace, NeighboursLieBetweenTwoValues) {
  const SearchSpace space = parse_space("s", "policy treekv\nrecent 1/16 1/4 1/2\nscope 2 8\n");
  const std::vector<SettingValues> wanted{{"128/1024", "2"}, {"362/1024", "2"}, {"1/4", "4"}};
  EXPECT_EQ(between(space, {"1/4", "2"}), wanted);
}

TEST(SearchSpace, SaysWhatIsWrongAndWhere) {
  for (const char* text :
       {"", "sinks 4\n", "policy treekv\nsinks\n", "policy treekv\nsinks 1\nsinks 2\n",
        "policy treekv\nbudget 5\n", "policy treekv h2o\n"})
    EXPECT_THROW(parse_space("space.txt", text), Error) << text;
  const SearchSpace space = parse_space("s", "policy treekv\nsinks many\n");
  EXPECT_THROW(spec_within(space, {"many"}, 1000, ten_a_row), Error);
}

TEST(SearchSpace, ABudgetThatIsTooSmallIsToldTheLeastThatIsNot) {
  const SearchSpace space = parse_space("s", "policy treekv\nsinks 4\nrecent 16\nscope 4\n");
  const SettingValues values{"4", "16", "4"};
  // 4 + 16 rows, and a tree of 3, in which a scope of 4 has a place.
  EXPECT_EQ(spec_within(space, values, 230, ten_a_row),
            "treekv:sinks=4,recent=16,scope=4,budget=23");
  for (const uint64_t bytes : {1, 229}) try {
      spec_within(space, values, bytes, ten_a_row);
      FAIL() << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.wanted(), "wanted at least 230") << error.what();
    }
}

}  // namespace
}  // namespace dendrokv
