#pragma once
// Stopping early: SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 set a flag that long work asks for.

namespace dendrokv {

/// While one of these lives, the first of these signals asks the work to stop cleanly; a second one
/// of the same kind ends the program at once. One within the life of another changes nothing: what
/// was asked stays asked. Of one thread.
class StopOnSignals {
 public:
  StopOnSignals();
  ~StopOnSignals();
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;
};

bool stop_requested();

}  // namespace dendrokv
