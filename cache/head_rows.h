#pragma once
// What is found in the attention rows of one (layer, head) of a trace, block by block: faults of
// its rows, and of what they were reduced to (cache/row_checks.h).

#include <span>
#include <string>

#include "data/retention.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// "0.0123457": six digits.
std::string number_text(double number);

/// The first fault of each kind, with its place; empty = none so far.
class HeadRows {
 public:
  HeadRows(const TraceReader& trace, const Run* run, size_t layer, size_t head);

  std::string softmax_fault, absent_fault, reduction_fault;
  double lowest_sum = 2, highest_sum = 0;

  void add_full(size_t first, GridView<const float> rows);
  void add_reductions(IndexRange steps);

 private:
  std::string place(size_t step_index) const;
  void fault(std::string& text, size_t step_index, const std::string& found) const;
  void add_sum(size_t step_index, double sum, size_t count);

  /// In the cache when the query of the step attends.
  bool held(size_t position, Step step) const;
  void add_row(size_t step_index, std::span<const float> row);

  /// The full row beside a reduction, if the trace has it.
  std::span<const float> full_row(size_t step_index) const;
  void add_top(IndexRange steps);
  void check_top(size_t step_index, std::span<const int32_t> positions,
                 std::span<const float> weights, float rest);
  void add_pools(IndexRange steps);
  void add_entropy(IndexRange steps);

  const TraceReader& trace_;
  const TraceInfo& info_;
  const Run* run_;
  size_t layer_, head_;
  std::span<const int32_t> evict_step_;
  size_t full_first_ = 0;            // step of the first row of
  GridView<const float> full_ = {};  // the full rows of the block at hand; none in a reduced trace
};

}  // namespace dendrokv
