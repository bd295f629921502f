// Fork-join on two counters.
//
//   round_    raised by the caller to start a round; workers wait for it to change
//   running_  workers that are not yet done with the round; the caller waits for zero
//
// Waiting: look at the counter for a bounded time, with pauses, then sleep on it (a futex). A decode step has some 150 rounds of
// 10 to 50 us, so within a step nobody sleeps; between steps everybody does.

#include "model/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "data/error.h"

namespace dendrokv {

namespace {

constexpr std::chrono::microseconds kSpinTime{50};
constexpr int kPausesPerLook = 8;  // between two looks at the clock

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

enum class Waiting { Spin, Sleep };

// Returns once `counter` differs from `value`.
void wait_until_not(const std::atomic<unsigned>& counter, unsigned value, Waiting waiting) {
  if (waiting == Waiting::Spin) {
    const auto end = std::chrono::steady_clock::now() + kSpinTime;
    do {
      for (int i = 0; i < kPausesPerLook; ++i) {
        if (counter.load(std::memory_order_acquire) != value) return;
        pause();
      }
    } while (std::chrono::steady_clock::now() < end);
  }
  while (counter.load(std::memory_order_acquire) == value) counter.wait(value);
}

}  // namespace

class ThreadPool::Impl {
 public:
  explicit Impl(unsigned threads)
      : waiting_(threads <= usable_cores() ? Waiting::Spin : Waiting::Sleep) {
    DENDROKV_ASSERT(threads >= 1);
    for (unsigned thread = 1; thread < threads; ++thread)
      workers_.emplace_back([this, thread] { work(thread); });
  }

  ~Impl() {
    body_ = nullptr;
    start_round();
    for (std::thread& worker : workers_) worker.join();
  }

  unsigned threads() const { return static_cast<unsigned>(workers_.size()) + 1; }

  void run(const std::function<void(unsigned)>& body) {
    DENDROKV_ASSERT(body_ == nullptr);
    body_ = &body;
    running_.store(static_cast<unsigned>(workers_.size()), std::memory_order_relaxed);
    start_round();
    call(0);
    for (unsigned left; (left = running_.load(std::memory_order_acquire)) != 0;)
      wait_until_not(running_, left, waiting_);
    body_ = nullptr;
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void start_round() {
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  }

  void work(unsigned thread) {
    for (unsigned round = 0;; ++round) {
      wait_until_not(round_, round, waiting_);
      if (body_ == nullptr) return;
      call(thread);
      if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
    }
  }

  void call(unsigned thread) {
    try {
      (*body_)(thread);
    } catch (...) {
      const std::lock_guard lock(error_mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  const Waiting waiting_;
  const std::function<void(unsigned)>* body_ = nullptr;
  std::mutex error_mutex_;
  std::exception_ptr error_;
  alignas(64) std::atomic<unsigned> round_ = 0;
  alignas(64) std::atomic<unsigned> running_ = 0;
  std::vector<std::thread> workers_;
};

ThreadPool::ThreadPool(unsigned threads) : impl_(std::make_unique<Impl>(threads)) {}
ThreadPool::~ThreadPool() = default;

unsigned ThreadPool::threads() const {
  return impl_->threads();
}

void ThreadPool::run(const std::function<void(unsigned)>& body) {
  impl_->run(body);
}

void ThreadPool::for_each(size_t items, size_t grain,
                          const std::function<void(size_t, size_t)>& body) {
  DENDROKV_ASSERT(grain > 0);
  std::atomic<size_t> next = 0;
  const auto fetch = [&](unsigned) {
    for (size_t first; (first = next.fetch_add(grain, std::memory_order_relaxed)) < items;)
      body(first, std::min(grain, items - first));
  };
  if (impl_->threads() == 1 || items <= grain) return fetch(0);
  impl_->run(fetch);
}

}  // namespace dendrokv
