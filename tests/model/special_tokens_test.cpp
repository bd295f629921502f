#include "model/special_tokens.h"

#include <gtest/gtest.h>
#include <random>

namespace dendrokv {
namespace {

using Recognised = SpecialTokenCutter::Recognised;

// "plain|3|plain": texts and ids in order.
std::string shown_cut(const SpecialTokenCutter& cutter, std::string_view text,
                      SpecialTokens special) {
  std::vector<Fragment> fragments;
  cutter.cut(text, special, fragments);
  std::string line;
  for (const Fragment& fragment : fragments) {
    EXPECT_NE(fragment.text.empty(), fragment.id < 0);
    line += (line.empty() ? "" : "|") +
            (fragment.id < 0 ? std::string(fragment.text) : std::to_string(fragment.id));
  }
  return line;
}

TEST(SpecialTokenCutter, TheLongestComesFirstTheLeftmostAmongEquals) {
  SpecialTokenCutter cutter;
  cutter.add("ab", 1, Recognised::Always);
  cutter.add("bcd", 2, Recognised::Always);
  cutter.add("a", 3, Recognised::Always);
  cutter.add("ba", 4, Recognised::Always);
  const auto cut = [&](std::string_view text) {
    return shown_cut(cutter, text, SpecialTokens::AsText);
  };
  EXPECT_EQ(cut("abcd"), "3|2");  // bcd is longer than ab, though it begins later
  EXPECT_EQ(cut("xaby"), "x|1|y");
  EXPECT_EQ(cut("aba"), "1|3");
  EXPECT_EQ(cut("bab"), "4|b");
  EXPECT_EQ(cut("abcdab"), "3|2|1");
  EXPECT_EQ(cut("xyz"), "xyz");
  EXPECT_EQ(cut(""), "");
  EXPECT_EQ(cut("aa"), "3|3");
}

TEST(SpecialTokenCutter, ControlTokensAreCutWhenParsingOnly) {
  SpecialTokenCutter cutter;
  cutter.add("<s>", 1, Recognised::WhenParsing);
  cutter.add("\n\n", 2, Recognised::Always);
  EXPECT_EQ(shown_cut(cutter, "<s>\n\nx", SpecialTokens::Parse), "1|2|x");
  EXPECT_EQ(shown_cut(cutter, "<s>\n\nx", SpecialTokens::AsText), "<s>|2|x");
  EXPECT_EQ(shown_cut(SpecialTokenCutter(), "<s>", SpecialTokens::Parse), "<s>");
}

// Token by token, the longest first: look for it in what is still plain.
std::string slowly_cut(const std::vector<std::string>& tokens, const std::string& text,
                       size_t from) {
  for (size_t i = from; i < tokens.size(); ++i) {
    const size_t at = text.find(tokens[i]);
    if (at == std::string::npos) continue;
    const std::string left = slowly_cut(tokens, text.substr(0, at), i + 1),
                      right = slowly_cut(tokens, text.substr(at + tokens[i].size()), i);
    return left + (left.empty() ? "" : "|") + std::to_string(i) + (right.empty() ? "" : "|") +
           right;
  }
  return text;
}

TEST(SpecialTokenCutter, CutsLikeOneTokenAfterTheOther) {
  std::mt19937 draw(3);
  // One token of a length: among several of one length the order of the slow way is that of the
  // list.
  const std::vector<std::string> tokens = {"abcabc", "bbaab", "caab", "aba", "cc", "b"};
  SpecialTokenCutter cutter;
  for (size_t i = 0; i < tokens.size(); ++i)
    cutter.add(tokens[i], static_cast<int32_t>(i), Recognised::Always);
  for (int round = 0; round < 2000; ++round) {
    std::string text(draw() % 40, 'a');
    for (char& letter : text) letter = "abc"[draw() % 3];
    EXPECT_EQ(shown_cut(cutter, text, SpecialTokens::AsText), slowly_cut(tokens, text, 0)) << text;
  }
}

}  // namespace
}  // namespace dendrokv
