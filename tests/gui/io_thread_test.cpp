#include "gui/io_thread.h"

#include <future>
#include <gtest/gtest.h>
#include <vector>

namespace dendrokv {
namespace {

TEST(IoThread, RunsWhatIsPosted) {
  IoThread io;
  std::promise<bool> stale;
  io.post(Topic::Row, [&](const IoThread::Stale& is_stale) { stale.set_value(is_stale()); });
  EXPECT_FALSE(stale.get_future().get());
}

TEST(IoThread, ANewerJobReplacesTheOneThatWaitsAndMakesTheRunningOneStale) {
  IoThread io;
  std::promise<void> started, go_on, last_done;
  std::vector<int> ran;
  bool before = true, after = false;
  io.post(Topic::Heat, [&](const IoThread::Stale& stale) {
    before = stale();
    started.set_value();
    go_on.get_future().wait();
    after = stale();
    ran.push_back(0);
  });
  started.get_future().wait();
  for (int i = 1; i <= 100; ++i)
    io.post(Topic::Heat, [&ran, &last_done, i](const IoThread::Stale&) {
      ran.push_back(i);
      last_done.set_value();
    });
  go_on.set_value();
  last_done.get_future().wait();
  EXPECT_FALSE(before);
  EXPECT_TRUE(after);
  EXPECT_EQ(ran, (std::vector<int>{0, 100}));
}

TEST(IoThread, UrgentTopicsGoFirst) {
  IoThread io;
  std::promise<void> started, go_on, done;
  std::vector<Topic> ran;
  io.post(Topic::Open, [&](const IoThread::Stale&) {
    started.set_value();
    go_on.get_future().wait();
  });
  started.get_future().wait();
  io.post(Topic::Map, [&](const IoThread::Stale&) {
    ran.push_back(Topic::Map);
    done.set_value();
  });
  for (const Topic topic : {Topic::Heat, Topic::Row})
    io.post(topic, [&ran, topic](const IoThread::Stale&) { ran.push_back(topic); });
  go_on.set_value();
  done.get_future().wait();
  EXPECT_EQ(ran, (std::vector<Topic>{Topic::Row, Topic::Heat, Topic::Map}));
}

TEST(IoThread, TheEndMakesTheRunningJobStaleAndDropsTheOthers) {
  std::promise<void> started;
  bool second = false;
  {
    IoThread io;
    io.post(Topic::Row, [&](const IoThread::Stale& stale) {
      started.set_value();
      while (!stale()) std::this_thread::yield();
    });
    started.get_future().wait();
    io.post(Topic::Map, [&](const IoThread::Stale&) { second = true; });
  }
  EXPECT_FALSE(second);
}

}  // namespace
}  // namespace dendrokv
