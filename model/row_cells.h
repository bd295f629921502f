#pragma once
// What the datasets of a trace keep of an attention row, put into their cells.

#include "model/observer.h"
#include "model/row_bands.h"
#include "model/row_reductions.h"

namespace dendrokv {

/// Of one row, made by the first dataset that wants them for those that come after it.
struct RowReductions {
  TopWeights top;
  PooledWeights pools;
};

/// Fills the cells of `row` in the dataset of `layout`, encoded or reduced as `capture` says;
/// positions that are not in the row are absent. Datasets of one row come in the order of the table
/// (data/row_sets), with the same `made`.
void put_row(const AttentionRow& row, const RowLayout& layout, const Capture& capture,
             RowReductions& made, RowBands::Row& cells);

}  // namespace dendrokv
