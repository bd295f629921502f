#pragma once
// Variability of contributions per position, from traces, and what the sample says about it:
// profile, confidence bands, nulls, claims.
//
//   1. windows: of each trace the one that ends at the query, or with `windows` all that fit side
//      by side, each ending at a recorded query. Windows of one text (traces that `dendrokv trace
//      --windows` cut from it, or windows of one trace) are one document
//   2. pieces: a window, or a stretch of kStretch positions of a longer one. Each piece is read
//      once, layer by layer: the transform's amplitudes of the data and of every null
//   3. pieces are added up in their order; documents (windows, where there are too few documents)
//      are the units of every test

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/band_transform.h"
#include "data/analysis_file.h"
#include "data/progress.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// What is transformed: weight * value, the weight alone, or the value alone.
enum class Signal { Contribution, Weight, Value };
Signal parse_signal(std::string_view name);  // throws Error
std::string_view signal_name(Signal signal);

/// Positions that are in memory at once, and within which nulls permute.
inline constexpr size_t kStretch = 8192;

/// Positions at each end of a text that figures and tests leave out unless one says otherwise.
inline constexpr uint32_t kExcluded = 32;

struct AnalyzeOptions {
  TransformChoice transform;
  Signal signal = Signal::Contribution;
  std::optional<Step> step;  // position of the query; the last recorded one unless set
  // Asked for, they must leave something to compare; kExcluded unless set, where a text too short
  // for that is described and not tested.
  std::optional<uint32_t> exclude_first, exclude_last;
  std::optional<uint32_t> windows;  // positions of a window
  std::optional<uint64_t> samples;  // of the windows, so many drawn; all unless set
  std::vector<std::string> nulls;   // names of surrogate_table()
  uint32_t null_draws = 40;         // per window
  uint64_t seed = 1;
  uint32_t draws = 1999;  // bootstraps and sign flips
  double significance = 0.05;
  unsigned threads = 1;
};

/// Traces by name, opened when they are needed and closed again, so that any number of them is a
/// sample. One thread at a time.
class TraceSet {
 public:
  explicit TraceSet(std::vector<std::filesystem::path> paths);
  /// Open ones of the caller, which outlive the set.
  explicit TraceSet(std::span<const TraceReader* const> readers);
  ~TraceSet();

  size_t size() const { return size_; }
  /// Valid until kOpen others have been asked for. Throws Error as TraceReader.
  std::shared_ptr<const TraceReader> open(size_t trace);

 private:
  size_t size_;
  std::vector<std::filesystem::path> paths_;
  std::vector<const TraceReader*> readers_;
  std::vector<std::pair<size_t, std::shared_ptr<const TraceReader>>> recent_;
};

/// Traces are of one model, with the same recorded layers and heads; windows are aligned at their
/// query and have the length of the shortest. Equal bits for any number of threads. Nothing is
/// returned when `progress` (pieces done) stops it. Throws Error: a step that was not recorded, a
/// window that is too short, one of which the exclusions that were asked for leave less than two
/// bins, fewer windows than samples, traces that do not go together, a null
/// that changes what the signal does not have, a position that the query does not see because the
/// trace was recorded under eviction.
std::optional<Analysis> analyze(TraceSet& traces, const AnalyzeOptions& options,
                                const Progress& progress);
std::optional<Analysis> analyze(std::span<const TraceReader* const> traces,
                                const AnalyzeOptions& options, const Progress& progress);

}  // namespace dendrokv
