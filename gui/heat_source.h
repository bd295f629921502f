#pragma once
// Reads heat map tiles: from the rows themselves where a tile is small, else from the finest level
// of the pyramid that is affordable. Belongs to the I/O thread.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "data/pyramid_index.h"
#include "data/pyramid_reader.h"
#include "data/trace_reader.h"
#include "gui/heat.h"

namespace dendrokv {

/// True once nobody wants the result any more.
using Cancelled = std::function<bool()>;

/// Where the coarse levels come from.
enum class PyramidOrigin : uint8_t { Trace, Index, None };

class HeatSource {
 public:
  /// Borrows the reader. The pyramid is the trace's own, or that of the index beside it, or there
  /// is none.
  HeatSource(const TraceReader& trace, const std::filesystem::path& file);

  PyramidOrigin origin() const { return origin_; }
  /// Looks again: an index may have been built.
  void find_pyramid();
  /// Null when cancelled. Throws Error.
  std::shared_ptr<const HeatTile> read(const TileKey& key, const HeatSubject& subject,
                                       const Cancelled& cancelled);

  /// Stored cells that one tile may read per head before a coarser level has to do.
  static constexpr size_t kMostCells = size_t{1} << 21;

 private:
  struct Folding;
  size_t level_for(const TileKey& key, IndexRange steps, IndexRange positions) const;
  void fold_rows(Folding& fold, const Cancelled& cancelled);
  void fold_level(Folding& fold, size_t level, const Cancelled& cancelled);
  /// NaN for rows that a file which was cut has lost.
  void read_values(size_t layer_index, KvHead kv_head, IndexRange positions,
                   GridView<float> rows) const;
  /// Euclidean length of every value row of a KV head, [position]; NaN = lost; kept for the heads
  /// used last.
  const std::vector<float>& value_lengths(size_t layer_index, KvHead kv_head,
                                          const Cancelled& cancelled);

  const TraceReader& trace_;
  std::filesystem::path file_;
  std::optional<PyramidReader> pyramid_;
  PyramidOrigin origin_ = PyramidOrigin::None;
  std::map<std::pair<size_t, uint32_t>, std::vector<float>> lengths_;
};

}  // namespace dendrokv
