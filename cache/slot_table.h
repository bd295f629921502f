#pragma once
// Rows of one lane in time order with their running scores. A slot points to the physical row that
// holds its key and value; physical rows are in time order, too, with gaps where rows have left.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "cache/policy.h"
#include "data/ids.h"

namespace dendrokv {

/// Takes some of `count` numbers out of a row of them, by slots in time order, and moves later ones
/// up.
template <class T>
void take_out(T* row, size_t count, std::span<const Slot> slots) {
  if (slots.empty()) return;
  T* to = row + slots[0].index();
  for (size_t i = 0; i < slots.size(); ++i) {
    const size_t end = i + 1 < slots.size() ? slots[i + 1].index() : count;
    to = std::copy(row + slots[i].index() + 1, row + end, to);
  }
}
template <class T>
void take_out(std::vector<T>& row, std::span<const Slot> slots) {
  take_out(row.data(), row.size(), slots);
  row.resize(row.size() - slots.size());
}

class SlotTable {
 public:
  /// Sums of weights are kept where they are read.
  explicit SlotTable(ScoreUse scores = ScoreUse::Sums) : has_sums_(scores == ScoreUse::Sums) {}

  /// Room for `rows` rows at once (a budget plus the row of the step); up to that many, nothing
  /// below allocates.
  void reserve(size_t rows);
  /// Appends the newest position, its scores zero, and returns the physical row to store it in: the
  /// next one, rows_end() before.
  uint32_t append(Position position);
  /// Adds one step's attention weights, [slot], to the sums of the first weights.size() slots:
  /// those that the step saw.
  void add_weights(std::span<const float> weights);
  /// Asks the processor for sums that are added to soon.
  void ask_for_sums(SlotRange slots) const {
    constexpr size_t kSumsOfLine = 8;
    for (size_t slot = slots.first; slot < slots.end; slot += kSumsOfLine)
      __builtin_prefetch(&weight_sum_[slot], /*to write*/ 1);
  }
  /// The slot leaves; later slots move up by one. The indices are shifted, O(rows); keys and values
  /// stay, with a gap.
  void evict(Slot slot) { evict({&slot, 1}); }
  /// Several at once, in time order.
  void evict(std::span<const Slot> slots);
  /// From now on the row of a slot is another one, in the gap before it.
  void move_row(size_t slot, uint32_t row) { row_[slot] = row; }
  /// Closes the gaps: the row of slot s becomes row s. Tells, in rising order, which row must be
  /// copied where; `to` is below `from`, and what it held is not needed.
  template <class Copy>
  void close_gaps(const Copy& copy) {
    for (uint32_t slot = 0; slot < row_.size(); ++slot) {
      if (row_[slot] == slot) continue;
      copy(/*from=*/row_[slot], /*to=*/slot);
      row_[slot] = slot;
    }
    rows_end_ = static_cast<uint32_t>(row_.size());
  }

  bool empty() const { return position_.empty(); }
  size_t size() const { return position_.size(); }
  std::span<const Position> positions() const { return position_; }
  std::span<const uint32_t> rows() const { return row_; }  // physical row of each slot, rising
  uint32_t rows_end() const { return rows_end_; }          // behind the last row
  /// Of a step that saw the first `rows` slots and gave them `weights`, [slot], if the policy reads
  /// any. Valid until the table or they change.
  LaneView view(Layer layer, Lane lane, Step step, size_t rows,
                std::span<const float> weights = {}) const;
  LaneView view(Layer layer, Lane lane, Step step) const { return view(layer, lane, step, size()); }

 private:
  bool has_sums_;
  std::vector<Position> position_;
  std::vector<uint32_t> row_;
  std::vector<double> weight_sum_;  // empty without sums
  uint32_t rows_end_ = 0;
};

}  // namespace dendrokv
