#include "gui/comparison.h"

#include <gtest/gtest.h>
#include <random>
#include <set>

#include "gui/compare_view.h"

namespace dendrokv {
namespace {

/// A run whose tokens leave at made-up steps, never before they came.
dendrokv::Run random_run(uint32_t layers, uint32_t lanes, uint32_t tokens, unsigned seed) {
  dendrokv::Run run;
  run.retention = Retention(layers, lanes, tokens);
  std::mt19937 random(seed);
  for (uint32_t layer = 0; layer < layers; ++layer)
    for (uint32_t lane = 0; lane < lanes; ++lane)
      for (uint32_t p = 0; p < tokens; ++p)
        if (random() % 3)
          run.retention.record(
              Layer(layer), Lane(lane),
              {Position(p), Step(p + random() % (tokens - p)), -1, 0, 0, Reason::Rule});
  return run;
}

TokenText text_of(const std::vector<std::string>& pieces) {
  TokenText text;
  text.offset.push_back(0);
  for (const std::string& piece : pieces) {
    text.id.push_back(static_cast<int32_t>(piece.size()));
    text.bytes += piece;
    text.offset.push_back(text.bytes.size());
  }
  return text;
}

/// Counted one by one, from the definition of "kept after a step".
Overlap counted(const Pairing& pairing, LaneId lane, Step step) {
  const LaneId beside = *lane_beside(pairing.first, pairing.second, lane);
  const Step theirs = pairing.alignment.second_step(step);
  Overlap overlap;
  std::set<uint32_t> matched;
  for (uint32_t p = 0; p <= step.value; ++p) {
    if (!pairing.first.retention.kept_after(lane.layer, lane.lane, Position(p), step)) continue;
    const auto partner = pairing.alignment.second(Position(p));
    const bool there =
        partner && partner->value <= theirs.value &&
        pairing.second.retention.kept_after(beside.layer, beside.lane, *partner, theirs);
    if (there) matched.insert(partner->value);
    overlap.both += there;
    overlap.only_first += !there;
  }
  for (uint32_t q = 0; q <= theirs.value; ++q)
    overlap.only_second +=
        pairing.second.retention.kept_after(beside.layer, beside.lane, Position(q), theirs) &&
        !matched.contains(q);
  return overlap;
}

void expect_counts(const Pairing& pairing) {
  for (const LaneId& lane : all_lanes(pairing.first)) {
    const std::vector<Overlap> over_steps = overlap_over_steps(pairing, lane);
    ASSERT_EQ(over_steps.size(), pairing.alignment.first_tokens());
    for (uint32_t step = 0; step < over_steps.size(); ++step) {
      const Overlap wanted = counted(pairing, lane, Step(step));
      ASSERT_EQ(over_steps[step], wanted) << step;
      ASSERT_EQ(overlap_at(pairing, lane, Step(step)), wanted) << step;
    }
  }
}

TEST(Comparison, CountsOfOneTextAreThoseOfACount) {
  const Alignment same = Alignment::identity(50);
  for (unsigned seed = 0; seed < 8; ++seed) {
    const dendrokv::Run first = random_run(2, 2, 50, seed),
                        second = random_run(2, 4, 50, seed + 100);
    expect_counts({first, second, same});
    expect_counts({second, first, same});
  }
}

TEST(Comparison, CountsOfTwoTextsFollowTheAlignment) {
  std::vector<std::string> pieces, shifted = {"<system>", "Be", " brief", "."};
  for (int i = 0; i < 40; ++i) pieces.push_back(" w" + std::to_string(i));
  shifted.insert(shifted.end(), pieces.begin(), pieces.begin() + 20);
  shifted.insert(shifted.end(), pieces.begin() + 23, pieces.end());
  const Alignment alignment = align(text_of(pieces), text_of(shifted));
  EXPECT_EQ(alignment.shared(), 37u);
  for (unsigned seed = 0; seed < 8; ++seed) {
    const dendrokv::Run first = random_run(1, 2, 40, seed),
                        second = random_run(1, 2, 41, seed + 50);
    expect_counts({first, second, alignment});
  }
}

TEST(Comparison, EqualRunsDifferNowhere) {
  const Alignment same = Alignment::identity(40);
  const dendrokv::Run run = random_run(2, 3, 40, 7);
  const Pairing pairing{run, run, same};
  EXPECT_FALSE(largest_disagreement(pairing));
  const Grid<float> lanes = jaccard_of_lanes(pairing, Step(30));
  for (const float value : lanes.all()) EXPECT_EQ(value, 1);
  for (const Membership member : memberships(pairing, {Layer(1), Lane(2)}, Step(39)))
    EXPECT_TRUE(member == Membership::Both || member == Membership::Neither);
}

TEST(Comparison, TheLargestDisagreementIsTheSmallestOfAll) {
  const Alignment same = Alignment::identity(60);
  const dendrokv::Run first = random_run(3, 2, 60, 1), second = random_run(3, 2, 60, 2);
  const Pairing pairing{first, second, same};
  double smallest = 1;
  for (const LaneId& lane : all_lanes(first))
    for (uint32_t step = 0; step < 60; ++step)
      smallest = std::min(smallest, counted(pairing, lane, Step(step)).jaccard());
  const std::optional<Disagreement> found = largest_disagreement(pairing);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->jaccard, smallest);
  EXPECT_EQ(counted(pairing, found->lane, found->step).jaccard(), smallest);
}

TEST(Comparison, MembersAndTheirShares) {
  const std::vector<Membership> members = {Membership::Both, Membership::OnlyFirst,
                                           Membership::OnlySecond, Membership::Neither,
                                           Membership::NotYet};
  const MemberShares shares = member_shares(members, 0, 5);
  EXPECT_EQ(shares.both, 0.25);
  EXPECT_EQ(shares.only_first, 0.25);
  EXPECT_EQ(shares.only_second, 0.25);
  EXPECT_EQ(member_shares(members, 4, 9).both, 0) << "nothing was read there";
}

TEST(Comparison, LanesLieBesideThoseOfTheSameHeads) {
  const dendrokv::Run heads = random_run(2, 8, 10, 0), pairs = random_run(2, 2, 10, 0);
  EXPECT_EQ(lane_beside(heads, pairs, {Layer(1), Lane(5)}), (LaneId{Layer(1), Lane(1)}));
  EXPECT_EQ(lane_beside(pairs, heads, {Layer(0), Lane(1)}), (LaneId{Layer(0), Lane(4)}));
  const dendrokv::Run shallow = random_run(1, 2, 10, 0);
  EXPECT_EQ(lane_beside(pairs, shallow, {Layer(1), Lane(0)}), std::nullopt);
}

TEST(Alignment, IsALongestCommonSubsequenceOfShortTexts) {
  const auto pairs = [](const std::string& first, const std::string& second) {
    std::vector<std::string> a, b;
    for (const char c : first) a.emplace_back(1, c);
    for (const char c : second) b.emplace_back(1, c);
    return align(text_of(a), text_of(b)).shared();
  };
  EXPECT_EQ(pairs("abcdef", "abcdef"), 6u);
  EXPECT_EQ(pairs("xaybzc", "abc"), 3u);
  EXPECT_EQ(pairs("abcbdab", "bdcaba"), 4u) << "the textbook example";
  EXPECT_EQ(pairs("abc", ""), 0u);
  EXPECT_EQ(pairs("aaaa", "aa"), 2u);
}

TEST(Alignment, LongTextsAreTiedByRareRuns) {
  // 6,000 by 6,100 pieces: the exact table would have four times as many cells as are allowed.
  std::mt19937 random(5);
  std::vector<std::string> first;
  for (int i = 0; i < 6000; ++i) first.push_back("w" + std::to_string(random() % 400));
  std::vector<std::string> second(100, "system");
  second.insert(second.end(), first.begin(), first.end());
  second[2000] = "other";
  const Alignment alignment = align(text_of(first), text_of(second));
  EXPECT_EQ(alignment.shared(), 5999u);
  EXPECT_EQ(alignment.second(Position(0)), Position(100));
  EXPECT_EQ(alignment.second(Position(1900)), std::nullopt);
  EXPECT_EQ(alignment.second(Position(5999)), Position(6099));
  EXPECT_EQ(alignment.first(Position(3)), std::nullopt);
  EXPECT_EQ(alignment.second_step(Step(1900)), Step(1999));
}

TEST(Alignment, PartnersRise) {
  std::mt19937 random(9);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> first, second;
    for (int i = 0; i < 60; ++i) first.emplace_back(1, static_cast<char>('a' + random() % 5));
    for (int i = 0; i < 50; ++i) second.emplace_back(1, static_cast<char>('a' + random() % 5));
    const Alignment alignment = align(text_of(first), text_of(second));
    std::optional<Position> last;
    for (uint32_t p = 0; p < 60; ++p) {
      const auto partner = alignment.second(Position(p));
      if (!partner) continue;
      EXPECT_TRUE(!last || *last < *partner);
      EXPECT_EQ(first[p], second[partner->index()]);
      last = partner;
    }
  }
}

}  // namespace
}  // namespace dendrokv
