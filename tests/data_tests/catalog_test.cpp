#include "data/catalog.h"

#include <gtest/gtest.h>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr OptionRow kOptions[] = {
    {"capacity", "rows", OptionType::Count, "512", 1, 1000},
    {"decay", "per step", OptionType::Real, "0.5", 0, 1},
    {"tie", "who leaves", OptionType::Choice, "left", 0, 0, "left|right"},
    {"seed", "of draws", OptionType::Count, "", 0, 1e9},
};
constexpr SpecRow kTable[] = {{"treekv", "tree", kOptions}, {"full", "all", {}}};

std::string message(std::string_view text) {
  try {
    parse_spec("policy", text, kTable);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Catalog, FillsDefaultsAndKeepsTheOrderOfTheRow) {
  const Spec spec = parse_spec("policy", "treekv:tie=right,capacity=16", kTable);
  EXPECT_EQ(spec.text(), "treekv:capacity=16,decay=0.5,tie=right");
  EXPECT_EQ(spec.count("capacity"), 16u);
  EXPECT_EQ(spec.real("decay"), 0.5);
  EXPECT_EQ(spec.choice("tie"), "right");
  EXPECT_TRUE(spec.given("tie"));
  EXPECT_FALSE(spec.given("decay"));
  EXPECT_FALSE(spec.has("seed"));
  EXPECT_EQ(parse_spec("policy", spec.text(), kTable).text(), spec.text());
}

TEST(Catalog, UnknownNamesListTheNearest) {
  EXPECT_EQ(
      message("treekw"),
      "policy 'treekw': not known, wanted a name from the table, did you mean treekv or full");
  EXPECT_NE(message("treekv:capacty=3").find("did you mean capacity"), std::string::npos);
  EXPECT_NE(message("treekv:tie=lefty").find("did you mean left"), std::string::npos);
}

TEST(Catalog, RefusesBadValues) {
  EXPECT_NE(message("treekv:capacity=0").find("wanted a whole number from 1 to 1000"),
            std::string::npos);
  for (const char* bad :
       {"treekv:capacity=-1", "treekv:capacity=1.5", "treekv:capacity=", "treekv:decay=nan",
        "treekv:decay=2", "treekv:capacity", "full:x=1", "treekv:", "", "treekv:seed=1,seed=1"})
    EXPECT_NE(message(bad), "no error") << bad;
}

}  // namespace
}  // namespace dendrokv
