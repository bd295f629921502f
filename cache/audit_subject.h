#pragma once
// A file that is audited, opened as far as it goes.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cache/audit.h"
#include "cache/row_checks.h"
#include "data/eval_file.h"
#include "data/hdf5.h"
#include "data/retention.h"
#include "data/trace_reader.h"

namespace dendrokv {

constexpr uint64_t kAnyExtent = std::numeric_limits<uint64_t>::max();

/// What is open.
struct Subject {
  const h5::File& file;
  std::string format;
  const AuditOptions& options;
  std::optional<TraceReader> trace = {};  // the file itself, or the one its runs name
  std::vector<Run> runs = {};
  std::optional<EvalFile> eval = {};
  std::string structure_fault = {}, record_fault = {};
  std::optional<RowFindings> rows = {};

  bool is_trace() const { return format == "dendrokv-trace"; }
  bool is_runs() const { return format == "dendrokv-runs"; }
  bool is_eval() const { return format == "dendrokv-eval"; }
};

/// Fills in what the file holds. What is broken is a fault in the subject, not an error.
void open(Subject& subject);

}  // namespace dendrokv
