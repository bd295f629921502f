#include "model/text_stream.h"

#include <gtest/gtest.h>
#include <vector>

#include "model/tokenizer.h"
#include "tests/model/gguf_file.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

TEST(Utf8Stream, HoldsBackUnfinishedCharacters) {
  Utf8Stream stream;
  EXPECT_EQ(stream.feed("a\xE2\x82"), "a");
  EXPECT_EQ(stream.feed("\xAC!"), "\xE2\x82\xAC!");
  EXPECT_EQ(stream.feed("\xF0\x9F"), "");
  EXPECT_EQ(stream.feed("x"), "\xF0\x9Fx");
  EXPECT_EQ(stream.feed("\xC3"), "");
  EXPECT_EQ(stream.flush(), "\xC3");
  EXPECT_EQ(stream.flush(), "");
}

// A byte at a time: nothing is held longer than a character takes.
TEST(Utf8Stream, GivesEachCharacterWithItsLastByte) {
  Utf8Stream stream;
  std::vector<std::string> given;
  for (const char byte : std::string("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8C\x8A."))
    given.push_back(stream.feed({&byte, 1}));
  EXPECT_EQ(given, (std::vector<std::string>{"", "\xC3\xA9", "", "", "\xE2\x82\xAC", "", "", "",
                                             "\xF0\x9F\x8C\x8A", "."}));
}

TEST(TextStream, DropsTheSpaceInFrontOfATextOnly) {
  const std::string bytes = testing::read_text(testing::data_file("tokenizer/llama-spm.gguf"));
  const Tokenizer tokenizer(Gguf::parse("llama-spm", testing::as_bytes(bytes)));
  const auto text = [&](StreamStart start, const std::vector<int32_t>& ids) {
    TextStream stream(tokenizer, start);
    std::string all;
    for (const int32_t id : ids) all += stream.feed(id);
    return all + stream.flush();
  };
  const auto the = tokenizer.encode("the the", SpecialTokens::AsText);
  EXPECT_EQ(text(StreamStart::OfText, the), "the the");
  EXPECT_EQ(text(StreamStart::Within, the), " the the");
  // What follows a special token got a space too.
  EXPECT_EQ(text(StreamStart::OfText, tokenizer.encode("the<s>the </s> x", SpecialTokens::Parse)),
            "the<s>the </s> x");
}

}  // namespace
}  // namespace dendrokv
