#include "gui/search.h"

#include <gtest/gtest.h>
#include <random>

#include "gui/destinations.h"

namespace dendrokv {
namespace {

TokenText text_of(const std::vector<std::string>& pieces) {
  TokenText text;
  text.offset.push_back(0);
  for (const std::string& piece : pieces) {
    text.id.push_back(static_cast<int32_t>(text.id.size()) % 3);
    text.bytes += piece;
    text.offset.push_back(text.bytes.size());
  }
  return text;
}

/// "0-1 4": the hits of what is typed.
std::string found(const std::vector<std::string>& pieces, const char* typed) {
  const SearchResult result = search_tokens(text_of(pieces), parse_query(QString::fromUtf8(typed)));
  std::string hits = result.problem.toStdString();
  for (const PositionRange& hit : result.hits) {
    if (!hits.empty()) hits += " ";
    hits += std::to_string(hit.first.value);
    if (hit.last != hit.first) hits += "-" + std::to_string(hit.last.value);
  }
  return hits;
}

const std::vector<std::string> kPieces = {"The", " ti", "de", " turned", ".", " The", " tide"};

TEST(Search, TextAcrossTokensInAnyCase) {
  EXPECT_EQ(found(kPieces, "tide"), "1-2 6");
  EXPECT_EQ(found(kPieces, "THE"), "0 5");
  EXPECT_EQ(found(kPieces, "e t"), "0-1 2-3 5-6");
  EXPECT_EQ(found(kPieces, ""), "");
  EXPECT_EQ(found(kPieces, "ebb"), "");
}

TEST(Search, RegularExpressions) {
  EXPECT_EQ(found(kPieces, "/t(i|u)/"), "1 3 6");
  EXPECT_EQ(found(kPieces, "/the tide/"), "0-2 5-6");
  EXPECT_EQ(found(kPieces, "/\\.$/"), "") << "not the end of the text";
  EXPECT_EQ(found(kPieces, "/x*/"), "") << "an empty match is no place";
  EXPECT_NE(found(kPieces, "/(/"), "");
  EXPECT_EQ(found({"a/b"}, "/"), "0") << "a slash alone is text";
}

TEST(Search, Ids) {
  EXPECT_EQ(found(kPieces, "#1"), "1 4");
  EXPECT_EQ(found(kPieces, "#99"), "");
  EXPECT_EQ(found({"a #", "b"}, "#b"), "0-1") << "no number: text";
}

TEST(Search, ACharacterCutBetweenTokensBelongsToTheOneThatEndsIt) {
  EXPECT_EQ(found({"na\xc3", "\xaf", "ve"}, "\xc3\xafv"), "1-2");
  EXPECT_EQ(found({"\xf0\x9f", "\x8c", "\x8a", "!"}, "!"), "3");
}

TEST(Search, EveryHitOfATextIsThatOfAPlainSearch) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> pieces;
    std::string all;
    for (int i = 0; i < 12; ++i) {
      std::string piece;
      for (unsigned k = 0; k < 1 + random() % 3; ++k)
        piece += static_cast<char>('a' + random() % 2);
      pieces.push_back(piece);
      all += piece;
    }
    const SearchResult result = search_tokens(text_of(pieces), parse_query(QStringLiteral("aba")));
    size_t hit = 0;
    for (size_t at = all.find("aba"); at != std::string::npos; at = all.find("aba", at + 1)) {
      ASSERT_LT(hit, result.hits.size());
      size_t begin = 0, first = 0;
      while (begin + pieces[first].size() <= at) begin += pieces[first++].size();
      EXPECT_EQ(result.hits[hit].first, Position(first));
      size_t last = first, end = begin + pieces[first].size();
      while (end < at + 3) end += pieces[++last].size();
      EXPECT_EQ(result.hits[hit].last, Position(last));
      ++hit;
    }
    EXPECT_EQ(hit, result.hits.size());
  }
}

TEST(Needle, IsToldFromTheLog) {
  dendrokv::Run run;
  run.lane_kind = LaneKind::PerQueryHead;
  run.retention = Retention(2, 2, 40);
  const auto drop = [&run](uint32_t layer, uint32_t lane, uint32_t p, uint32_t step) {
    run.retention.record(Layer(layer), Lane(lane),
                         {Position(p), Step(step), -1, 0, 0, Reason::Rule});
  };
  drop(0, 0, 5, 20);
  drop(0, 0, 6, 12);
  drop(0, 1, 6, 30);
  drop(1, 1, 9, 11);  // not part of it
  const PositionRange needle{Position(5), Position(7)};
  const NeedleStory story = needle_story(run, needle, {Layer(0), Lane(0)}, Step(25));
  EXPECT_EQ(story.lost_here, Step(12));
  EXPECT_EQ(story.rows_here, 1u);
  EXPECT_EQ(story.rows, 3u);
  EXPECT_EQ(story.lanes, 4u);
  EXPECT_EQ(story.lost, 1u);
  EXPECT_EQ(story.half_lost, std::nullopt);
  EXPECT_EQ(needle_text(story, run).toStdString(), "kept until step 12, lost in 25 % of heads");
  const NeedleStory later = needle_story(run, needle, {Layer(1), Lane(0)}, Step(39));
  EXPECT_EQ(later.lost_here, std::nullopt);
  EXPECT_EQ(later.lost, 2u);
  EXPECT_EQ(later.half_lost, Step(30));
  EXPECT_EQ(needle_text(later, run).toStdString(), "kept, lost in 50 % of heads");
  EXPECT_EQ(needle_text(needle_story(run, needle, {Layer(1), Lane(0)}, Step(8)), run).toStdString(),
            "kept, lost nowhere");
}

TEST(Destinations, PlacesAsPeopleTypeThem) {
  const auto at = [](const char* typed) {
    const auto place = parse_destination(QString::fromUtf8(typed));
    if (!place) return std::string("none");
    switch (place->kind) {
      case Destination::Kind::ToPosition:
        return "position " + std::to_string(place->number);
      case Destination::Kind::ToStep:
        return "step " + std::to_string(place->number);
      case Destination::Kind::ToLane:
        return "lane " + std::to_string(place->layer.value) + "." +
               std::to_string(place->lane.value);
    }
    return std::string();
  };
  EXPECT_EQ(at("1200"), "position 1200");
  EXPECT_EQ(at(" 120k "), "position 120000");
  EXPECT_EQ(at("1.5M"), "position 1500000");
  EXPECT_EQ(at("step 40"), "step 40");
  EXPECT_EQ(at("s2k"), "step 2000");
  EXPECT_EQ(at("14.2"), "lane 14.2");
  EXPECT_EQ(at("lane 3.0"), "lane 3.0");
  EXPECT_EQ(at("1.5"), "lane 1.5");
  for (const char* nonsense : {"", "tide", "-3", "99999999999", "1.2.3", "0.0001k"})
    EXPECT_EQ(at(nonsense), "none") << nonsense;
}

}  // namespace
}  // namespace dendrokv
