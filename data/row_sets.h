#pragma once
// What a trace may hold of an attention row: the row itself, or what it was reduced to. One row of
// the table in row_sets.cpp per dataset; a new reduction is one value here, one row there, and its
// arithmetic in model/row_reductions.

#include <cstdint>
#include <string_view>
#include <vector>

#include "data/trace.h"

namespace dendrokv {

enum class RowSet : uint8_t { Weight, TopPosition, TopWeight, Rest, PoolMax, PoolSum, Entropy };
std::string_view row_set_path(RowSet set);  // "/attention/weight"

/// How the file stores a cell: in the encoding of the weights, or as a number of four bytes.
enum class CellType : uint8_t { Encoded, I32, F32 };

/// One dataset [layer, head, step, column], or [layer, head, step] when it has one number per row.
struct RowLayout {
  RowSet set = RowSet::Weight;
  std::string_view path;  // in the file
  CellType cell = CellType::Encoded;
  size_t cell_bytes = 0;
  bool has_columns = true;
  size_t columns = 1;
  size_t chunk_heads = 1, chunk_steps = 1, chunk_columns = 1;

  size_t chunk_bytes() const { return chunk_heads * head_bytes(); }
  size_t head_bytes() const { return chunk_steps * chunk_columns * cell_bytes; }  // of a chunk
  size_t step_chunks(size_t steps) const { return (steps + chunk_steps - 1) / chunk_steps; }
  /// Of a chunk of steps, those that a trace has.
  size_t steps_in(size_t step_chunk, size_t steps) const;
};

/// The shape of weight chunks, as a plan sets it.
struct ChunkShape {
  uint32_t steps = 64, positions = 256, heads = 1;
};

/// The datasets of a trace, by what info.capture asks for.
std::vector<RowLayout> row_layouts(const TraceInfo& info, ChunkShape weights);

/// Columns that a query at `step` can reach: positions up to its own, blocks of them, or all.
size_t columns_reached(const RowLayout& layout, const Capture& capture, Step step);

/// Bytes of all chunks of one (layer, head), those beyond the reach of their steps left out.
uint64_t stored_bytes(const RowLayout& layout, const TraceInfo& info);

}  // namespace dendrokv
