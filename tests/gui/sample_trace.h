#pragma once
// Small traces with made-up attention, written to files as the recorder would, for tests of the
// viewer.

#include <filesystem>
#include <memory>
#include <string>

#include "data/retention.h"
#include "data/runs_file.h"

namespace dendrokv::testing {

struct SampleOptions {
  uint32_t tokens = 96;
  uint32_t layers = 3, heads = 4, kv_heads = 2, head_dim = 8;
  std::string text;    // repeated to fill the tokens; empty = a paragraph of its own
  std::string policy;  // of the trace's own run; empty = none, everything kept
};

/// Every layer, head and step; a sink at position 0, weights that decay with distance, some that
/// recur. With a policy, the weights are those of a closed loop: absent rows are NaN, the others
/// sum to one. Returns the trace's uuid.
std::string write_sample_trace(const std::filesystem::path& path, const SampleOptions& options);

/// Open-loop runs over it.
void write_sample_runs(const std::filesystem::path& path, const std::filesystem::path& trace,
                       const std::vector<std::string>& policies);

/// A trace of one layer whose writer is still at work: PATH.part until finish(). Every weight is 1
/// / (step + 1).
class GrowingTrace {
 public:
  static constexpr uint32_t kTokens = 2048;
  explicit GrowingTrace(const std::filesystem::path& path);
  ~GrowingTrace();
  /// Up to that many steps, a multiple of 64. They reach the file when the writer finds it worth
  /// while: all but the last 64 at once.
  void write_steps(uint32_t count);
  /// Writes what is left.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dendrokv::testing
