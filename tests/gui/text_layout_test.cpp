#include "gui/text_layout.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace dendrokv {
namespace {

TokenText tokens_of(const std::vector<std::string>& pieces) {
  TokenText tokens;
  tokens.offset.push_back(0);
  for (const std::string& piece : pieces) {
    tokens.id.push_back(static_cast<int32_t>(tokens.id.size()));
    tokens.bytes += piece;
    tokens.offset.push_back(tokens.bytes.size());
  }
  return tokens;
}

/// Each character ten wide.
double ten_each(const QString& text) {
  return 10.0 * text.size();
}

std::vector<std::string> texts(const std::vector<TextLine>& lines) {
  std::vector<std::string> all;
  for (const TextLine& line : lines) all.push_back(line.text.toStdString());
  return all;
}

std::vector<uint32_t> found(const std::vector<std::string>& pieces, const char* wanted) {
  std::vector<uint32_t> positions;
  for (const Position p : find_text(tokens_of(pieces), QString::fromUtf8(wanted)))
    positions.push_back(p.value);
  return positions;
}

using Numbers = std::vector<uint32_t>;

TEST(ShownPiece, LineEndsAndTabsAreSignsAndBlanksKeepTheirWidth) {
  EXPECT_EQ(shown_piece("\n").toStdString(), "\u21b5");
  EXPECT_EQ(shown_piece("\t\r").toStdString(), "\u21e5\u240d");
  EXPECT_EQ(shown_piece(" the").toStdString(), "\u00a0the");
  EXPECT_EQ(shown_piece("a\x01").toStdString(), "a\u2022");
}

TEST(ShownPiece, BytesOfAPartOfACharacterAreHex) {
  EXPECT_EQ(shown_piece("\xe2\x82").toStdString(), "\u2039E2 82\u203a");
  EXPECT_EQ(shown_piece("\xac").toStdString(), "\u2039AC\u203a");
  EXPECT_EQ(shown_piece("\xe2\x82\xac").toStdString(), "\u20ac");
  EXPECT_EQ(shown_piece("\xf0\x9f\x8c\x8a").toStdString(), "\xf0\x9f\x8c\x8a");
}

TEST(ShownPiece, APieceWithoutAVisibleCharacterIsStillSeen) {
  EXPECT_EQ(shown_piece("").toStdString(), "\u2039\u203a");
  EXPECT_EQ(shown_piece("\xef\xbb\xbf").toStdString(), "\u2039EF BB BF\u203a");
}

TEST(QuotedPiece, DropsBlanksAroundAndShortens) {
  EXPECT_EQ(quoted_piece(" tide").toStdString(), "\u201ctide\u201d");
  EXPECT_EQ(quoted_piece(" ").toStdString(), "\u201c\u00a0\u201d");
  EXPECT_EQ(quoted_piece("abcdefgh", 5).toStdString(), "\u201cabcd\u2026\u201d");
  EXPECT_EQ(quoted_piece("abcde", 5).toStdString(), "\u201cabcde\u201d");
  // Never half of a surrogate pair.
  EXPECT_EQ(quoted_piece("abc\xf0\x9f\x8c\x8a"
                         "fg",
                         5)
                .toStdString(),
            "\u201cabc\u2026\u201d");
}

TEST(FlowText, BreaksBeforeTheTokenThatCrossesTheWidth) {
  const std::vector<TextLine> lines =
      flow_text(tokens_of({"The", " tide", " turned", " at", " four"}), 100, ten_each);
  EXPECT_EQ(texts(lines), (std::vector<std::string>{"The\u00a0tide", "turned\u00a0at", "four"}));
  EXPECT_EQ(lines[1].first, Position(2));
  EXPECT_EQ(lines[1].tokens(), 2u);
  EXPECT_EQ(lines[1].end(), Position(4));
  EXPECT_EQ(lines[1].start, (std::vector<int>{0, 6, 9}));
}

TEST(FlowText, ATokenWiderThanTheLineHasALineOfItsOwn) {
  const std::vector<TextLine> lines =
      flow_text(tokens_of({"a", "incomprehensible", "b"}), 50, ten_each);
  EXPECT_EQ(texts(lines), (std::vector<std::string>{"a", "incomprehensible", "b"}));
}

TEST(FlowText, AWordOfSeveralTokensStaysTogether) {
  const TokenText tokens = tokens_of({"the", " sea", " cr", "abs", ",", " he", " said"});
  EXPECT_EQ(texts(flow_text(tokens, 120, ten_each)),
            (std::vector<std::string>{"the\u00a0sea", "crabs,\u00a0he", "said"}));
  const std::vector<TextLine> lines = flow_text(tokens, 120, ten_each);
  EXPECT_EQ(lines[1].first, Position(2));
  EXPECT_EQ(lines[1].start, (std::vector<int>{0, 2, 5, 6, 9}));
  // A word that has no room on any line is parted.
  EXPECT_EQ(texts(flow_text(tokens, 50, ten_each)),
            (std::vector<std::string>{"the", "sea", "cr", "abs,", "he", "said"}));
}

TEST(FlowText, ParagraphsBeginAtTheLeft) {
  const std::vector<TextLine> lines = flow_text(
      tokens_of({"one", "\n", "\n", "two", "\n", "three", "\n\n", "four"}), 1e6, ten_each);
  EXPECT_EQ(texts(lines),
            (std::vector<std::string>{"one\u21b5\u21b5", "two\u21b5three\u21b5\u21b5", "four"}));
}

TEST(FlowText, NoTokensNoLines) {
  EXPECT_TRUE(flow_text(tokens_of({}), 100, ten_each).empty());
}

TEST(FlowText, EveryTokenIsOnOneLineInOrderAtAnyWidth) {
  std::mt19937 random(7);
  const char* const kPieces[] = {
      " a", "word", " long", "\n", "\n\n", " ", "\xe2\x82", "\xac", ".", "\t", "\xc3\xa9t\xc3\xa9"};
  std::vector<std::string> pieces;
  for (int i = 0; i < 400; ++i) pieces.emplace_back(kPieces[random() % std::size(kPieces)]);
  const TokenText tokens = tokens_of(pieces);
  for (const double width : {1.0, 35.0, 120.0, 1e6}) {
    const std::vector<TextLine> lines = flow_text(tokens, width, ten_each);
    uint32_t next = 0;
    for (const TextLine& line : lines) {
      ASSERT_EQ(line.first.value, next);
      ASSERT_GT(line.tokens(), 0u);
      ASSERT_EQ(line.start.front(), 0);
      ASSERT_EQ(line.start.back(), line.text.size());
      ASSERT_TRUE(std::is_sorted(line.start.begin(), line.start.end()));
      if (line.tokens() > 1) {
        ASSERT_LE(ten_each(line.text), width);
      }
      for (uint32_t p = line.first.value; p < line.end().value; ++p)
        ASSERT_EQ(lines[line_of(lines, Position(p))].first, line.first);
      next = line.end().value;
    }
    ASSERT_EQ(next, 400u);
  }
}

TEST(FindText, AnyCaseAndAcrossPieces) {
  const std::vector<std::string> pieces = {"The", " Tide", " led", "ger", " tide"};
  EXPECT_EQ(found(pieces, "tide"), (Numbers{1, 4}));
  EXPECT_EQ(found(pieces, "ledger"), (Numbers{2}));
  EXPECT_EQ(found(pieces, "e t"), (Numbers{0}));
  EXPECT_EQ(found(pieces, "e"), (Numbers{0, 1, 2, 3, 4}));
  EXPECT_EQ(found(pieces, ""), Numbers{});
  EXPECT_EQ(found(pieces, "storm"), Numbers{});
}

TEST(FindText, ACharacterInSeveralPiecesBelongsToTheOneThatBeginsIt) {
  EXPECT_EQ(found({"caf", "\xc3", "\xa9", " noir"}, "\u00e9"), (Numbers{1}));
  EXPECT_EQ(found({"caf", "\xc3", "\xa9", " noir"}, "f\u00e9 n"), (Numbers{0}));
  EXPECT_EQ(found({"caf", "\xc3", "\xa9", " noir"}, "noir"), (Numbers{3}));
  EXPECT_EQ(found({"\xf0", "\x9f", "\x8c", "\x8a", "x"}, "x"), (Numbers{4}));
  EXPECT_EQ(found({"\xf0", "\x9f", "\x8c", "\x8a", "x"}, "\xf0\x9f\x8c\x8a"), (Numbers{0}));
  EXPECT_EQ(found({"\xe2", "\x82\xac", "5"}, "5"), (Numbers{2}));
}

}  // namespace
}  // namespace dendrokv
