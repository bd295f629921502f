// Token ids against recorded ones of two other implementations (tests/data/README.md).

#include "model/tokenizer.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <random>

#include "data/error.h"
#include "data/identity.h"
#include "model/model.h"
#include "model/text_stream.h"
#include "model/unicode.h"
#include "tests/model/gguf_file.h"
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

Tokenizer tokenizer_of(const std::filesystem::path& path) {
  const std::string bytes = read_text(path);
  return Tokenizer(Gguf::parse(path.string(), testing::as_bytes(bytes)));
}

// Every piece of the stream must be whole UTF-8, as the text is.
std::string streamed(const Tokenizer& tokenizer, const Ids& ids) {
  TextStream stream(tokenizer, StreamStart::OfText);
  std::string text;
  for (const int32_t id : ids) {
    const std::string ready = stream.feed(id);
    EXPECT_EQ(valid_utf8(ready), ready);
    text += ready;
  }
  return text + stream.flush();
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

// The ids of a whole novel decode to its text (known by its SHA-256), and that text encodes to the
// same ids.
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

// A model of the tiny set without its weights, and what two other implementations make of 27
// strings.
struct Reference {
  std::string name;
  std::filesystem::path gguf, cases;
};

std::ostream& operator<<(std::ostream& stream, const Reference& reference) {
  return stream << reference.name;
}

std::vector<Reference> references() {
  std::vector<Reference> all = {{"llama_gqa_tied", data_file("models/llama-gqa-tied/model.gguf"),
                                 data_file("models/llama-gqa-tied/tokenizer.json")}};
  for (const std::string name : {"llama-rope-llama3", "qwen2", "qwen3", "llama-spm", "gemma3"}) {
    std::string identifier = name;
    std::replace(identifier.begin(), identifier.end(), '-', '_');
    all.push_back({identifier, data_file("tokenizer/" + name + ".gguf"),
                   data_file("tokenizer/" + name + ".json")});
  }
  return all;
}

class ReferenceTokenizer : public ::testing::TestWithParam<Reference> {};

TEST_P(ReferenceTokenizer, GivesTheSameIdsAndTexts) {
  const Tokenizer tokenizer = tokenizer_of(GetParam().gguf);
  const json reference = json::parse(read_text(GetParam().cases));
  ASSERT_EQ(reference.at("cases").size(), 27u);
  for (const json& row : reference.at("cases")) {
    const std::string text = row.at("text");
    const Ids ids = tokenizer.encode(text, SpecialTokens::AsText);
    EXPECT_EQ(ids, row.at("ids").get<Ids>()) << text;
    EXPECT_EQ(tokenizer.text_of(ids).bytes, row.at("decoded").get<std::string>()) << text;
    EXPECT_EQ(tokenizer.decode(ids), text);
    const std::vector<TextPart> parts = {{text, SpecialTokens::Parse}};
    EXPECT_EQ(tokenizer.encode_prompt(parts), row.at("ids_special").get<Ids>()) << text;
    EXPECT_EQ(streamed(tokenizer, ids), text);
  }
}

INSTANTIATE_TEST_SUITE_P(TinyModels, ReferenceTokenizer, ::testing::ValuesIn(references()),
                         [](const auto& parameter) { return parameter.param.name; });

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

// Everything that is well-formed comes back, whatever its classes are; the SentencePiece-like ones
// take U+2581 for a space, and no vocabulary of a tiny model lacks a byte.
TEST_P(ReferenceTokenizer, RoundTripsEveryPlaneAndRandomBytes) {
  const Tokenizer tokenizer = tokenizer_of(GetParam().gguf);
  const auto expect_back = [&](const std::string& text) {
    const Ids ids = tokenizer.encode(text, SpecialTokens::AsText);
    EXPECT_EQ(tokenizer.decode(ids), text);
    EXPECT_EQ(streamed(tokenizer, ids), text);
  };
  for (char32_t first = 0; first < 0x110000; first += 4096) {
    std::string text;
    for (char32_t character = first; character < first + 4096; character += 7)
      if ((character < 0xD800 || character > 0xDFFF) && character != 0x2581)
        append_utf8(character, text);
    expect_back(text);
  }
  std::mt19937 draw(4711);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(draw() % 200, '\0');
    const bool spaced = round % 2 == 0;
    for (char& byte : bytes)
      byte = spaced && draw() % 3 == 0 ? " \n\t'0aA"[draw() % 7]
                                       : static_cast<char>(static_cast<unsigned char>(draw()));
    std::string text = valid_utf8(bytes);
    expect_back(text);
    EXPECT_EQ(tokenizer.encode(bytes, SpecialTokens::AsText),
              tokenizer.encode(text, SpecialTokens::AsText));
  }
}

