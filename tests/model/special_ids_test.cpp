#include "model/special_ids.h"

#include <gtest/gtest.h>

#include "tests/model/tokenizer_file.h"

namespace dendrokv {
namespace {

using testing::GgufFile;
using testing::GgufType;
using testing::tokenizer_of;
using testing::tokenizer_refusal;

std::string raw(int32_t number) {
  std::string bytes;
  testing::append(bytes, number);
  return bytes;
}

TEST(SpecialIds, EveryKeyOfAnIdIsHeldAgainstTheVocabulary) {
  for (const char* key : {"bos", "eos", "eot", "eom", "unknown", "padding", "seperator", "mask"}) {
    const std::string full = std::string("tokenizer.ggml.") + key + "_token_id";
    GgufFile file = testing::tiny_model();
    file.set_u32(full, 261);
    EXPECT_EQ(tokenizer_refusal(file), "accepted") << key;
    for (const uint32_t id : {262u, UINT32_MAX}) {
      file.set_u32(full, id);
      EXPECT_NE(tokenizer_refusal(file).find(full + " is " + std::to_string(id)),
                std::string::npos);
    }
    file.set(full, GgufType::I32, raw(-1));
    EXPECT_NE(tokenizer_refusal(file).find(full + " is -1"), std::string::npos);
    file.set(full, GgufType::I32, raw(5));
    EXPECT_EQ(tokenizer_refusal(file), "accepted") << key;
    file.set_text(full, "5");
    EXPECT_NE(tokenizer_refusal(file).find(full + " is not a whole number"), std::string::npos);
  }
}

// SentencePiece-like files may leave out what is always the same; a vocabulary too small for that
// is refused, not read past its end.
TEST(SpecialIds, DefaultsAreHeldAgainstTheVocabularyToo) {
  testing::TokenList list;
  list.add("<unk>", testing::kUnknownToken);
  EXPECT_NE(tokenizer_refusal(sentence_piece_file(list)).find("bos_token_id is missing"),
            std::string::npos);
  list.add("<s>", testing::kControlToken);
  EXPECT_NE(tokenizer_refusal(sentence_piece_file(list)).find("eos_token_id is missing"),
            std::string::npos);
  list.add("</s>", testing::kControlToken);
  const Tokenizer tokenizer = tokenizer_of(sentence_piece_file(list));
  EXPECT_EQ(tokenizer.bos(), 1);
  EXPECT_TRUE(tokenizer.add_bos());
  EXPECT_TRUE(tokenizer.ends_generation(2));
}

TEST(SpecialIds, BosIsAddedAsTheFileOrItsKindOfTokenizerSays) {
  GgufFile file = testing::tiny_model();
  EXPECT_FALSE(tokenizer_of(file).add_bos());
  file.set_text("tokenizer.ggml.pre", "llama-bpe");
  EXPECT_TRUE(tokenizer_of(file).add_bos());
  EXPECT_EQ(tokenizer_of(file).encode_prompt({}), (std::vector<int32_t>{259}));
  file.set_bool("tokenizer.ggml.add_bos_token", 0);
  EXPECT_FALSE(tokenizer_of(file).add_bos());
  EXPECT_TRUE(tokenizer_of(file).encode_prompt({}).empty());
  file.set_bool("tokenizer.ggml.add_bos_token", 1);
  EXPECT_TRUE(tokenizer_of(file).add_bos());
  file.erase("tokenizer.ggml.bos_token_id");
  EXPECT_NE(tokenizer_refusal(file).find("add_bos_token without bos_token_id"), std::string::npos);
  file.erase("tokenizer.ggml.add_bos_token");
  EXPECT_FALSE(tokenizer_of(file).add_bos());
}

TEST(SpecialIds, EndsAreThoseOfTheKeysAndThoseKnownByTheirTexts) {
  testing::TokenList list = testing::byte_tokens();
  list.add("<end_of_turn>", testing::kControlToken);  // 259
  list.add("<|eot_id|>");                             // an ordinary token that looks like one
  list.add("<stop>", testing::kControlToken);         // 261
  GgufFile file = sentence_piece_file(list);
  file.set_u32("tokenizer.ggml.eom_token_id", 261);
  EXPECT_EQ(tokenizer_of(file).end_ids(), (std::vector<int32_t>{2, 259, 261}));
  file.set_u32("tokenizer.ggml.eos_token_id", 1);
  file.set_u32("tokenizer.ggml.eot_token_id", 0);
  EXPECT_EQ(tokenizer_of(file).end_ids(), (std::vector<int32_t>{0, 1, 259, 261}));
}

TEST(SpecialIds, WhatIsNotDoneIsRefusedByName) {
  for (const char* key : {"add_eos_token", "add_sep_token"}) {
    GgufFile file = testing::tiny_model();
    const std::string full = std::string("tokenizer.ggml.") + key;
    file.set_bool(full, 0);
    EXPECT_EQ(tokenizer_refusal(file), "accepted");
    file.set_bool(full, 1);
    EXPECT_NE(tokenizer_refusal(file).find(full + " is true"), std::string::npos);
  }
}

}  // namespace
}  // namespace dendrokv
