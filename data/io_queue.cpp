#include "data/io_queue.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace dendrokv {
namespace {

// Waking the thread for every small job would cost more than the job; several MiB at a time keep it
// on a core for so long that the other computing threads wait for the one it has displaced.
constexpr uint64_t kWakeBytes = uint64_t{1} << 20;

}  // namespace

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
    wait_until(lock,
               [&] { return error_ || queue_.empty() || waiting_bytes_ + bytes <= most_bytes_; });
    if (error_) std::rethrow_exception(error_);
    waiting_bytes_ += bytes;
    queue_.push_back({bytes, std::move(job)});
    const bool wake = is_worth_waking();
    lock.unlock();  // else the thread would wake to wait for it
    if (wake) changed_.notify_all();
  }

  void drain() {
    std::unique_lock lock(mutex_);
    wait_until(lock, [&] { return error_ || queue_.empty(); });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  struct Job {
    uint64_t bytes;
    std::function<void()> run;
  };

  bool is_worth_waking() const { return ending_ || callers_ > 0 || waiting_bytes_ >= kWakeBytes; }

  template <class Done>
  void wait_until(std::unique_lock<std::mutex>& lock, Done done) {
    if (done()) return;
    ++callers_;
    changed_.notify_all();
    changed_.wait(lock, done);
    --callers_;
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return ending_ || (!queue_.empty() && is_worth_waking()); });
      if (queue_.empty()) return;
      while (!queue_.empty()) run_first(lock);
    }
  }

  // The job stays at the front while it runs, so that an empty queue means that all is done.
  void run_first(std::unique_lock<std::mutex>& lock) {
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
    if (callers_ > 0) changed_.notify_all();
  }

  const uint64_t most_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_;
  uint64_t waiting_bytes_ = 0;
  size_t callers_ = 0;  // that wait for the thread
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
