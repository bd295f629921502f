#pragma once
// Rows of attention as far as a trace without full rows tells them: the largest weights where they
// lie, and between them what is known of each block of positions. Plain functions.

#include <QString>
#include <span>

#include "data/grid.h"
#include "data/trace_reader.h"
#include "gui/heat.h"

namespace dendrokv {

/// What is stored of one row; spans may be empty.
struct ReducedRow {
  std::span<const int32_t> top_position;  // -1 = the row has fewer
  std::span<const float> top_weight;      // the largest first
  // Of each block: its largest weight (Reduction::Max), or its mass (Mean); NaN = none in the cache
  std::span<const float> pool;
  size_t pool_positions = 0;  // in a block
};

/// The row of `step` at `positions`. A weight that is stored is itself. Another one is, for Max,
/// the most that it can be: no more than the largest of its block and than the smallest that is
/// stored; for Mean its share of what its block has beside those that are stored. NaN after the
/// step, in a block without a row in the cache, and where nothing is known.
void fill_reduced_row(const ReducedRow& row, Step step, IndexRange positions, Reduction reduction,
                      std::span<float> out);

/// The same for rows of one head: `out` is [steps.count, positions.count]. Throws Error when the
/// trace has neither.
void read_reduced_rows(const TraceReader& trace, size_t layer_index, size_t head_index,
                       IndexRange steps, IndexRange positions, Reduction reduction,
                       GridView<float> out);

/// " · the 16 largest of a row, else at most (blocks of 64)"; empty for a trace with full rows.
QString reduced_rows_text(const Capture& capture, Reduction reduction);

/// Why what needs every weight of a row is not there; empty for a trace with full rows.
QString needs_full_rows(const Capture& capture);

}  // namespace dendrokv
