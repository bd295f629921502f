// Fork-join on two words.
//
//   gate_   number of the round, whether it is open, and how many workers are inside. The caller
//           opens a round; a worker that sees a new open round enters and leaves it once.
//   left_   counts the workers that left a round; the caller waits on it.
//
// run() needs every worker. for_each() does not: when the items are used up it closes the round and
// waits for those inside only. A worker whose processor is busy with another program has then cost
// nothing but its share of the work.
//
// Waiting: look at the word for a bounded time, with pauses, then sleep on it (a futex). A decode
// step has some 150 rounds of 10 to 50 us, so within a step nobody sleeps; between steps everybody
// does.

#include "model/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
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

// Returns once `word` differs from `value`.
template <class Word>
void wait_until_not(const std::atomic<Word>& word, Word value, Waiting waiting) {
  if (waiting == Waiting::Spin) {
    const auto end = std::chrono::steady_clock::now() + kSpinTime;
    do {
      for (int i = 0; i < kPausesPerLook; ++i) {
        if (word.load(std::memory_order_acquire) != value) return;
        pause();
      }
    } while (std::chrono::steady_clock::now() < end);
  }
  word.wait(value, std::memory_order_acquire);
}

// The gate word: workers inside in the low bits, then the open bit, then the number of the round.
constexpr uint64_t kOpen = uint64_t{1} << 16;
constexpr uint64_t kRound = kOpen << 1;
constexpr uint64_t inside(uint64_t gate) {
  return gate & (kOpen - 1);
}
constexpr bool is_open(uint64_t gate) {
  return (gate & kOpen) != 0;
}
constexpr uint64_t round_of(uint64_t gate) {
  return gate / kRound;
}

enum class Needs { EveryWorker, AnyWorker };

}  // namespace

class ThreadPool::Impl {
 public:
  explicit Impl(unsigned threads)
      : waiting_(threads <= usable_cores() ? Waiting::Spin : Waiting::Sleep) {
    DENDROKV_ASSERT(threads >= 1 && threads < kOpen);
    for (unsigned thread = 1; thread < threads; ++thread)
      workers_.emplace_back([this, thread] { work(thread); });
  }

  ~Impl() {
    stopping_ = true;
    open();
    for (std::thread& worker : workers_) worker.join();
  }

  unsigned threads() const { return static_cast<unsigned>(workers_.size()) + 1; }

  void run(const std::function<void(unsigned)>& body, Needs needs) {
    DENDROKV_ASSERT(body_ == nullptr);
    body_ = &body;
    const unsigned left_before = left_.load(std::memory_order_relaxed);
    open();
    call(0);
    if (needs == Needs::EveryWorker)
      wait_while([&](unsigned left) { return left - left_before < workers_.size(); });
    gate_.fetch_and(~kOpen, std::memory_order_acq_rel);
    wait_while([&](unsigned) { return inside(gate_.load(std::memory_order_acquire)) != 0; });
    body_ = nullptr;
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void open() {
    const uint64_t round = round_of(gate_.load(std::memory_order_relaxed)) + 1;
    gate_.store(round * kRound | kOpen, std::memory_order_release);
    gate_.notify_all();
  }

  template <class Predicate>
  void wait_while(const Predicate& predicate) {
    for (;;) {
      const unsigned left = left_.load(std::memory_order_acquire);
      if (!predicate(left)) return;
      wait_until_not(left_, left, waiting_);
    }
  }

  void work(unsigned thread) {
    uint64_t last_round = 0;
    for (;;) {
      uint64_t gate = gate_.load(std::memory_order_acquire);
      if (!is_open(gate) || round_of(gate) == last_round) {
        wait_until_not(gate_, gate, waiting_);
        continue;
      }
      if (!gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel)) continue;
      last_round = round_of(gate);
      if (stopping_) return;
      call(thread);
      gate_.fetch_sub(1, std::memory_order_release);
      left_.fetch_add(1, std::memory_order_release);
      left_.notify_one();
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
  bool stopping_ = false;
  std::mutex error_mutex_;
  std::exception_ptr error_;
  alignas(64) std::atomic<uint64_t> gate_ = 0;
  alignas(64) std::atomic<unsigned> left_ = 0;
  std::vector<std::thread> workers_;
};

ThreadPool::ThreadPool(unsigned threads) : impl_(std::make_unique<Impl>(threads)) {}
ThreadPool::~ThreadPool() = default;

unsigned ThreadPool::threads() const {
  return impl_->threads();
}

void ThreadPool::run(const std::function<void(unsigned)>& body) {
  impl_->run(body, Needs::EveryWorker);
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
  impl_->run(fetch, Needs::AnyWorker);
}

}  // namespace dendrokv
