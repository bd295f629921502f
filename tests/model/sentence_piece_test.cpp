// SentencePiece-like models: what their files may say, and their merging against a slow one that
// follows the words of the definition.

#include <gtest/gtest.h>
#include <map>
#include <random>

#include "model/unicode.h"
#include "tests/model/tokenizer_file.h"

namespace dendrokv {
namespace {

using testing::GgufFile;
using testing::tokenizer_of;
using testing::tokenizer_refusal;
using testing::TokenList;
using Ids = std::vector<int32_t>;

constexpr const char* kMark = "\xE2\x96\x81";

void expect_part(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << message << "\nwanted " << part;
}

TEST(SentencePiece, ByteTokensAreReadStrictly) {
  const auto message = [](const std::string& text) {
    TokenList list = testing::byte_tokens();
    list.texts[3 + 0x0A] = text;
    return tokenizer_refusal(sentence_piece_file(list));
  };
  EXPECT_EQ(message("<0x0a>"), "accepted");
  for (const char* text :
       {"<0x-1>", "<0x1>", "<0x+1>", "<0x 1>", "<0x0A", "<0x0AB>", "0x0A", "<0xG0>", "<00A0>", ""})
    expect_part(message(text), "is of the type of bytes, wanted <0x00> to <0xFF>");
  expect_part(message("<0xfF>"), "stands for the same byte as");
}

TEST(SentencePiece, ScoresMustBeThereAndTextsCharacters) {
  GgufFile file = sentence_piece_file(testing::byte_tokens());
  EXPECT_EQ(tokenizer_refusal(file), "accepted");
  file.erase("tokenizer.ggml.scores");
  expect_part(tokenizer_refusal(file), "tokenizer.ggml.scores is missing");
  for (const char* text : {"", "\xFF", "a\xC3"}) {
    TokenList list = testing::byte_tokens();
    list.add(text);
    expect_part(tokenizer_refusal(sentence_piece_file(list)), "is empty or not UTF-8");
  }
  expect_part(
      tokenizer_refusal(sentence_piece_file(testing::byte_tokens()), {.pre_tokenizer = "gpt-2"}),
      "has a SentencePiece-like tokenizer");
}

// Tokens, in order: 259 the space, then a b ab ba aba, with rising scores.
TokenList letters() {
  TokenList list = testing::byte_tokens();
  list.add(kMark, testing::kNormalToken, -9);
  float score = -8;
  for (const char* text : {"a", "b", "ab", "ba", "aba"})
    list.add(text, testing::kNormalToken, score++);
  return list;
}

TEST(SentencePiece, TheHighestScoreMergesFirstTheLeftmostOfEquals) {
  GgufFile file = sentence_piece_file(letters());
  file.set_bool("tokenizer.ggml.add_space_prefix", 0);
  const Tokenizer tokenizer = tokenizer_of(file);
  const auto ids = [&](std::string_view text) {
    return tokenizer.encode(text, SpecialTokens::AsText);
  };
  EXPECT_EQ(ids("ab"), (Ids{262}));
  EXPECT_EQ(ids("bab"), (Ids{263, 261}));   // ba before ab
  EXPECT_EQ(ids("abab"), (Ids{264, 261}));  // ba, then aba
  EXPECT_EQ(ids("baba"), (Ids{263, 263}));
  EXPECT_EQ(ids("a b"), (Ids{260, 259, 261}));
  EXPECT_EQ(ids("a\xE2\x96\x81"
                "b"),
            (Ids{260, 259, 261}));
}

TEST(SentencePiece, WhatIsNoTokenBecomesItsBytesOrTheUnknownToken) {
  GgufFile file = sentence_piece_file(letters());
  file.set_bool("tokenizer.ggml.add_space_prefix", 0);
  EXPECT_EQ(tokenizer_of(file).encode("a\xC3\xA9", SpecialTokens::AsText),
            (Ids{260, 3 + 0xC3, 3 + 0xA9}));
  // Without the token of one of its bytes a character is unknown as a whole.
  TokenList list = letters();
  list.texts[3 + 0xA9] = "other";
  list.types[3 + 0xA9] = testing::kNormalToken;
  file = sentence_piece_file(list);
  file.set_bool("tokenizer.ggml.add_space_prefix", 0);
  EXPECT_EQ(tokenizer_of(file).encode("a\xC3\xA9", SpecialTokens::AsText), (Ids{260, 0}));
  file.set_u32("tokenizer.ggml.unknown_token_id", 7);
  EXPECT_EQ(tokenizer_of(file).encode("a\xC3\xA9", SpecialTokens::AsText), (Ids{260, 7}));
}

TEST(SentencePiece, TextNeverMergesToControlBytesOrUnusedTokens) {
  TokenList list = letters();
  list.add("<", testing::kNormalToken, -1);
  list.add("<b", testing::kNormalToken, -1);
  list.add("<b>", testing::kControlToken, 5);
  list.add(">", testing::kNormalToken, -1);
  list.add("bb", testing::kUnusedToken, 5);
  GgufFile file = sentence_piece_file(list);
  file.set_bool("tokenizer.ggml.add_space_prefix", 0);
  const Tokenizer tokenizer = tokenizer_of(file);
  EXPECT_EQ(tokenizer.encode("<b>", SpecialTokens::AsText), (Ids{266, 268}));
  EXPECT_EQ(tokenizer.encode("<b>", SpecialTokens::Parse), (Ids{267}));
  EXPECT_EQ(tokenizer.encode("bb", SpecialTokens::AsText), (Ids{261, 261}));
}

TEST(SentencePiece, ExtraSpacesGoIfTheFileAsksForIt) {
  GgufFile file = sentence_piece_file(letters());
  const auto ids = [&](std::string_view text) {
    return tokenizer_of(file).encode(text, SpecialTokens::AsText);
  };
  EXPECT_EQ(ids(" a  b "), (Ids{259, 259, 260, 259, 259, 261, 259}));
  file.set_bool("tokenizer.ggml.remove_extra_whitespaces", 1);
  EXPECT_EQ(ids(" a  b "), (Ids{259, 260, 259, 261}));
  EXPECT_EQ(ids("a b"), (Ids{259, 260, 259, 261}));
  EXPECT_TRUE(ids("   ").empty());
}

// The definition: of all pairs of neighbours whose text together is a token, merge the one of
// highest score, the leftmost of equals.
Ids slowly_merged(const std::string& text,
                  const std::map<std::string, std::pair<float, int32_t>>& tokens) {
  std::vector<std::string> parts;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view before = rest;
    take_character(rest);
    parts.emplace_back(before.substr(0, before.size() - rest.size()));
  }
  for (;;) {
    size_t best = parts.size();
    float score = 0;
    for (size_t at = 0; at + 1 < parts.size(); ++at) {
      const auto found = tokens.find(parts[at] + parts[at + 1]);
      if (found == tokens.end() || (best < parts.size() && found->second.first <= score)) continue;
      best = at;
      score = found->second.first;
    }
    if (best == parts.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  Ids ids;
  for (const std::string& part : parts) {
    if (const auto found = tokens.find(part); found != tokens.end())
      ids.push_back(found->second.second);
    else
      for (const char byte : part) ids.push_back(3 + static_cast<unsigned char>(byte));
  }
  return ids;
}

TEST(SentencePiece, MergesLikeTheDefinition) {
  std::mt19937 draw(7);
  const std::vector<std::string> alphabet = {" ", "a", "b", "\xC3\xA9", "\xE6\x97\xA5"};
  for (int vocabulary = 0; vocabulary < 30; ++vocabulary) {
    TokenList list = testing::byte_tokens();
    std::map<std::string, std::pair<float, int32_t>> tokens;
    for (int tries = 0; tries < 40; ++tries) {
      std::string text;
      for (size_t length = 1 + draw() % 5; length > 0; --length)
        text += alphabet[draw() % alphabet.size()];
      // Few scores, so that equals occur.
      const auto score = static_cast<float>(draw() % 10);
      if (!tokens.emplace(text, std::pair(score, static_cast<int32_t>(list.texts.size()))).second)
        continue;
      std::string marked;
      for (const char byte : text)
        marked += byte == ' ' ? std::string(kMark) : std::string(1, byte);
      list.add(marked, testing::kNormalToken, score);
    }
    GgufFile file = sentence_piece_file(list);
    file.set_bool("tokenizer.ggml.add_space_prefix", 0);
    const Tokenizer tokenizer = tokenizer_of(file);
    for (int round = 0; round < 60; ++round) {
      std::string text;
      for (size_t length = 1 + draw() % 40; length > 0; --length)
        text += alphabet[draw() % alphabet.size()];
      EXPECT_EQ(tokenizer.encode(text, SpecialTokens::AsText), slowly_merged(text, tokens)) << text;
    }
  }
}

}  // namespace
}  // namespace dendrokv
