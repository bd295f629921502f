#include "cli/stop.h"

#include <csignal>

namespace dendrokv {
namespace {

volatile std::sig_atomic_t stop_flag = 0;

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
  stop_flag = 0;
  set_handler(SIGINT, ask_to_stop);
  set_handler(SIGTERM, ask_to_stop);
}

StopOnSignals::~StopOnSignals() {
  set_handler(SIGINT, SIG_DFL);
  set_handler(SIGTERM, SIG_DFL);
}

bool stop_requested() {
  return stop_flag != 0;
}

}  // namespace dendrokv
