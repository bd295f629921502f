#include "cli/stop.h"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>

namespace dendrokv {
namespace {

constexpr int64_t kSecond = 1'000'000'000;  // ns
constexpr int64_t kNever = 0;

// When the work was asked to stop, ns. Signal handlers may touch what is free of locks.
std::atomic<int64_t> asked_at = kNever;
static_assert(std::atomic<int64_t>::is_always_lock_free);
int alive = 0;  // objects

// SIGUSR1 and SIGUSR2: what Slurm is usually told to send before a time limit (sbatch
// --signal=B:USR1@120).
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

extern "C" void ask_to_stop(int signal) {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  const int64_t now = time.tv_sec * kSecond + time.tv_nsec;
  int64_t asked = kNever;
  if (asked_at.compare_exchange_strong(asked, now) || now - asked < kSecond) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void set_handler(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

}  // namespace

StopOnSignals::StopOnSignals() {
  if (alive++ > 0) return;
  asked_at = kNever;
  for (const int signal : kSignals) set_handler(signal, ask_to_stop);
}

StopOnSignals::~StopOnSignals() {
  if (--alive > 0) return;
  for (const int signal : kSignals) set_handler(signal, SIG_DFL);
}

bool stop_requested() {
  return asked_at.load(std::memory_order_relaxed) != kNever;
}

}  // namespace dendrokv
