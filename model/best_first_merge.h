#pragma once
// Merging neighbours, best pair first: the loop that byte-pair encoding by rank and by score have
// in common.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace dendrokv {

inline constexpr uint32_t kNoSymbol = UINT32_MAX;

/// A link of the row of symbols. A symbol that was merged into the one on its left has length 0 and
/// is unlinked.
struct MergeSymbol {
  uint32_t begin, length;  // bytes of the text
  int32_t token;           // -1 = none
  uint32_t previous, next;
};

/// What two neighbours become.
struct FoundMerge {
  double rank;  // the lowest merges first
  int32_t token;
};

/// The buffers of a merge, kept between pieces so that short ones need no allocation.
class MergeSpace {
 public:
  void clear() { symbols_.clear(); }
  /// Adds a symbol on the right end.
  void add(uint32_t begin, uint32_t length, int32_t token) {
    const auto at = static_cast<uint32_t>(symbols_.size());
    symbols_.push_back({begin, length, token, at - 1, at + 1});
  }

  /// Merges until nothing merges: the pair of lowest rank first, the leftmost among equals.
  /// `find(left, right)` answers with an optional FoundMerge. O(n log n) calls; some 70 bytes for
  /// each symbol.
  template <class Find>
  void merge(const Find& find) {
    if (symbols_.empty()) return;
    symbols_.front().previous = kNoSymbol;
    symbols_.back().next = kNoSymbol;
    queue_.clear();
    for (uint32_t left = 0; left < symbols_.size(); ++left) consider(left, find);
    while (!queue_.empty()) {
      const Candidate best = queue_.front();
      std::pop_heap(queue_.begin(), queue_.end(), later);
      queue_.pop_back();
      join(best, find);
    }
  }

  /// Calls `each(symbol)` for what is left, in order.
  template <class Each>
  void for_each(const Each& each) const {
    for (uint32_t at = symbols_.empty() ? kNoSymbol : 0; at != kNoSymbol; at = symbols_[at].next)
      each(symbols_[at]);
  }

 private:
  struct Candidate {
    double rank;
    uint32_t left,
        length;  // of both together when this was found; another sum means that it is stale
    int32_t token;
  };

  static bool later(const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  }

  template <class Find>
  void consider(uint32_t left, const Find& find) {
    if (left == kNoSymbol || symbols_[left].next == kNoSymbol) return;
    const MergeSymbol &a = symbols_[left], &b = symbols_[symbols_[left].next];
    const std::optional<FoundMerge> found = find(a, b);
    if (!found) return;
    queue_.push_back({found->rank, left, a.length + b.length, found->token});
    std::push_heap(queue_.begin(), queue_.end(), later);
  }

  // Symbols only grow or vanish, so two lengths that still add up are of the two that were found.
  template <class Find>
  void join(const Candidate& best, const Find& find) {
    MergeSymbol& left = symbols_[best.left];
    if (left.length == 0 || left.next == kNoSymbol) return;
    MergeSymbol& right = symbols_[left.next];
    if (left.length + right.length != best.length) return;
    left.length = best.length;
    left.token = best.token;
    right.length = 0;
    left.next = right.next;
    if (left.next != kNoSymbol) symbols_[left.next].previous = best.left;
    consider(left.previous, find);
    consider(best.left, find);
  }

  std::vector<MergeSymbol> symbols_;
  std::vector<Candidate> queue_;
};

}  // namespace dendrokv
