#include "model/lane_order.h"

#include <gtest/gtest.h>
#include <vector>

namespace dendrokv {
namespace {

// Workers of equal speed, a run at a time each; the last to finish a lane's run hands it on.
// Returns the runs that the slowest worker did.
size_t rounds_of(size_t lanes, size_t tokens, size_t tokens_of_run, size_t workers) {
  LaneOrder order(lanes, tokens, tokens_of_run);
  std::vector<std::optional<LaneOrder::Run>> hands(workers);
  std::vector<bool> left(workers);
  std::vector<size_t> done(lanes), held(lanes);
  size_t rounds = 0;
  for (;; ++rounds) {
    bool working = false;
    for (size_t worker = 0; worker < workers; ++worker) {
      if (left[worker]) continue;
      if (hands[worker]) --held[hands[worker]->lane];
      hands[worker] = order.next(hands[worker]);
      left[worker] = !hands[worker];
      if (!hands[worker]) continue;
      working = true;
      const auto [lane, first, end] = *hands[worker];
      EXPECT_EQ(held[lane]++, 0u) << "two at one lane";
      EXPECT_EQ(first, done[lane]) << "out of order";
      EXPECT_GT(end, first);
      EXPECT_LE(end - first, tokens_of_run);
      done[lane] = end;
    }
    if (!working) break;
  }
  for (const size_t tokens_done : done) EXPECT_EQ(tokens_done, tokens);
  return rounds;
}

TEST(LaneOrder, EveryTokenOfEveryLaneOnceAndInOrder) {
  for (const size_t lanes : {1, 2, 3, 5, 9})
    for (const size_t tokens : {1, 15, 16, 17, 64})
      for (const size_t workers : {1, 2, 3, 4, 8}) rounds_of(lanes, tokens, 16, workers);
}

TEST(LaneOrder, ThreeLanesKeepTwoWorkersBusy) {
  EXPECT_EQ(rounds_of(3, 64, 16, 2), 6u);  // 12 runs, 6 for each
  EXPECT_EQ(rounds_of(3, 64, 16, 3), 4u);
  EXPECT_EQ(rounds_of(3, 64, 16, 1), 12u);
  EXPECT_EQ(rounds_of(5, 64, 16, 2), 10u);
}

}  // namespace
}  // namespace dendrokv
