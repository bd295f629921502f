#pragma once
// What the queries of a lane have been like so far, un-rotated (Expected Attention, arXiv
// 2510.00636, section 3).

#include <cstdint>
#include <span>
#include <vector>

#include "data/grid.h"

namespace dendrokv {

/// Sums of q and of q q^T per query head. Queries wait until somebody asks, or until there are
/// some, and are then added together, one after the other: the sums of a lane, beyond a processor's
/// cache, would else be read and written back at every token.
class QueryStatistics {
 public:
  QueryStatistics() = default;
  QueryStatistics(size_t query_heads, size_t head_dim);

  void add(GridView<const float> queries);  // [query head, head_dim]
  /// Asks the processor for the memory that add() will write to.
  void ask_for_room() const;

  uint64_t count() const { return count_; }
  size_t query_heads() const { return sums_.rows(); }
  /// Of all queries, [channel] and [channel, channel]: below the diagonal and on it. Not for two
  /// threads at once.
  std::span<const double> sum(size_t head) const;
  GridView<const double> products(size_t head) const;

 private:
  void add_waiting() const;

  size_t head_dim_ = 0;
  uint64_t count_ = 0;
  // Channels are padded.
  mutable Grid<float> waiting_;                 // [query head * kMostWaiting + query, channel]
  mutable size_t waiting_queries_ = 0;          // of each head
  mutable Grid<double> sums_;                   // [query head, channel]
  mutable std::vector<Grid<double>> products_;  // [query head] of [channel, channel]
};

}  // namespace dendrokv
