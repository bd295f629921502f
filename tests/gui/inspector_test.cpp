#include "gui/inspector.h"

#include <gtest/gtest.h>
#include <limits>

namespace dendrokv {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// "0 1 2 ..." as pieces, two lanes of one layer, sinks 1, recents 3.
class InspectorTest : public ::testing::Test {
 protected:
  Content content;
  Selection now;

  InspectorTest() {
    content.info.tokens = 40;
    content.info.model = {"m", "llama", "0", 1, 4, 2, 8, 100, 100, 1e4};
    content.info.layers.emplace_back(0);
    for (const uint32_t head : {0u, 1u, 2u, 3u}) content.info.heads.emplace_back(head);
    content.tokens.offset.push_back(0);
    for (uint32_t i = 0; i < 40; ++i) {
      content.info.steps.emplace_back(i);
      content.tokens.id.push_back(static_cast<int32_t>(i));
      content.tokens.bytes += " w" + std::to_string(i);
      content.tokens.offset.push_back(content.tokens.bytes.size());
    }
    dendrokv::Run run{"treekv:capacity=8,sinks=1,recent=3",
                      RunMode::OpenLoop,
                      "u",
                      LaneKind::PerKvHead,
                      1,
                      3,
                      12,
                      "original",
                      0,
                      Retention(1, 2, 40)};
    record(run, 5, 20, 6, 0.1f, 0.2f, Reason::Lost);
    record(run, 6, 25, 7, 0.3f, 0.4f, Reason::Lost);
    record(run, 9, 30, -1, kNan, kNan, Reason::Rule);
    content.runs.push_back(run);
    now.lane = Lane(1);
    now.step = Step(39);
    now.visible = 40;
  }
  static void record(dendrokv::Run& run, uint32_t p, uint32_t step, int32_t rival, float score,
                     float other, Reason reason) {
    run.retention.record(Layer(0), Lane(1), {Position(p), Step(step), rival, score, other, reason});
  }
  Inspection at(std::optional<Position> position, const RowSnapshot* row = nullptr) {
    now.position = position;
    return inspect(content, now, row);
  }
};

/// The value of a fact; "absent" when there is none.
std::string value_of(const Inspection& inspection, const char* label) {
  for (const Section& section : inspection.sections)
    for (const Entry& entry : section.entries)
      if (entry.label == QString::fromUtf8(label)) return entry.value.toStdString();
  return "absent";
}

const Section* section_of(const Inspection& inspection, const char* title) {
  for (const Section& section : inspection.sections)
    if (section.title == QString::fromUtf8(title)) return &section;
  return nullptr;
}

TEST_F(InspectorTest, AnEvictedTokenSaysWhenWhyAndToWhom) {
  const Inspection told = at(Position(5));
  EXPECT_EQ(told.card.title.toStdString(), "Why was it evicted?");
  EXPECT_EQ(told.card.token.toStdString(), "\u201cw5\u201d");
  EXPECT_EQ(told.card.place.toStdString(), "position 5");
  EXPECT_EQ(value_of(told, "left at step"), "20");
  EXPECT_EQ(value_of(told, "in the cache for"), "15 steps");
  EXPECT_EQ(value_of(told, "tree level reached"), "0");
  EXPECT_EQ(value_of(told, "lost to"), "\u201cw6\u201d  at 6");
  EXPECT_EQ(value_of(told, "score against the winner's"), "0.1  :  0.2");
  EXPECT_EQ(value_of(told, "margin"), "50.0 %");
  EXPECT_EQ(value_of(told, "rule"), "duel at the cursor, lower mean attention");
  EXPECT_EQ(value_of(told, "kept at this step"), "1 of 2 lanes");
}

TEST_F(InspectorTest, TheRuleIsThatOfTheRunsPolicy) {
  const auto rule = [&](const char* policy, uint32_t position) {
    content.runs[0].policy = policy;
    return value_of(at(Position(position)), "rule");
  };
  EXPECT_EQ(rule("treekv:capacity=8,score=sum,pick=cursor", 5),
            "duel at the cursor, lower sum of attention");
  EXPECT_EQ(rule("treekv:capacity=8,score=value,pick=gap", 5),
            "duel where rows lie closest, lower attention times value");
  EXPECT_EQ(rule("h2o:capacity=8,sinks=1,recent=3", 5), "scored lower than those that stayed");
  EXPECT_EQ(rule("random:capacity=8,sinks=1,recent=3", 9),
            "by the policy's rule, nothing compared");
}

TEST_F(InspectorTest, TheChainGoesOnToTheOneThatIsStillThere) {
  const Section* chain = section_of(at(Position(5)), "Chain of winners");
  const Inspection told = at(Position(5));
  chain = section_of(told, "Chain of winners");
  ASSERT_TRUE(chain);
  ASSERT_EQ(chain->entries.size(), 5u) << "three tokens and the two duels between them";
  EXPECT_EQ(chain->entries[0].value.toStdString(), "until 20");
  EXPECT_EQ(chain->entries[1].kind, EntryKind::Duel);
  EXPECT_EQ(chain->entries[1].label.toStdString(), "0.1 : 0.2 \u00b7 margin 50.0 %");
  EXPECT_EQ(chain->entries[2].value.toStdString(), "until 25");
  EXPECT_EQ(chain->entries[2].state->level, 1);
  EXPECT_EQ(chain->entries[4].middle.toStdString(), "at 7");
  EXPECT_EQ(chain->entries[4].value.toStdString(), "still kept");
  EXPECT_EQ(chain->entries[4].state->level, 1);
}

TEST_F(InspectorTest, TheChainEndsWhereTheStepStands) {
  now.step = Step(22);
  const Inspection told = at(Position(5));
  const Section* chain = section_of(told, "Chain of winners");
  ASSERT_TRUE(chain);
  ASSERT_EQ(chain->entries.size(), 3u);
  EXPECT_EQ(chain->entries[2].value.toStdString(), "still kept");
}

TEST_F(InspectorTest, ALongChainIsShortenedInItsMiddle) {
  dendrokv::Run run{
      "treekv:capacity=8", RunMode::OpenLoop, "u", LaneKind::PerKvHead, 0, 0, 8, "original", 0,
      Retention(1, 2, 40)};
  for (uint32_t p = 0; p < 18; ++p)
    record(run, p, 20 + p, static_cast<int32_t>(p) + 1, 0.1f, 0.2f, Reason::Lost);
  content.runs[0] = run;
  const Inspection told = at(Position(0));
  const Section* chain = section_of(told, "Chain of winners");
  ASSERT_TRUE(chain);
  // 19 in the chain: ten at the start, each with its duel, eight left out, the last one.
  ASSERT_EQ(chain->entries.size(), 22u);
  EXPECT_EQ(chain->entries[20].label.toStdString(), "\u2026 8 more \u2026");
  EXPECT_EQ(chain->entries[21].middle.toStdString(), "at 18");
}

TEST_F(InspectorTest, WhatWouldHaveKeptItIsThatOfTheLog) {
  const Inspection told = at(Position(5));
  ASSERT_TRUE(section_of(told, "What would have kept it then"));
  EXPECT_EQ(value_of(told, "as a sink"), "sinks >= 6");
  EXPECT_EQ(value_of(told, "as recent"), "recent >= 16");
  EXPECT_EQ(value_of(told, "room"), "1 row more");
  EXPECT_EQ(value_of(told, "score"), "a score higher by more than 0.1");
  EXPECT_FALSE(section_of(at(Position(12)), "What would have kept it then"));
}

TEST_F(InspectorTest, OtherPoliciesSayWhatTheyDidWithIt) {
  dendrokv::Run other = content.runs[0];
  other.policy = "streaming:sinks=1,recent=11";
  other.retention = Retention(1, 1, 40);
  other.retention.record(Layer(0), Lane(0), {Position(5), Step(17), -1, kNan, kNan, Reason::Rule});
  content.runs.push_back(other);
  now.step = Step(18);
  EXPECT_EQ(value_of(at(Position(5)), "streaming \u00b7 12 rows per lane"), "left at 17");
  EXPECT_EQ(value_of(at(Position(6)), "streaming \u00b7 12 rows per lane"), "kept");
}

TEST_F(InspectorTest, TheSubtreeIsAllThatItStandsFor) {
  const Inspection told = at(Position(7));
  const Section* tree = section_of(told, "Subtree it outlived");
  ASSERT_TRUE(tree);
  EXPECT_EQ(value_of(told, "stands for"), "2 tokens");
  EXPECT_EQ(value_of(told, "from position"), "5 to 6");
  ASSERT_EQ(tree->entries.size(), 4u) << "two facts, the one it beat itself, the duel";
  EXPECT_EQ(tree->entries[2].label.toStdString(), "\u201cw6\u201d");
  EXPECT_FALSE(section_of(at(Position(12)), "Subtree it outlived"));
}

TEST_F(InspectorTest, AMarkedPassageTellsItsStory) {
  now.range = {Position(5), Position(6)};
  const Inspection told = at(Position(5));
  const Section* passage = section_of(told, "Marked passage");
  ASSERT_TRUE(passage);
  EXPECT_EQ(passage->entries[0].label.toStdString(),
            "kept until step 20, lost in 50 % of KV heads");
  EXPECT_EQ(value_of(told, "tokens held here"), "0 of 2");
  EXPECT_EQ(value_of(told, "lanes that hold all of it"), "1 of 2");
}

TEST_F(InspectorTest, ItsRankIsThatOfItsAttention) {
  RowSnapshot row;
  row.request = {{{0, {2, 3}}}, 39};
  row.weight.assign(40, 0.01f);
  row.weight[12] = 0.3f;
  row.weight[13] = 0.4f;
  row.weight[5] = kNan;
  row.sum_up();
  EXPECT_EQ(value_of(at(Position(12), &row), "its rank among the rows seen"), "2 of 39");
  EXPECT_EQ(value_of(at(Position(5), &row), "its rank among the rows seen"), "absent");
}

TEST_F(InspectorTest, SpokenWordsNameTheTokenAndItsFate) {
  now.position = Position(5);
  EXPECT_EQ(spoken_name(content, now).toStdString(), "\u201cw5\u201d at position 5");
  EXPECT_EQ(spoken_value(content, now)
                .toStdString()
                .rfind("Why was it evicted?, left at step 20, in the cache for 15 steps", 0),
            0u);
}

TEST_F(InspectorTest, ATokenThatLeftAWindowComparedNothing) {
  const Inspection told = at(Position(9));
  EXPECT_EQ(value_of(told, "rule"), "by the policy's rule, nothing compared");
  EXPECT_EQ(value_of(told, "lost to"), "absent");
  EXPECT_EQ(value_of(told, "margin"), "absent");
  EXPECT_FALSE(section_of(told, "Chain of winners"));
}

TEST_F(InspectorTest, AKeptTokenSaysHowItStandsAndWhenItWillLeave) {
  now.step = Step(22);
  const Inspection told = at(Position(6));
  EXPECT_EQ(told.card.title.toStdString(), "Still in the cache");
  EXPECT_EQ(value_of(told, "stands as"), "level 1 \u00b7 won once");
  EXPECT_EQ(value_of(told, "in the cache for"), "16 steps");
  EXPECT_EQ(value_of(told, "will leave at step"), "25");
  EXPECT_EQ(value_of(at(Position(12)), "will leave at step"), "never");
  EXPECT_EQ(value_of(at(Position(0)), "stands as"), "sinks");
  EXPECT_EQ(value_of(at(Position(21)), "stands as"), "recent window");
}

TEST_F(InspectorTest, ATokenAfterTheStepIsNotReadYet) {
  now.step = Step(10);
  const Inspection told = at(Position(30));
  EXPECT_EQ(told.card.title.toStdString(), "Not read yet");
  EXPECT_EQ(value_of(told, "read at step"), "30");
  EXPECT_EQ(value_of(told, "kept at this step"), "absent");
}

TEST_F(InspectorTest, WithoutATokenItSaysHowToChooseOne) {
  const Inspection told = at(std::nullopt);
  EXPECT_EQ(told.card.title.toStdString(), "Token");
  ASSERT_FALSE(told.sections.empty());
  EXPECT_EQ(told.sections[0].entries[0].kind, EntryKind::Note);
  EXPECT_TRUE(section_of(told, "Levels"));
}

TEST_F(InspectorTest, TheLegendCountsEveryToken) {
  const Inspection told = at(std::nullopt);
  EXPECT_EQ(value_of(told, "rows held"), "37 of 40 read");
  EXPECT_EQ(value_of(told, "sinks"), "1");
  EXPECT_EQ(value_of(told, "recent window"), "3");
  EXPECT_EQ(value_of(told, "level 0 \u00b7 not yet compared"), "32");
  EXPECT_EQ(value_of(told, "level 1 \u00b7 won once"), "1");
  EXPECT_EQ(value_of(told, "evicted"), "3");
  EXPECT_EQ(value_of(told, "oldest tree token"), "1");
}

TEST_F(InspectorTest, AttentionComesFromTheRowOfThisSelectionOnly) {
  RowSnapshot row;
  row.request = {{{0, {2, 3}}}, 39};
  row.weight.assign(40, 0.5f / 37);
  for (const size_t gone : {5u, 6u, 9u}) row.weight[gone] = 0.5f / 3;
  row.sum_up();
  EXPECT_EQ(value_of(at(Position(12), &row), "attention at this step"), "0.0135");
  EXPECT_EQ(value_of(at(Position(12), &row), "full attention that falls on them"), "50.0 %");
  row.weight[12] = kNan;
  row.sum_up();
  EXPECT_EQ(value_of(at(Position(12), &row), "attention at this step"), "not in the cache");
  EXPECT_EQ(value_of(at(Position(12), &row), "full attention that falls on them"), "absent");
  row.request.step_index = 38;
  EXPECT_EQ(value_of(at(Position(12), &row), "attention at this step"), "absent");
}

TEST_F(InspectorTest, MeansSayWhereATokenIsKept) {
  now.scope = LaneScope::AllMean;
  const Inspection told = at(Position(5));
  EXPECT_EQ(told.card.title.toStdString(), "Where is it kept?");
  EXPECT_EQ(value_of(told, "lanes that keep it"), "1 of 2");
  EXPECT_EQ(value_of(told, "first lost at step"), "20");
  EXPECT_EQ(value_of(told, "rows held, mean"), "38.5");
  EXPECT_EQ(value_of(told, "tokens kept by every lane"), "37");
  EXPECT_EQ(value_of(told, "tokens kept by some"), "3");
  EXPECT_EQ(value_of(told, "tokens kept by none"), "0");
}

TEST_F(InspectorTest, AsTextHasALineForEachEntry) {
  const std::string text = as_text(at(Position(5))).toStdString();
  EXPECT_EQ(text.rfind("Why was it evicted?\n\u201cw5\u201d\tposition 5\nleft at step\t20\n", 0),
            0u)
      << text;
  EXPECT_NE(text.find("\nChain of winners\n\u201cw5\u201d\tat 5\tuntil 20\n"), std::string::npos);
}

TEST_F(InspectorTest, TheRowRequestFollowsTheScopeAndWhatWasRecorded) {
  EXPECT_EQ(row_request(content, now), (RowRequest{{{0, {2, 3}}}, 39}));
  now.scope = LaneScope::LayerMean;
  EXPECT_EQ(row_request(content, now), (RowRequest{{{0, {0, 1, 2, 3}}}, 39}));
  now.scope = LaneScope::AllMean;
  EXPECT_EQ(row_request(content, now), std::nullopt);
  now.scope = LaneScope::One;
  now.layer = Layer(7);
  EXPECT_EQ(row_request(content, now), std::nullopt);
  now.layer = Layer(0);
  content.info.heads = {Head(0)};
  EXPECT_EQ(row_request(content, now), std::nullopt);
}

TEST(PlaceName, OfEveryPlace) {
  EXPECT_EQ(place_name({Place::NotYet, 0}).toStdString(), "not read yet");
  EXPECT_EQ(place_name({Place::Evicted, 2}).toStdString(), "evicted");
  EXPECT_EQ(place_name({Place::Tree, 2}).toStdString(), "level 2 \u00b7 won twice");
  EXPECT_EQ(place_name({Place::Tree, 7}).toStdString(), "level 7 \u00b7 won 7 times");
}

}  // namespace
}  // namespace dendrokv
