#pragma once
// Reads a trace. One object belongs to one thread; opening it touches metadata only.

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data/grid.h"
#include "data/retention.h"
#include "data/row_sets.h"
#include "data/trace.h"
#include "data/trace_contents.h"

namespace dendrokv {

class TraceReader {
 public:
  /// Throws Error: missing, not HDF5, not a trace, newer version, incomplete, inconsistent.
  explicit TraceReader(const std::filesystem::path& path,
                       Incomplete incomplete = Incomplete::Refuse);

  const TraceInfo& info() const { return trace_->info; }
  /// What TakeWhatIsThere did without, a sentence each. What was recorded is always there; of a
  /// file that was cut there may be no step, and tokens without text.
  const std::vector<std::string>& missing() const { return trace_->missing; }
  /// Whether the file has lost its end; then it is not complete, and its steps are those that are
  /// whole.
  bool was_cut() const { return trace_->lost.has_value(); }
  const TokenText& tokens() const { return trace_->tokens; }

  /// Throws Error, which says what the file holds, unless it has full rows (`rows_for` names what
  /// wants them: "a replay").
  void require_full_rows(std::string_view rows_for) const;

  /// Decoded weights of one recorded (layer, head): `out` is [steps.count, positions.count]; NaN =
  /// absent. Indices count recorded layers, heads and steps. Throws Error when the trace has no
  /// full rows.
  void read_weights(size_t layer_index, size_t head_index, IndexRange steps, IndexRange positions,
                    GridView<float> out) const;
  /// Cells of a set as they lie in the file, [steps.count, columns.count], which `out` has the
  /// bytes for.
  void read_encoded(RowSet set, size_t layer_index, size_t head_index, IndexRange steps,
                    IndexRange columns, std::span<std::byte> out) const;
  /// The largest weights of each row, largest first, -1 and NaN where a row has fewer: `positions`
  /// and `weights` are [steps.count, top_k], `rest` [steps.count]. Throws Error when the trace has
  /// none, or names a position that the text does not have.
  void read_top(size_t layer_index, size_t head_index, IndexRange steps,
                GridView<int32_t> positions, GridView<float> weights, std::span<float> rest) const;
  /// Largest weight or mass of each block of capture.pool positions: `out` is [steps.count,
  /// blocks]; NaN = no position of the block was in the cache. `set` is PoolMax or PoolSum. Throws
  /// Error when the trace has none.
  void read_pools(RowSet set, size_t layer_index, size_t head_index, IndexRange steps,
                  GridView<float> out) const;
  /// [steps.count] nat. Throws Error when the trace has none.
  void read_entropy(size_t layer_index, size_t head_index, IndexRange steps,
                    std::span<float> out) const;
  /// `out` is [positions.count, head_dim].
  void read_values(size_t layer_index, KvHead kv_head, IndexRange positions,
                   GridView<float> out) const;
  void read_keys(size_t layer_index, KvHead kv_head, IndexRange positions,
                 GridView<float> out) const;
  /// [T] nat, NaN at 0.
  std::vector<float> read_loss() const;
  /// The closed-loop run, if a policy ran in the engine.
  std::optional<Run> read_run(Records records = Records::Whole) const;

 private:
  void read_box(const TraceContents::Rows& rows, size_t layer_index, size_t head_index,
                IndexRange steps, IndexRange columns, void* out) const;
  void read_cells(RowSet set, size_t layer_index, size_t head_index, IndexRange steps,
                  IndexRange columns, GridView<float> out) const;
  void read_rows(const h5::Dataset& dataset, size_t layer_index, KvHead kv_head,
                 IndexRange positions, GridView<float> out) const;

  // Stays where it is when the reader moves.
  std::unique_ptr<const TraceContents> trace_;
};

}  // namespace dendrokv
