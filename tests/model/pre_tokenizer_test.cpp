// The rules against a regular-expression engine that runs the published patterns
// (tests/data/README.md).

#include "model/pre_tokenizer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace dendrokv {
namespace {

using nlohmann::json;
using Lengths = std::vector<size_t>;

Lengths lengths(std::string_view name, std::string_view text) {
  Lengths found;
  std::string all;
  find_pre_tokenizer(name)->split(text, [&](std::string_view piece) {
    found.push_back(piece.size());
    all += piece;
  });
  EXPECT_EQ(all, text) << name;
  return found;
}

TEST(PreTokenizer, EveryRowPartsTextsAsThePublishedPatternsDo) {
  const json reference =
      json::parse(testing::read_text(testing::data_file("tokenizer/pre_tokens.json")));
  const auto pattern_of = [](std::string_view name) {
    if (name == "llama3" || name == "llama-v3") return std::string("llama-bpe");
    return std::string(name == "deepseek-r1-qwen" ? "qwen2" : name);
  };
  ASSERT_EQ(reference.at("cases").size(), 415u);
  for (const PreTokenizer& row : pre_tokenizer_table())
    for (const json& one : reference.at("cases")) {
      const std::string text = one.at("text");
      EXPECT_EQ(lengths(row.name, text), one.at(pattern_of(row.name)).get<Lengths>())
          << row.name << " '" << text << "'";
    }
}

TEST(PreTokenizer, TheRowsDifferWhereTheyShould) {
  EXPECT_EQ(lengths("gpt-2", "x 12345"), (Lengths{1, 6}));
  EXPECT_EQ(lengths("smollm", "x 12345"), (Lengths{1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(lengths("llama-bpe", "x 12345"), (Lengths{1, 1, 3, 2}));
  EXPECT_EQ(lengths("qwen2", "x 12345"), (Lengths{1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(lengths("gpt-2", "I'M ok.\n\n"), (Lengths{1, 1, 1, 3, 1, 2}));
  EXPECT_EQ(lengths("llama-bpe", "I'M ok.\n\n"), (Lengths{1, 2, 3, 3}));
  EXPECT_EQ(lengths("gpt-2", ""), Lengths{});
}

TEST(PreTokenizer, AnUnknownNameIsNoRow) {
  EXPECT_EQ(find_pre_tokenizer("banana"), nullptr);
  EXPECT_EQ(find_pre_tokenizer(""), nullptr);
  EXPECT_NE(pre_tokenizer_choices().find("gpt-2|smollm|llama-bpe"), std::string::npos);
}

}  // namespace
}  // namespace dendrokv
