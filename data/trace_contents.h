#pragma once
// A trace as it is opened: its datasets, what they say, checked against each other, and of a file
// that is not whole, what of it is there.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/hdf5.h"
#include "data/row_sets.h"
#include "data/trace.h"

namespace dendrokv {

/// What to do with a file whose writer did not finish, that has lost its end, or that a newer
/// version wrote.
enum class Incomplete { Refuse, TakeWhatIsThere };

struct TraceContents {
  struct Rows {
    RowLayout layout;
    h5::Dataset dataset;
  };
  /// Throws Error, which says what the trace has, when it does not have the set.
  const Rows& rows_of(RowSet set) const;
  /// Value or key rows [layer, kv_head, position, head_dim], halves or floats. Throws Error:
  /// missing, another type or shape.
  h5::Dataset kv_rows(std::string_view path) const;

  h5::File file;
  TraceInfo info = {};
  TokenText tokens = {};
  std::vector<Rows> rows = {};  // one of each set that the file has
  std::optional<h5::Dataset> value = {};
  std::vector<float> code_table = {};     // of u8 weights
  std::vector<std::string> missing = {};  // what TakeWhatIsThere did without, a sentence each
  std::optional<h5::LostEnd> lost = {};   // of a finished file that was cut
};

/// Reads metadata only. Throws Error: missing, not HDF5, not a trace, newer version, incomplete,
/// inconsistent.
TraceContents open_trace(const std::filesystem::path& path, Incomplete incomplete);

}  // namespace dendrokv
