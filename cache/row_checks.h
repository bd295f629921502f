#pragma once
// Invariants of the attention rows of a trace, found in one pass over them: is each a softmax, is
// "absent" where the record says, and do the pyramid and the reductions agree with the rows.

#include "cache/checks.h"
#include "data/hdf5.h"
#include "data/progress.h"
#include "data/retention.h"
#include "data/trace_reader.h"

namespace dendrokv {

struct RowFindings {
  Finding softmax;  // finite, >= 0, sum to 1 within 1e-3 and what the encoding loses
  Finding absent;   // NaN exactly where the lane did not hold the row
  Finding pyramid;  // every cell of every level is the max, sum and count of what it stands for
  // top-k, pools and entropy are those of a softmax, and of the full row if it is there
  Finding reductions;
};

/// `run` is the closed-loop run in the trace, or null: then nothing ever left. `most_bytes`: of
/// weights to read; of a larger trace evenly chosen (layer, head) pairs are read, and the findings
/// say how many.
RowFindings check_attention_rows(const TraceReader& trace, const h5::File& file, const Run* run,
                                 uint64_t most_bytes, const Progress& progress);

}  // namespace dendrokv
