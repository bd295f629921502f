#pragma once
// The datasets of a trace that is being written: all are there, with their attributes, before the
// first row.

#include <optional>
#include <vector>

#include "data/hdf5.h"
#include "data/pyramid.h"
#include "data/trace_plan.h"

namespace dendrokv {

/// Belong to the thread that owns the file; `pyramid` says itself who else may call it.
struct TraceDatasets {
  /// Creates them in an empty file, and its root. Fills in the uuid, date and creator of plan.info
  /// where they are empty. `file` outlives the object. Throws Error.
  TraceDatasets(h5::File& file, TracePlan& plan);

  struct Rows {
    RowLayout layout;
    h5::Dataset dataset;
  };
  /// Of a set that the plan has.
  Rows& rows_of(RowSet set);

  std::vector<Rows> rows;  // one of each set
  h5::Dataset value, loss, steps_valid;
  std::optional<h5::Dataset> key;         // where keys are recorded
  std::optional<PyramidBuilder> pyramid;  // only over full rows
};

}  // namespace dendrokv
