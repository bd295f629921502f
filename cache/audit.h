#pragma once
// The audit of a file: every invariant that can be looked up in it, each with the value found. The
// table of checks is in cache/audit.cpp.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "cache/checks.h"
#include "data/progress.h"
#include "data/retention.h"
#include "data/trace.h"

namespace dendrokv {

struct AuditOptions {
  std::filesystem::path trace = {};  // that a file of runs was replayed over; empty = not at hand
  unsigned threads = 1;
  // Of attention to read; of more, evenly chosen heads are read.
  uint64_t most_bytes = uint64_t{4} << 30;
  Progress progress = {};  // by heads and lanes; stopping leaves checks out, which say so
};

/// All checks of the table on a trace, runs, analysis, logits or eval file. Throws Error when there
/// is nothing to look at: missing, no HDF5 file, truncated, not one of ours; so where
/// `options.trace` is no trace, or stands beside anything but runs.
Audit audit_file(const std::filesystem::path& path, const AuditOptions& options);

/// The checks that a run allows which is in no file yet. `model.context_length` and `head_dim` 0 =
/// not known.
Audit audit_run(const Run& run, const ModelFacts& model);

/// Findings of another audit of the same subject come in: they replace those that were not to be
/// had, and red replaces green; checks of another name come behind.
void merge(Audit& audit, std::span<const Check> others);

/// One line of what a check of the table means.
std::string_view check_meaning(std::string_view name);

}  // namespace dendrokv
