// Token ids against recorded ones of two other implementations (tests/data/README.md).

#include "model/tokenizer.h"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/error.h"
#include "data/identity.h"
#include "model/model.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using nlohmann::json;
using testing::data_file;
using testing::read_text;
using Ids = std::vector<int32_t>;

const Model& default_model() {
  static const Model model =
      Model::load(testing::default_model(), LoadDepth::Describe, Arithmetic::Fast);
  return model;
}

TEST(Tokenizer, EqualsTheReferenceOnHardStrings) {
  const json reference = json::parse(read_text(data_file("tokenizer/strings.json")));
  size_t cases = 0;
  for (const json& row : reference.at("cases")) {
    if (!row.at("valid_utf8").get<bool>()) continue;
    const auto special =
        row.at("parse_special").get<bool>() ? SpecialTokens::Parse : SpecialTokens::AsText;
    EXPECT_EQ(default_model().tokenizer().encode(row.at("text").get<std::string>(), special),
              row.at("ids").get<Ids>())
        << row.at("name");
    ++cases;
  }
  EXPECT_GT(cases, 60u);
}

// The ids of a whole novel decode to its text (known by its SHA-256), and that text encodes to the same ids.
TEST(Tokenizer, EqualsTheReferenceOnAWholeNovel) {
  const json reference = json::parse(read_text(data_file("tokenizer/persuasion.json")));
  const std::string raw = read_text(data_file("tokenizer/persuasion_ids.u16"));
  Ids ids(raw.size() / 2);
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<unsigned char>(raw[2 * i]) | static_cast<unsigned char>(raw[2 * i + 1])
                                                          << 8;
  const Tokenizer& tokenizer = default_model().tokenizer();
  const std::string text = tokenizer.decode(ids);
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "text", std::ios::binary) << text;
  ASSERT_EQ(sha256_of(folder / "text"), reference.at("text_sha256"));

  const Ids encoded = tokenizer.encode(text, SpecialTokens::AsText);
  ASSERT_EQ(encoded.size(), reference.at("total_tokens").get<size_t>());
  EXPECT_EQ(Ids(encoded.begin(), encoded.begin() + 2000), reference.at("first_ids").get<Ids>());
  EXPECT_EQ(Ids(encoded.end() - 32, encoded.end()), reference.at("last_ids").get<Ids>());
  std::ofstream(folder / "ids", std::ios::binary)
      .write(reinterpret_cast<const char*>(encoded.data()),
             static_cast<std::streamsize>(encoded.size() * 4));
  EXPECT_EQ(sha256_of(folder / "ids"), reference.at("all_ids_i32le_sha256"));
}

TEST(Tokenizer, ByteLevelModelOfTheTinySet) {
  const Model model = Model::load(data_file("models/llama-gqa-tied/model.gguf"),
                                  LoadDepth::Describe, Arithmetic::Exact);
  const json reference = json::parse(read_text(data_file("models/llama-gqa-tied/tokenizer.json")));
  for (const json& row : reference.at("cases")) {
    const std::string text = row.at("text");
    const Ids ids = model.tokenizer().encode(text, SpecialTokens::AsText);
    EXPECT_EQ(ids, row.at("ids").get<Ids>()) << text;
    EXPECT_EQ(model.tokenizer().decode(ids), row.at("decoded").get<std::string>()) << text;
    Ids special = model.tokenizer().encode(text, SpecialTokens::Parse);
    if (model.tokenizer().add_bos()) special.insert(special.begin(), model.tokenizer().bos());
    EXPECT_EQ(special, row.at("ids_special").get<Ids>()) << text;
  }
}

TEST(Tokenizer, AByteOutsideOfAnySequenceIsOneReplacementCharacter) {
  const Tokenizer& tokenizer = default_model().tokenizer();
  const auto text_of = [&](std::string_view text) {
    return tokenizer.decode(tokenizer.encode(text, SpecialTokens::AsText));
  };
  EXPECT_EQ(text_of("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(text_of("\xC3"), "\xEF\xBF\xBD");                                  // cut off
  EXPECT_EQ(text_of("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
  EXPECT_EQ(text_of("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // surrogate
  EXPECT_EQ(text_of("\xF4\x90\x80\x80"),
            "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // above U+10FFFF
}

TEST(Tokenizer, EndTokensAndIdsOutsideOfTheVocabulary) {
  const Tokenizer& tokenizer = default_model().tokenizer();
  EXPECT_TRUE(tokenizer.ends_generation(0));
  EXPECT_TRUE(tokenizer.ends_generation(2));
  EXPECT_FALSE(tokenizer.ends_generation(1));
  EXPECT_FALSE(tokenizer.ends_generation(500));
  EXPECT_FALSE(tokenizer.add_bos());
  EXPECT_THROW(tokenizer.text_of({1, 49152}), Error);
  EXPECT_THROW(tokenizer.text_of({-1}), Error);
  const TokenText text = tokenizer.text_of({504, 3575});
  EXPECT_EQ(text.piece(Position(0)), "The");
  EXPECT_EQ(text.piece(Position(1)), " capital");
}

TEST(Tokenizer, ALongRunIsMergedInReasonableTime) {
  const std::string run(200'000, 'a');
  const Tokenizer& tokenizer = default_model().tokenizer();
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(run, SpecialTokens::AsText)), run);
}

TEST(Chat, ChatMlWithTheDefaultSystemTurn) {
  const json reference = json::parse(read_text(data_file("logits/greedy_chat.json")));
  Ids ids;
  std::string text;
  for (const ChatPiece& piece :
       chat_prompt(default_model().gguf(), reference.at("user_message").get<std::string>())) {
    text += piece.text;
    const Ids part = default_model().tokenizer().encode(piece.text, piece.special);
    ids.insert(ids.end(), part.begin(), part.end());
  }
  EXPECT_EQ(text, reference.at("prompt"));
  EXPECT_EQ(ids, reference.at("prompt_ids").get<Ids>());
}

TEST(Chat, ControlTokensInAUsersTextStayText) {
  const auto pieces = chat_prompt(default_model().gguf(), "<|im_end|>");
  const Ids ids = default_model().tokenizer().encode(pieces[1].text, pieces[1].special);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 2), 0);
}

TEST(Utf8Stream, HoldsBackUnfinishedCharacters) {
  Utf8Stream stream;
  EXPECT_EQ(stream.feed("a\xE2\x82"), "a");
  EXPECT_EQ(stream.feed("\xAC!"), "\xE2\x82\xAC!");
  EXPECT_EQ(stream.feed("\xF0\x9F"), "");
  EXPECT_EQ(stream.feed("x"), "\xF0\x9Fx");
  EXPECT_EQ(stream.feed("\xC3"), "");
  EXPECT_EQ(stream.flush(), "\xC3");
}

}  // namespace
}  // namespace dendrokv
