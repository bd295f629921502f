// Byte-level models: what their files may say, and their merging against a slow one that follows
// the words of the definition.

#include <gtest/gtest.h>
#include <map>
#include <random>

#include "model/pre_tokenizer.h"
#include "tests/model/tokenizer_file.h"

namespace dendrokv {
namespace {

using testing::GgufFile;
using testing::tokenizer_of;
using testing::tokenizer_refusal;
using Ids = std::vector<int32_t>;

void expect_part(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << message << "\nwanted " << part;
}

TEST(ByteLevel, APreTokenizerIsNeverGuessed) {
  GgufFile file = testing::tiny_model();
  file.erase("tokenizer.ggml.pre");
  expect_part(tokenizer_refusal(file), "name it with --pre-tokenizer");
  EXPECT_EQ(tokenizer_refusal(file, {.pre_tokenizer = "gpt-2"}), "accepted");
  file.set_text("tokenizer.ggml.pre", "default");
  expect_part(tokenizer_refusal(file), "tokenizer.ggml.pre is 'default', wanted one of gpt-2|");
  EXPECT_EQ(tokenizer_refusal(file, {.pre_tokenizer = "qwen2"}), "accepted");
  expect_part(tokenizer_refusal(file, {.pre_tokenizer = "banana"}), "--pre-tokenizer: 'banana'");
}

TEST(ByteLevel, WhatItDoesNotDoIsRefusedByName) {
  for (const char* key : {"add_space_prefix", "remove_extra_whitespaces"}) {
    GgufFile file = testing::tiny_model();
    file.set_bool(std::string("tokenizer.ggml.") + key, 1);
    expect_part(tokenizer_refusal(file), std::string(key) + " is true");
  }
  GgufFile file = testing::tiny_model();
  file.set_text("tokenizer.ggml.model", "t5");
  expect_part(tokenizer_refusal(file), "tokenizer.ggml.model is 't5', wanted gpt2");
}

TEST(ByteLevel, MergesMustMakeTokensOfTokens) {
  const auto message = [](const std::vector<std::string>& merges) {
    GgufFile file = testing::tiny_model();
    file.set_texts("tokenizer.ggml.merges", merges);
    return tokenizer_refusal(file);
  };
  EXPECT_EQ(message({}), "accepted");
  expect_part(message({"t h", "th"}), "merge 1 'th' has one part");
  expect_part(message({"t h", " t"}), "merge 1 ' t' has one part");
  expect_part(message({"t "}), "merge 0 't ' needs the token ''");
  expect_part(message({"q q"}), "merge 0 'q q' needs the token 'qq'");
  expect_part(message({"qq q"}), "needs the token 'qq'");
  expect_part(message({"t h", "t h"}), "merge 1 't h' stands there twice");
}

TEST(ByteLevel, NormalTokensAreWrittenInTheByteAlphabet) {
  testing::TokenList list;
  for (const std::string& text : testing::byte_texts()) list.add(text);
  list.add("a b");
  GgufFile file = testing::tiny_model();
  file.set_texts("tokenizer.ggml.merges", {});
  list.set(file);
  expect_part(tokenizer_refusal(file), "token 256 'a b', wanted characters of the byte alphabet");
}

// The definition: of all pairs of neighbours that are in the table, merge the one of lowest rank,
// the leftmost of equals; repeat.
Ids slowly_merged(Ids ids,
                  const std::map<std::pair<int32_t, int32_t>, std::pair<int, int32_t>>& merges) {
  for (;;) {
    size_t best = ids.size();
    for (size_t at = 0; at + 1 < ids.size(); ++at) {
      const auto found = merges.find({ids[at], ids[at + 1]});
      if (found == merges.end()) continue;
      if (best == ids.size() || found->second.first < merges.at({ids[best], ids[best + 1]}).first)
        best = at;
    }
    if (best == ids.size()) return ids;
    ids[best] = merges.at({ids[best], ids[best + 1]}).second;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(ByteLevel, MergesLikeTheDefinition) {
  std::mt19937 draw(99);
  for (int vocabulary = 0; vocabulary < 20; ++vocabulary) {
    testing::TokenList list;
    for (const std::string& text : testing::byte_texts()) list.add(text);
    std::map<std::pair<int32_t, int32_t>, std::pair<int, int32_t>> merges;
    std::vector<std::string> lines;
    std::vector<int32_t> parts = {'a', 'b', 'c'};
    for (int tries = 0; tries < 60; ++tries) {
      const int32_t left = parts[draw() % parts.size()], right = parts[draw() % parts.size()];
      const auto text = [&](int32_t id) { return list.texts[static_cast<size_t>(id)]; };
      const std::string both = text(left) + text(right);
      if (both.size() > 6 || std::count(list.texts.begin(), list.texts.end(), both) > 0) continue;
      lines.push_back(text(left) + " " + text(right));
      merges[{left, right}] = {static_cast<int>(lines.size()),
                               static_cast<int32_t>(list.texts.size())};
      parts.push_back(static_cast<int32_t>(list.texts.size()));
      list.add(both);
    }
    GgufFile file = testing::tiny_model();
    list.set(file);
    file.set_texts("tokenizer.ggml.merges", lines);
    file.erase("tokenizer.ggml.bos_token_id");
    file.erase("tokenizer.ggml.eos_token_id");
    const Tokenizer tokenizer = tokenizer_of(file);
    for (int round = 0; round < 50; ++round) {
      std::string word(1 + draw() % 30, 'a');
      for (char& letter : word) letter = "abc"[draw() % 3];
      EXPECT_EQ(tokenizer.encode(word, SpecialTokens::AsText),
                slowly_merged(Ids(word.begin(), word.end()), merges))
          << word;
    }
  }
}

// llama-bpe takes a pre-token that is a token as it stands, even where no merge leads to it.
TEST(ByteLevel, WholeTokensAreTakenWhereTheRowSaysSo) {
  testing::TokenList list;
  for (const std::string& text : testing::byte_texts()) list.add(text);
  list.add("xyz");
  list.add("<s>", testing::kControlToken);
  GgufFile file = testing::tiny_model();
  list.set(file);
  file.set_texts("tokenizer.ggml.merges", {});
  file.set_u32("tokenizer.ggml.bos_token_id", 257);
  file.set_u32("tokenizer.ggml.eos_token_id", 257);
  for (const PreTokenizer& row : pre_tokenizer_table()) {
    file.set_text("tokenizer.ggml.pre", std::string(row.name));
    const Ids taken = tokenizer_of(file).encode("xyz", SpecialTokens::AsText);
    if (row.whole_tokens == WholeTokens::Take)
      EXPECT_EQ(taken, (Ids{256})) << row.name;
    else
      EXPECT_EQ(taken, (Ids{'x', 'y', 'z'})) << row.name;
    EXPECT_EQ(tokenizer_of(file).encode("xyzx", SpecialTokens::AsText), (Ids{'x', 'y', 'z', 'x'}));
  }
}

}  // namespace
}  // namespace dendrokv
