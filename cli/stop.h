#pragma once
// Stopping early: SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 set a flag that long work asks for.

namespace dendrokv {

/// While one of these lives, the first of these signals asks the work to stop cleanly; another one
/// a second later or more ends the program at once. (Sooner it is the same request: `timeout`,
/// shells and launchers signal a process and its group.) One within the life of another changes
/// nothing: what was asked stays asked. Of one thread.
class StopOnSignals {
 public:
  StopOnSignals();
  ~StopOnSignals();
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;
};

bool stop_requested();

}  // namespace dendrokv
