#include "data/io_queue.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>
#include <vector>

namespace dendrokv {
namespace {

TEST(IoQueue, RunsJobsInOrderOnOneThread) {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  {
    IoQueue queue(100);
    for (int i = 0; i < 50; ++i)
      queue.submit(7, [&, i] {
        order.push_back(i);
        threads.push_back(std::this_thread::get_id());
      });
  }  // its end runs what is left
  ASSERT_EQ(order.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
  for (const auto thread : threads) EXPECT_EQ(thread, threads.front());
  EXPECT_NE(threads.front(), std::this_thread::get_id());
}

TEST(IoQueue, DrainWaitsForSmallJobsToo) {
  IoQueue queue(uint64_t{1} << 30);
  std::atomic<int> done = 0;
  for (int i = 0; i < 3; ++i) queue.submit(1, [&] { ++done; });
  queue.drain();
  EXPECT_EQ(done, 3);
}

TEST(IoQueue, NeverHoldsMoreThanItsBytes) {
  constexpr uint64_t kMost = 1000;
  IoQueue queue(kMost);
  std::atomic<uint64_t> waiting = 0, most = 0;
  for (int i = 0; i < 200; ++i) {
    queue.submit(300, [&] { waiting -= 300; });
    most = std::max<uint64_t>(most, waiting += 300);
  }
  queue.drain();
  EXPECT_LE(most, kMost + 300);  // the one that has just left the queue may still be counted
}

TEST(IoQueue, AnErrorIsThrownByTheNextCallAndDropsLaterJobs) {
  IoQueue queue(10);
  bool ran = false;
  queue.submit(1, [] { throw std::runtime_error("disk full"); });
  EXPECT_THROW(queue.drain(), std::runtime_error);
  EXPECT_THROW(queue.submit(1, [&] { ran = true; }), std::runtime_error);
  EXPECT_THROW(queue.drain(), std::runtime_error);
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace dendrokv
