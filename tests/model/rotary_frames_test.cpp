// Frames against a plain list of what every row was last rotated to.

#include "model/rotary_frames.h"

#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace dendrokv {
namespace {

constexpr size_t kBudget = 1024, kSinks = 4, kTree = 512;

// A lane of kBudget rows over a stream; a row is the position that its key was last rotated to.
class Stream {
 public:
  explicit Stream(size_t steps, const std::function<size_t(size_t step)>& victim)
      : frames_(kBudget + 1) {
    for (size_t step = 0; step < steps; ++step) {
      frames_.append();
      rows_.push_back(frames_.position_of(rows_.size()));
      if (rows_.size() <= kBudget) continue;
      expect_consistent();
      evict(victim(evictions_++));
    }
  }

  double rotations_per_eviction() const {
    return static_cast<double>(rotations_) / static_cast<double>(evictions_);
  }
  double frames_per_step() const {
    return static_cast<double>(frames_seen_) / static_cast<double>(evictions_);
  }

 private:
  void evict(size_t victim) {
    rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(victim));
    for (const SlotRange& range : frames_.evict(Slot(victim)))
      for (size_t slot = range.first; slot < range.end; ++slot, ++rotations_)
        rows_[slot] = frames_.position_of(slot);
  }

  // Frames cover all slots; every row is where its frame says; a query of the last rank stays in
  // the table.
  void expect_consistent() {
    size_t slot = 0;
    for (size_t frame = 0; frame < frames_.frames().size(); ++frame) {
      const auto [first, end] = frames_.slots_of(frame);
      const size_t offset = frames_.frames()[frame].offset;
      ASSERT_EQ(first, slot);
      ASSERT_GT(end, first);
      ASSERT_LT(kBudget + offset, RotaryFrames::positions(kBudget + 1, kBudget + 1));
      for (; slot < end; ++slot) ASSERT_EQ(rows_[slot], slot + offset);
    }
    ASSERT_EQ(slot, rows_.size());
    frames_seen_ += frames_.frames().size();
    ASSERT_LE(frames_.frames().size(), RotaryFrames::kMostFrames + 1);
  }

  RotaryFrames frames_;
  std::vector<size_t> rows_;  // [slot]
  size_t rotations_ = 0, evictions_ = 0, frames_seen_ = 0;
};

TEST(RotaryFrames, StartAsOneWithoutOffset) {
  RotaryFrames frames(10);
  for (size_t slot = 0; slot < 10; ++slot) {
    frames.append();
    EXPECT_EQ(frames.position_of(slot), slot);
  }
  ASSERT_EQ(frames.frames().size(), 1u);
  EXPECT_EQ(frames.frames()[0], (RotaryFrame{0, 0}));
}

TEST(RotaryFrames, AnEvictionCutsAndLaterRowsSlide) {
  RotaryFrames frames(20);
  for (size_t slot = 0; slot < 20; ++slot) frames.append();
  EXPECT_TRUE(frames.evict(Slot(8)).empty());
  ASSERT_EQ(frames.frames().size(), 2u);
  EXPECT_EQ(frames.frames()[0], (RotaryFrame{0, 0}));
  EXPECT_EQ(frames.frames()[1], (RotaryFrame{8, 1}));
  EXPECT_EQ(frames.slots_of(1).end, 19u);
  EXPECT_EQ(frames.position_of(8), 9u);  // the row that was rotated to 9 and is now in slot 8
}

TEST(RotaryFrames, TheLastRowMayLeave) {
  RotaryFrames frames(3);
  frames.append();
  EXPECT_TRUE(frames.evict(Slot(0)).empty());
  EXPECT_EQ(frames.frames().size(), 1u);
  frames.append();
  frames.append();
  EXPECT_TRUE(frames.evict(Slot(1)).empty());
  EXPECT_EQ(frames.slots_of(0).end, 1u);
}

// Nothing but the last rows of a generation, as they leave.
TEST(RotaryFrames, StreamingRotatesNextToNothing) {
  const Stream stream(20'000, [](size_t) { return kSinks; });
  EXPECT_LT(stream.rotations_per_eviction(), 0.01);
  EXPECT_LT(stream.frames_per_step(), 3.01);  // sinks, window, and the window's next generation
}

TEST(RotaryFrames, SlidingRotatesNothingAnew) {
  EXPECT_EQ(Stream(20'000, [](size_t) { return size_t{0}; }).rotations_per_eviction(), 0);
}

// One row joins the left frame at an eviction, besides some rows where a frame is about to end.
TEST(RotaryFrames, TreeKvRotatesOneRowPerEviction) {
  std::mt19937 random(3);
  const Stream fair(20'000, [&](size_t step) { return kSinks + step % kTree + random() % 2; });
  EXPECT_LT(fair.rotations_per_eviction(), 1.05);
  EXPECT_LT(fair.frames_per_step(), 4.01);
  const Stream left(20'000, [&](size_t step) { return kSinks + step % kTree; });
  EXPECT_LT(left.rotations_per_eviction(), 1.05);
  const Stream right(20'000, [&](size_t step) { return kSinks + step % kTree + 1; });
  EXPECT_LT(right.rotations_per_eviction(), 1.05);
  const Stream whole(20'000, [&](size_t step) { return step % kBudget + random() % 2; });
  EXPECT_LT(whole.rotations_per_eviction(), 1.05);
}

TEST(RotaryFrames, AnyVictimRotatesAFewRows) {
  std::mt19937 random(4);
  const Stream stream(20'000, [&](size_t) { return random() % (kBudget + 1); });
  EXPECT_LT(stream.rotations_per_eviction(), kBudget / 11.0);
  // Victims among the newest half, as where old rows have gathered much attention and never leave.
  const Stream newest(20'000, [&](size_t) { return kBudget / 2 + random() % (kBudget / 2); });
  EXPECT_LT(newest.rotations_per_eviction(), kBudget / 11.0);
}

TEST(RotaryFrames, SmallLanes) {
  for (size_t budget = 1; budget < 12; ++budget) {
    std::mt19937 random(5);
    RotaryFrames frames(budget + 1);
    std::vector<size_t> rows;
    for (size_t step = 0; step < 1000; ++step) {
      frames.append();
      rows.push_back(frames.position_of(rows.size()));
      if (rows.size() <= budget) continue;
      const size_t victim = random() % rows.size();
      rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(victim));
      for (const SlotRange& range : frames.evict(Slot(victim)))
        for (size_t slot = range.first; slot < range.end; ++slot)
          rows[slot] = frames.position_of(slot);
      for (size_t slot = 0; slot < rows.size(); ++slot) {
        ASSERT_EQ(rows[slot], frames.position_of(slot));
        ASSERT_LT(rows[slot] - slot + budget, RotaryFrames::positions(budget + 1, budget + 1));
      }
    }
  }
}

}  // namespace
}  // namespace dendrokv
