#pragma once
// One run of the instrumented model over a text, its attention into a trace.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cache/checks.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "data/progress.h"
#include "data/trace_plan.h"
#include "model/decoder.h"

namespace dendrokv {

/// What one trace came to, or several.
struct Recorded {
  size_t fed = 0;                   // tokens; fewer than planned when it was stopped
  uint64_t bytes = 0, written = 0;  // the file, rows of attention
  CacheRows rows;                   // at the end
  std::string uuid;
  std::vector<float> nll;
  std::optional<Audit> audit;  // where it was asked for

  void add(const Recorded& other);
  /// Nat per token; NaN where none was scored.
  double mean_loss() const;
};

/// Writes the trace that `plan` says to `path`. Stopped by `progress` (tokens), the steps so far
/// stay readable in `path`.part. Throws Error.
Recorded record_trace(const Session& session, const Model& model, const PolicyChoice& policy,
                      const TracePlan& plan, const std::filesystem::path& path, Watch watch,
                      const Progress& progress);

}  // namespace dendrokv
