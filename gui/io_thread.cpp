#include "gui/io_thread.h"

namespace dendrokv {

IoThread::IoThread() : thread_([this] { run(); }) {}

IoThread::~IoThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void IoThread::post(Topic topic, Job job) {
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[static_cast<size_t>(topic)];
    slot.waiting = std::move(job);
    ++slot.newest;
  }
  wake_.notify_one();
}

std::optional<size_t> IoThread::most_urgent(size_t end) const {
  for (size_t topic = 0; topic < end; ++topic)
    if (slots_[topic].waiting) return topic;
  return std::nullopt;
}

void IoThread::run_job(size_t topic, std::unique_lock<std::mutex>& lock) {
  Slot& slot = slots_[topic];
  const Job job = std::move(*slot.waiting);
  slot.waiting.reset();
  const uint64_t mine = slot.newest;
  lock.unlock();
  job([this, &slot, mine] {
    const std::lock_guard check(mutex_);
    return stopping_ || slot.newest != mine;
  });
  lock.lock();
}

void IoThread::serve(Topic topic) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const std::optional<size_t> urgent = most_urgent(static_cast<size_t>(topic));
    if (!urgent) return;
    run_job(*urgent, lock);
  }
}

void IoThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || most_urgent(kTopics); });
    if (stopping_) return;
    run_job(*most_urgent(kTopics), lock);
  }
}

}  // namespace dendrokv