// Any change of a file gives a tokenizer or an Error, and any text its ids or an Error: never a
// crash.
TEST_P(ReferenceTokenizer, MutatedFilesNeverCrash) {
  const std::string sound = read_text(GetParam().gguf);
  const size_t head = std::min<size_t>(sound.size(), 9000);  // the rest is weights
  std::mt19937 draw(20260102);
  size_t refused = 0, accepted = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string bytes = sound;
    for (size_t change = draw() % 3 + 1; change > 0; --change)
      bytes[draw() % head] = static_cast<char>(round % 3 ? draw() % 256 : "\0\xFF <>"[draw() % 5]);
    try {
      const Tokenizer tokenizer(Gguf::parse("mutant", testing::as_bytes(bytes)));
      const Ids ids =
          tokenizer.encode("the <s> mutant\n\n\xE6\x97\xA5 <|im_end|> 123", SpecialTokens::Parse);
      for (const int32_t id : ids) EXPECT_LT(static_cast<uint32_t>(id), tokenizer.vocabulary());
      tokenizer.decode(ids);
      ++accepted;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100u);
  EXPECT_GT(accepted, 30u);
}

std::string repeated(std::string_view unit, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

// A megabyte that nothing parts. Quadratic work would take minutes.
TEST(Tokenizer, PathologicalTextsTakeReasonableTime) {
  const std::string family = "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7";  // woman, joiner, girl
  const auto begin = std::chrono::steady_clock::now();
  for (const std::filesystem::path& path :
       {testing::default_model(), data_file("tokenizer/llama-spm.gguf"),
        data_file("tokenizer/gemma3.gguf"), data_file("tokenizer/qwen2.gguf"),
        data_file("tokenizer/llama-rope-llama3.gguf")}) {
    const Tokenizer tokenizer = tokenizer_of(path);
    for (const std::string_view unit :
         {std::string_view("a"), std::string_view(" "), std::string_view(family),
          std::string_view("<|im_"), std::string_view("\n")}) {
      const std::string text = repeated(unit, 1'000'000);
      EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, SpecialTokens::Parse)), text) << path;
    }
    const std::string broken(500'000, '\xF0');
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(broken, SpecialTokens::AsText)),
              repeated("\xEF\xBF\xBD", 3 * broken.size()));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(seconds.count(), 60);  // some 5 s when optimised
}

TEST(Tokenizer, LimitsOnTheTextAndOnAStretchOfIt) {
  const Tokenizer& tokenizer = default_model().tokenizer();
  const auto message = [&](const std::string& text) -> std::string {
    try {
      tokenizer.encode(text, SpecialTokens::AsText);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message(std::string(kLongestPiece, '!')), "accepted");
  EXPECT_NE(message(std::string(kLongestPiece + 1, '!')).find("without a break"),
            std::string::npos);
  EXPECT_NE(message(std::string((size_t{1} << 26) + 1, '!')).find("has 67108865 bytes"),
            std::string::npos);
}

// A message's text is read as text, wherever the parts meet; what is plain on both sides of a
// border is one text.
TEST(Tokenizer, PartsAreReadInTheirOwnWayAsOneText) {
  const Tokenizer& tokenizer = default_model().tokenizer();
  const auto ids = [&](const std::vector<TextPart>& parts) { return tokenizer.encode_more(parts); };
  using enum SpecialTokens;
  EXPECT_EQ(ids({{"Hel", AsText}, {"lo wor", Parse}, {"ld! 123", AsText}}),
            tokenizer.encode("Hello world! 123", AsText));
  EXPECT_EQ(ids({{"<|im_start|>us", Parse}, {"er", AsText}}),
            tokenizer.encode("<|im_start|>user", Parse));
  const Ids quoted = ids({{"<|im_start|>", Parse}, {"<|im_end|>", AsText}, {"<|im_end|>", Parse}});
  EXPECT_EQ(quoted.front(), 1);
  EXPECT_EQ(std::count(quoted.begin(), quoted.end(), 2), 1);
  // No special token arises from two parts.
  EXPECT_EQ(ids({{"<|im_st", Parse}, {"art|>", Parse}}), tokenizer.encode("<|im_start|>", AsText));
  EXPECT_TRUE(ids({}).empty());
}

}  // namespace
}  // namespace dendrokv
