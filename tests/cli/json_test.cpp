#include "cli/json.h"

#include <gtest/gtest.h>
#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

std::string message(const std::string& json) {
  try {
    parse_token_ids("ids.json", json);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Json, KeepsTheOrderOfFields) {
  const Json json = Json::object()
                        .set("name", "tide")
                        .set("tokens", uint64_t{3})
                        .set("ids", std::vector<int32_t>{5, -1})
                        .set("complete", true);
  EXPECT_EQ(json.text(), R"({"name":"tide","tokens":3,"ids":[5,-1],"complete":true})");
}

TEST(Json, TakesTextAsTextAndTruthAsTruth) {
  EXPECT_EQ(Json("text").text(), "\"text\"");
  EXPECT_EQ(Json(std::string("text")).text(), "\"text\"");
  EXPECT_EQ(Json(false).text(), "false");
  EXPECT_EQ(Json(0.5).text(), "0.5");
}

TEST(Json, WritesNumbersThatAreNotFiniteAsNull) {
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).text(), "null");
  EXPECT_EQ(Json(-std::numeric_limits<double>::infinity()).text(), "null");
}

TEST(Json, ReplacesBytesThatAreNotText) {
  EXPECT_EQ(Json(std::string("a\xFF")).text(), "\"a\xEF\xBF\xBD\"");
}

TEST(Json, CopiesDoNotShare) {
  const Json first = Json::array().add(1);
  Json second = first;
  second.add(2);
  EXPECT_EQ(first.text(), "[1]");
  EXPECT_EQ(second.text(), "[1,2]");
}

TEST(ParseTokenIds, ReadsAnArray) {
  EXPECT_EQ(parse_token_ids("x", "[1, 2,\n 49151]"), (std::vector<int32_t>{1, 2, 49151}));
  EXPECT_TRUE(parse_token_ids("x", "[]").empty());
}

TEST(ParseTokenIds, SaysWhatIsWrong) {
  EXPECT_EQ(message("[1, 2"), "ids.json: not JSON, wanted an array of token ids such as [1, 2, 3]");
  EXPECT_EQ(message("{\"ids\": [1]}"),
            "ids.json: JSON of type object, wanted an array of token ids such as [1, 2, 3]");
  const std::string wanted = ", wanted a token id, a whole number from 0";
  EXPECT_EQ(message("[1, \"two\"]"), "ids.json: element 1 is \"two\"" + wanted);
  EXPECT_EQ(message("[-1]"), "ids.json: element 0 is -1" + wanted);
  EXPECT_EQ(message("[1.5]"), "ids.json: element 0 is 1.5" + wanted);
  EXPECT_EQ(message("[4294967296]"), "ids.json: element 0 is 4294967296" + wanted);
}

}  // namespace
}  // namespace dendrokv
