#pragma once
// What an opened trace offers the window: facts, tokens and runs, read once, never changed.

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/retention.h"
#include "data/trace.h"
#include "data/trace_reader.h"
#include "gui/run_index.h"

namespace dendrokv {

/// The indexes of a content's runs, each made when it is first asked for. A copy starts anew.
class RunIndexes {
 public:
  RunIndexes();
  RunIndexes(const RunIndexes&);
  RunIndexes(RunIndexes&&) noexcept;
  RunIndexes& operator=(RunIndexes&&) noexcept;
  ~RunIndexes();
  const RunIndex& of(const std::vector<Run>& runs, size_t run) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// How the recording came to its end.
enum class Ending : uint8_t {
  Finished,
  Live,  // not yet, or its writer was killed
  Cut,   // the file has lost what came after
};

/// Whether there are value rows to weigh attention with.
enum class ValueRows : uint8_t { There, Lost };

struct Content {
  std::filesystem::path file;
  TraceInfo info;
  TokenText tokens;
  std::vector<float> loss;  // [T] nat
  std::vector<Run> runs;    // [0] is what ran when the trace was recorded; never empty
  std::vector<std::string> missing = {};  // what the file lacks, in words
  Ending ending = Ending::Finished;
  ValueRows values = ValueRows::There;
  RunIndexes indexes = {};

  Step last_step() const { return Step(info.tokens - 1); }
  /// Answers about a run at any step, fast. Lives as long as the content.
  const RunIndex& index(size_t run) const { return indexes.of(runs, run); }
};

/// Reads everything but attention and values. Throws Error: a runs file of another trace, or of
/// another shape than the trace.
Content load_content(const TraceReader& trace, const std::filesystem::path& trace_file,
                     const std::vector<std::filesystem::path>& runs_files);

struct RowRange {
  uint64_t fewest, most;
};
/// Rows that each of some lanes may hold, of all where none is named: one number unless a budget
/// map says more. 0 = unbounded.
RowRange budget_of(const Run& run, std::span<const LaneId> lanes = {});
/// "40 rows", "40 to 96 rows": the same in words, of a run with a budget map; else empty.
std::string mapped_rows(const Run& run, std::span<const LaneId> lanes = {});

/// "treekv · 64 rows per lane · cursor printed": name, budget of all lanes, and every option that
/// is not the default.
std::string run_title(const Run& run);
/// "sinks 4 + tree 32 + recent 28", or empty for an unbounded run. Of some lanes, or of all.
std::string run_regions(const Run& run, std::span<const LaneId> lanes = {});
/// "closed loop" or "open-loop replay", from the run's own attribute.
std::string provenance_name(const Run& run);
/// What that means, in a sentence.
std::string provenance_meaning(const Run& run);
/// "KV head 1", "head 4" or "whole layer".
std::string lane_name(const Run& run, Lane lane);

/// The run that shows most: the trace's own if it evicts, else the first one that does.
size_t most_telling_run(const Content& content);
/// A good first example in a lane: the latest evicted token with three winners after it, else the
/// one with the longest chain.
std::optional<Position> telling_position(const Run& run, Layer layer, Lane lane);

/// Why the trace cannot show a lane of a layer at a step, when it cannot: what was not recorded.
std::string not_recorded(const TraceInfo& info, Layer layer, Step step);

/// Recorded heads of one recorded layer, as indices.
struct LayerHeads {
  size_t layer_index = 0;
  std::vector<size_t> heads;
  bool operator==(const LayerHeads&) const = default;
};
size_t head_count(std::span<const LayerHeads> layers);

/// Place of a layer among the recorded ones.
std::optional<size_t> layer_index(const TraceInfo& info, Layer layer);
/// Recorded heads, as indices, that share a lane.
std::vector<size_t> lane_head_indices(const TraceInfo& info, LaneKind kind, Lane lane);
std::vector<size_t> all_head_indices(const TraceInfo& info);
/// Index of the last recorded step that is not after `step`.
std::optional<size_t> step_index_at(const TraceInfo& info, Step step);

}  // namespace dendrokv
