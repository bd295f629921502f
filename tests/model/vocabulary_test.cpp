// Every limit on what a file says about its tokens.

#include "model/vocabulary.h"

#include <gtest/gtest.h>
#include <limits>

#include "tests/model/tokenizer_file.h"

namespace dendrokv {
namespace {

using testing::GgufFile;
using testing::GgufType;
using testing::tokenizer_refusal;

// `change` made to a sound file gives a message with `part` in it.
template <class Change>
void expect_refusal(const Change& change, const std::string& part) {
  GgufFile file = testing::tiny_model();
  change(file);
  const std::string message = tokenizer_refusal(file);
  EXPECT_NE(message.find(part), std::string::npos) << message << "\nwanted " << part;
}

TEST(Vocabulary, TheSoundFileIsAccepted) {
  EXPECT_EQ(tokenizer_refusal(testing::tiny_model()), "accepted");
}

TEST(Vocabulary, EveryListMustBeThereAndOfItsType) {
  for (const char* key : {"model", "pre", "tokens", "token_type", "merges"}) {
    const std::string full = std::string("tokenizer.ggml.") + key;
    expect_refusal([&](GgufFile& file) { file.erase(full); }, full + " is missing");
    expect_refusal([&](GgufFile& file) { file.set_u32(full, 7); }, full + " has another type");
  }
  expect_refusal(
      [](GgufFile& file) {
        file.set_i32s("tokenizer.ggml.tokens", {1, 2});
      },
      "tokenizer.ggml.tokens has another type");
  expect_refusal([](GgufFile& file) { file.set_texts("tokenizer.ggml.token_type", {"1"}); },
                 "tokenizer.ggml.token_type has another type");
  expect_refusal([](GgufFile& file) { file.set_i32s("tokenizer.ggml.scores", {1}); },
                 "tokenizer.ggml.scores has another type");
  expect_refusal([](GgufFile& file) { file.set_u32("tokenizer.ggml.add_bos_token", 1); },
                 "tokenizer.ggml.add_bos_token has another type");
}

TEST(Vocabulary, ListsMustBeAsLongAsTheTokens) {
  expect_refusal([](GgufFile& file) { file.set_texts("tokenizer.ggml.tokens", {}); },
                 "tokenizer.ggml.tokens is empty");
  expect_refusal(
      [](GgufFile& file) {
        file.set_i32s("tokenizer.ggml.token_type", std::vector<int32_t>(261, 1));
      },
      "tokenizer.ggml.token_type has 261 elements, wanted one for each of the 262 tokens");
  testing::TokenList list = testing::byte_tokens();
  list.scores.pop_back();
  EXPECT_NE(tokenizer_refusal(sentence_piece_file(list)).find("scores has 258 elements"),
            std::string::npos);
}

TEST(Vocabulary, TypesScoresAndTextsMustMakeSense) {
  for (const int32_t type : {0, 7, -1}) {
    testing::TokenList list = testing::byte_tokens();
    list.add("x", type);
    EXPECT_NE(tokenizer_refusal(sentence_piece_file(list))
                  .find("token 259 'x' has type " + std::to_string(type)),
              std::string::npos);
  }
  for (const float score :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    testing::TokenList list = testing::byte_tokens();
    list.add("x", testing::kNormalToken, score);
    EXPECT_NE(
        tokenizer_refusal(sentence_piece_file(list)).find("token 259 'x' has no finite score"),
        std::string::npos);
  }
  testing::TokenList list = testing::byte_tokens();
  list.add("x");
  list.add("x");
  EXPECT_NE(tokenizer_refusal(sentence_piece_file(list))
                .find("token 260 'x' stands in the vocabulary twice"),
            std::string::npos);
}

}  // namespace
}  // namespace dendrokv
