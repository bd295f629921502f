#include "cli/stop.h"

#include <csignal>

namespace dendrokv {
namespace {

volatile std::sig_atomic_t stop_flag = 0;
int alive = 0;  // objects

// SIGUSR1 and SIGUSR2: what Slurm is usually told to send before a time limit (sbatch
// --signal=B:USR1@120).
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

extern "C" void ask_to_stop(int) {
  stop_flag = 1;
}

void set_handler(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  // Reset: whoever asks twice is not kept waiting.
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigaction(signal, &action, nullptr);
}

}  // namespace

StopOnSignals::StopOnSignals() {
  if (alive++ > 0) return;
  stop_flag = 0;
  for (const int signal : kSignals) set_handler(signal, ask_to_stop);
}

StopOnSignals::~StopOnSignals() {
  if (--alive > 0) return;
  for (const int signal : kSignals) set_handler(signal, SIG_DFL);
}

bool stop_requested() {
  return stop_flag != 0;
}

}  // namespace dendrokv
