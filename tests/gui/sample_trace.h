#pragma once
// Small traces with made-up attention, written to files as the recorder would, for tests of the viewer.

#include <filesystem>
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

/// Every layer, head and step; a sink at position 0, weights that decay with distance, some that recur.
/// With a policy, the weights are those of a closed loop: absent rows are NaN, the others sum to one.
/// Returns the trace's uuid.
std::string write_sample_trace(const std::filesystem::path& path, const SampleOptions& options);

/// Open-loop runs over it.
void write_sample_runs(const std::filesystem::path& path, const std::filesystem::path& trace,
                       const std::vector<std::string>& policies);

}  // namespace dendrokv::testing
