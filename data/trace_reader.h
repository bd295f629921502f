#pragma once
// Reads a trace. One object belongs to one thread; opening it touches metadata only.

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "data/grid.h"
#include "data/retention.h"
#include "data/trace.h"

namespace dendrokv {

/// What to do with a file whose writer did not finish.
enum class Incomplete { Refuse, TakeWhatIsThere };

class TraceReader {
 public:
  /// Throws Error: missing, not HDF5, not a trace, newer version, incomplete, inconsistent.
  explicit TraceReader(const std::filesystem::path& path, Incomplete incomplete = Incomplete::Refuse);
  ~TraceReader();
  TraceReader(TraceReader&&) noexcept;
  TraceReader& operator=(TraceReader&&) noexcept;

  const TraceInfo& info() const;
  const TokenText& tokens() const;

  /// Decoded weights of one recorded (layer, head): `out` is [steps.count, positions.count]; NaN = absent.
  /// Indices count recorded layers, heads and steps.
  void read_weights(size_t layer_index, size_t head_index, IndexRange steps, IndexRange positions,
                    GridView<float> out) const;
  /// `out` is [positions.count, head_dim].
  void read_values(size_t layer_index, KvHead kv_head, IndexRange positions,
                   GridView<float> out) const;
  void read_keys(size_t layer_index, KvHead kv_head, IndexRange positions,
                 GridView<float> out) const;
  /// [T] nat, NaN at 0.
  std::vector<float> read_loss() const;
  /// The closed-loop run, if a policy ran in the engine.
  std::optional<Run> read_run() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
