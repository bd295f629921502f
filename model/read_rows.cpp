#include "model/read_rows.h"

#include <numeric>

namespace dendrokv {

void ReadRows::choose(std::span<const SlotRange> chosen, SlotRange seen, const SlotTable& slots) {
  slots_.clear();
  rows_.clear();
  for (const SlotRange& one : chosen) {
    const SlotRange range = common(one, seen);
    if (range.first >= range.end) continue;
    slots_.push_back(range);
    const size_t first = rows_.size(), count = range.end - range.first;
    rows_.resize(first + count);
    const auto rows = std::span(rows_).subspan(first);
    // Without gaps a slot is its row: the list of them lies in memory, beyond the caches.
    if (slots.rows_end() == slots.size())
      std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(range.first));
    else
      std::ranges::copy(slots.rows().subspan(range.first, count), rows.begin());
  }
}

void ReadRows::spread(std::span<const float> numbers, std::span<float> of_slots) const {
  std::ranges::fill(of_slots, 0.0f);
  auto from = numbers.begin();
  for (const SlotRange& range : slots_) {
    const auto count = static_cast<std::ptrdiff_t>(range.end - range.first);
    std::copy(from, from + count, of_slots.begin() + static_cast<std::ptrdiff_t>(range.first));
    from += count;
  }
}

}  // namespace dendrokv
