#include "cache/query_statistics.h"

#include <algorithm>

#include "cache/row_kernels.h"

namespace dendrokv {
namespace {

constexpr size_t kMostWaiting = 64;

}  // namespace

QueryStatistics::QueryStatistics(size_t query_heads, size_t head_dim)
    : head_dim_(head_dim),
      waiting_(query_heads * kMostWaiting, padded(head_dim)),
      sums_(query_heads, padded(head_dim)),
      products_(query_heads, Grid<double>(padded(head_dim), padded(head_dim))) {}

void QueryStatistics::add(GridView<const float> queries) {
  if (waiting_queries_ == kMostWaiting) add_waiting();
  for (size_t head = 0; head < queries.rows(); ++head)
    std::ranges::copy(queries.row(head),
                      waiting_.row(head * kMostWaiting + waiting_queries_).begin());
  ++waiting_queries_;
  ++count_;
}

void QueryStatistics::ask_for_room() const {
  constexpr size_t kFloatsOfLine = 16;
  for (size_t head = 0; head < query_heads(); ++head) {
    const float* row = waiting_.row(head * kMostWaiting + waiting_queries_ % kMostWaiting).data();
    for (size_t c = 0; c < head_dim_; c += kFloatsOfLine)
      __builtin_prefetch(row + c, /*to write*/ 1);
  }
}

std::span<const double> QueryStatistics::sum(size_t head) const {
  add_waiting();
  return sums_.row(head).first(head_dim_);
}

GridView<const double> QueryStatistics::products(size_t head) const {
  add_waiting();
  return {products_[head].data(), head_dim_, head_dim_, products_[head].cols()};
}

void QueryStatistics::add_waiting() const {
  if (waiting_queries_ == 0) return;
  thread_local Grid<double> queries;
  if (queries.cols() != waiting_.cols()) queries = Grid<double>(kMostWaiting, waiting_.cols());
  for (size_t head = 0; head < sums_.rows(); ++head) {
    for (size_t query = 0; query < waiting_queries_; ++query) {
      std::ranges::copy(waiting_.row(head * kMostWaiting + query), queries.row(query).begin());
      for (size_t c = 0; c < queries.cols(); ++c) sums_(head, c) += queries(query, c);
    }
    row_kernels().add_products(queries.view().rows_from(0, waiting_queries_),
                               products_[head].view());
  }
  waiting_queries_ = 0;
}

}  // namespace dendrokv
