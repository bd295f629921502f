#include "data/io_queue.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace dendrokv {

class IoQueue::Impl {
 public:
  explicit Impl(uint64_t most_bytes) : most_bytes_(most_bytes), thread_([this] { work(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void submit(uint64_t bytes, std::function<void()> job) {
    std::unique_lock lock(mutex_);
    changed_.wait(
        lock, [&] { return error_ || queue_.empty() || waiting_bytes_ + bytes <= most_bytes_; });
    if (error_) std::rethrow_exception(error_);
    waiting_bytes_ += bytes;
    queue_.push_back({bytes, std::move(job)});
    changed_.notify_all();
  }

  void drain() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || queue_.empty(); });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  struct Job {
    uint64_t bytes;
    std::function<void()> run;
  };

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      // The job stays at the front while it runs, so that an empty queue means that all is done.
      const std::function<void()> run = std::move(queue_.front().run);
      const bool skip = error_ != nullptr;
      lock.unlock();
      std::exception_ptr thrown;
      if (!skip) {
        try {
          run();
        } catch (...) {
          thrown = std::current_exception();
        }
      }
      lock.lock();
      if (thrown) error_ = thrown;
      waiting_bytes_ -= queue_.front().bytes;
      queue_.pop_front();
      changed_.notify_all();
    }
  }

  const uint64_t most_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_;
  uint64_t waiting_bytes_ = 0;
  std::exception_ptr error_;
  bool ending_ = false;
  std::thread thread_;  // last: it starts when the rest is there
};

IoQueue::IoQueue(uint64_t most_bytes) : impl_(std::make_unique<Impl>(most_bytes)) {}
IoQueue::~IoQueue() = default;
void IoQueue::submit(uint64_t bytes, std::function<void()> job) {
  impl_->submit(bytes, std::move(job));
}
void IoQueue::drain() {
  impl_->drain();
}

}  // namespace dendrokv
