#pragma once
// The rows that a query reads where its policy reads only some of those that its lane holds.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cache/policy.h"
#include "cache/slot_table.h"

namespace dendrokv {

/// The slots that are in both; first >= end where there are none.
inline SlotRange common(SlotRange a, SlotRange b) {
  return {std::max(a.first, b.first), std::min(a.end, b.end)};
}

class ReadRows {
 public:
  /// What of some ranges, rising, lies within `seen`; nothing before the first call.
  void choose(std::span<const SlotRange> chosen, SlotRange seen, const SlotTable& slots);

  bool empty() const { return rows_.empty(); }
  size_t size() const { return rows_.size(); }
  /// Where they lie, in the order of their slots.
  std::span<const uint32_t> rows() const { return rows_; }
  /// Of one number for each of them, [slot] for all; 0 for those that were not read.
  void spread(std::span<const float> numbers, std::span<float> of_slots) const;

 private:
  std::vector<SlotRange> slots_;
  std::vector<uint32_t> rows_;
};

}  // namespace dendrokv
