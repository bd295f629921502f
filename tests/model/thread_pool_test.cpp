#include "model/thread_pool.h"

#include <atomic>
#include <gtest/gtest.h>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace dendrokv {
namespace {

// One thread, as many as there are cores, and more than that (which must sleep instead of spin).
const unsigned kThreads[] = {1, 2, 3, 8};

TEST(ThreadPool, RunsOnceOnEachThread) {
  for (const unsigned threads : kThreads) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<int> calls(threads, 0);
      std::vector<std::thread::id> ids(threads);
      pool.run([&](unsigned thread) {
        ++calls[thread];
        ids[thread] = std::this_thread::get_id();
      });
      EXPECT_EQ(calls, std::vector<int>(threads, 1));
      EXPECT_EQ(ids[0], std::this_thread::get_id());
      EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), threads);
    }
  }
}

TEST(ThreadPool, ARoundSeesWhatTheLastOneWrote) {
  ThreadPool pool(3);
  std::vector<long> values(3, 1);
  for (int round = 0; round < 500; ++round) {
    std::vector<long> next(3);
    pool.run(
        [&](unsigned thread) { next[thread] = (values[0] + values[1] + values[2]) % 1000003; });
    values = next;
  }
  long expected = 1;
  for (int round = 0; round < 500; ++round) expected = 3 * expected % 1000003;
  EXPECT_EQ(values, std::vector<long>(3, expected));
}

TEST(ThreadPool, ForEachCoversEveryItemOnce) {
  for (const unsigned threads : kThreads) {
    ThreadPool pool(threads);
    for (const size_t items : {0, 1, 7, 64, 1000})
      for (const size_t grain : {1, 3, 64, 5000}) {
        std::vector<std::atomic<int>> visits(items);
        pool.for_each(items, grain, [&](size_t first, size_t count) {
          EXPECT_EQ(first % grain, 0u);
          EXPECT_LE(count, grain);
          for (size_t i = first; i < first + count; ++i) ++visits[i];
        });
        for (const auto& visit : visits) EXPECT_EQ(visit, 1);
      }
  }
}

TEST(ThreadPool, CarriesExceptionsOver) {
  for (const unsigned threads : kThreads) {
    ThreadPool pool(threads);
    for (unsigned thrower = 0; thrower < threads; ++thrower) {
      std::atomic<unsigned> others = 0;
      try {
        pool.run([&](unsigned thread) {
          if (thread == thrower) throw std::runtime_error("from " + std::to_string(thread));
          ++others;
        });
        FAIL() << "nothing was thrown";
      } catch (const std::runtime_error& error) {
        EXPECT_EQ(error.what(), "from " + std::to_string(thrower));
      }
      EXPECT_EQ(others, threads - 1);
    }
    std::atomic<unsigned> calls = 0;
    pool.run([&](unsigned) { ++calls; });
    EXPECT_EQ(calls, threads) << "the pool must go on working";
    EXPECT_THROW(pool.for_each(10, 1, [](size_t, size_t) { throw std::runtime_error("item"); }),
                 std::runtime_error);
  }
}

TEST(ThreadPool, RefusesToRunInsideOfARound) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.run([&](unsigned thread) {
    if (thread == 0) pool.run([](unsigned) {});
  }),
               std::logic_error);
}

}  // namespace
}  // namespace dendrokv
