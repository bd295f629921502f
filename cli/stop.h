#pragma once
// Stopping early: SIGINT and SIGTERM set a flag that long work asks for.

namespace dendrokv {

/// While one of these lives, the first SIGINT or SIGTERM asks the work to stop cleanly; a second one of the same kind ends the
/// program at once. At most one at a time.
class StopOnSignals {
 public:
  StopOnSignals();
  ~StopOnSignals();
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;
};

bool stop_requested();

}  // namespace dendrokv
