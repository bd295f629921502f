#include "gui/tile_cache.h"

#include <gtest/gtest.h>

namespace dendrokv {
namespace {

TileKey key(uint32_t column) {
  return {1, 2, 3, 0, column};
}
std::shared_ptr<const HeatTile> tile(uint32_t column, size_t rows = 10) {
  return std::make_shared<const HeatTile>(HeatTile{key(column), Grid<float>(rows, 10)});
}

TEST(TileCache, KeepsToItsBytesAndDropsWhatWasUsedLongestAgo) {
  const size_t one = tile(0)->bytes();
  TileCache cache(3 * one);
  for (uint32_t i = 0; i < 3; ++i) cache.put(tile(i));
  EXPECT_TRUE(cache.find(key(0)));  // used now: the next to go is 1
  cache.put(tile(3));
  EXPECT_EQ(cache.counters().bytes, 3 * one);
  EXPECT_EQ(cache.counters().dropped, 1u);
  EXPECT_TRUE(cache.holds(key(0)));
  EXPECT_FALSE(cache.holds(key(1)));
  EXPECT_FALSE(cache.find(key(1)));
  EXPECT_EQ(cache.counters().hits, 1u);
  EXPECT_EQ(cache.counters().misses, 1u);
  cache.put(tile(0, 20));
  EXPECT_LE(cache.counters().bytes, 3 * one);
  EXPECT_EQ(cache.find(key(0))->values.rows(), 20u) << "the newer one replaces";
  cache.clear();
  EXPECT_EQ(cache.counters().bytes, 0u);
  EXPECT_FALSE(cache.holds(key(0)));
}

TEST(TileCache, OneTileLargerThanTheCacheIsStillThere) {
  TileCache cache(1);
  cache.put(tile(7));
  EXPECT_TRUE(cache.find(key(7)));
  cache.put(tile(8));
  EXPECT_EQ(cache.counters().tiles, 1u);
}

TEST(TileQueue, TheNewestWishFirstInItsOwnOrder) {
  TileQueue queue;
  const int a = 0, b = 0;
  queue.want(&a, {key(1), key(2)});
  queue.want(&b, {key(3), key(4)});
  EXPECT_EQ(queue.waiting(), 4u);
  EXPECT_EQ(queue.take(), key(3));
  queue.want(&a, {key(5), key(3)});
  EXPECT_EQ(queue.take(), key(5)) << "a wished last; 3 is being read";
  EXPECT_EQ(queue.take(), key(4));
  EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(TileQueue, AWishThatWasReplacedIsStale) {
  TileQueue queue;
  const int view = 0;
  queue.want(&view, {key(1)});
  EXPECT_EQ(queue.take(), key(1));
  EXPECT_TRUE(queue.wanted(key(1)));
  queue.want(&view, {key(2)});
  EXPECT_FALSE(queue.wanted(key(1)));
  queue.give_back(key(1));
  queue.want(&view, {key(1)});
  EXPECT_EQ(queue.take(), key(1)) << "it may be wanted again";
  queue.done(key(1));
  EXPECT_EQ(queue.waiting(), 0u);
  EXPECT_EQ(queue.take(), std::nullopt);
  queue.want(&view, {});
  EXPECT_EQ(queue.waiting(), 0u);
}

}  // namespace
}  // namespace dendrokv
