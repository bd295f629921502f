#include "gui/text_flow.h"

#include <gtest/gtest.h>
#include <random>

namespace dendrokv {
namespace {

TokenText text_of(size_t tokens, uint32_t seed) {
  std::mt19937 random(seed);
  const char* const kPieces[] = {" the", " sea", "ing", ".", "\n", "\n\n", " remember", ","};
  TokenText text;
  text.offset.push_back(0);
  for (size_t i = 0; i < tokens; ++i) {
    text.id.push_back(static_cast<int32_t>(i));
    const auto draw = static_cast<uint32_t>(random() % 100);
    text.bytes += kPieces[draw < 2 ? 5 : draw < 5 ? 4 : draw % 4 == 3 ? 6 : draw % 3];
    text.offset.push_back(text.bytes.size());
  }
  return text;
}

double ten_each(const QString& text) {
  return 10.0 * text.size();
}

TextFlow flow_of(const TokenText& text, double width) {
  return {text, text_blocks(text, TextFlow::kFewestTokens, TextFlow::kMostTokens), width, ten_each};
}

TEST(TextBlocks, BeginAtParagraphsAndCoverTheText) {
  const TokenText text = text_of(5000, 1);
  const std::vector<uint32_t> starts = text_blocks(text, 100, 600);
  ASSERT_EQ(starts.front(), 0u);
  for (size_t i = 1; i < starts.size(); ++i) {
    const uint32_t length = starts[i] - starts[i - 1];
    EXPECT_GE(length, 100u);
    EXPECT_LE(length, 600u);
    if (length < 600) {
      EXPECT_EQ(text.piece(Position(starts[i] - 1)).back(), '\n');
    }
  }
  EXPECT_TRUE(text_blocks({}, 100, 600).empty());
}

TEST(TextFlow, LinesAreThoseOfTheWholeText) {
  const TokenText text = text_of(3000, 2);
  for (const double width : {80.0, 500.0}) {
    // Paragraphs end lines in both, and every block ends with a paragraph here.
    const std::vector<TextLine> whole = flow_text(text, width, ten_each);
    TextFlow flow = flow_of(text, width);
    for (uint32_t p = 0; p < 3000; p += 71) {
      const size_t at = line_of(whole, Position(p));
      const std::vector<TextLine> lines = flow.lines(Position(p), 3, 9);
      const size_t first = at - std::min<size_t>(at, 3);
      ASSERT_FALSE(lines.empty());
      for (size_t i = 0; i < lines.size(); ++i) {
        ASSERT_EQ(lines[i].first, whole[first + i].first) << p << " " << i;
        ASSERT_EQ(lines[i].text, whole[first + i].text);
        ASSERT_EQ(lines[i].start, whole[first + i].start);
      }
      ASSERT_EQ(lines.size(), std::min<size_t>(9, whole.size() - first));
    }
  }
}

TEST(TextFlow, AMillionTokensAreLaidOutOnlyWhereTheyAreLookedAt) {
  const TokenText text = text_of(1'000'000, 3);
  TextFlow flow = flow_of(text, 1100);
  size_t asked = 0;
  for (const uint32_t p : {0u, 500'000u, 999'999u}) {
    const std::vector<TextLine> lines = flow.lines(Position(p), 5, 20);
    const TextLine& line = lines[line_of(lines, Position(p))];
    const size_t t = p - line.first.index();
    EXPECT_TRUE(line.text.mid(line.start[t], line.start[t + 1] - line.start[t])
                    .endsWith(shown_piece(text.piece(Position(p))).trimmed()));
    ++asked;
  }
  EXPECT_LE(flow.blocks_made(), 6 * asked);
}

TEST(TextFlow, NothingOfNothing) {
  TextFlow none;
  EXPECT_TRUE(none.empty());
  EXPECT_TRUE(none.lines(Position(0), 0, 5).empty());
}

}  // namespace
}  // namespace dendrokv
