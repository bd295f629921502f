#pragma once
// What the queries of a run have seen, counted head by head while they come: an audit's own account
// of a cache, to hold against the record.

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "cache/checks.h"
#include "cache/policies.h"
#include "data/retention.h"
#include "model/config.h"
#include "model/observer.h"

namespace dendrokv {

class SeenRows {
 public:
  /// Both must outlive the object.
  SeenRows(const Config& config, const PolicyChoice& policy);

  /// Any thread may call.
  void add(const AttentionRow& row);

  /// The first row that was not so, or what was seen.
  Finding softmax() const;     // weights from 0 on that sum to 1
  Finding order() const;       // slots in the order of the text
  Finding budget() const;      // as many rows as the policy holds
  Finding protection() const;  // sinks and recent rows among them
  /// Whether every position was seen by the steps that the record says.
  Finding record(const Run& run) const;
  /// That the queries of a head have given to a position.
  double weight_sum(Layer layer, size_t head, Position position) const {
    return log_of(layer, head).weight_sum[position.index()];
  }

 private:
  /// Of the queries of one head.
  struct HeadLog {
    std::mutex mutex;                             // steps of a block may come side by side
    std::vector<uint32_t> times_seen, last_seen;  // [position]
    std::vector<double> weight_sum;               // [position]
    double lowest_sum = 2, highest_sum = 0;
    uint64_t rows = 0;
    std::string softmax_fault, order_fault, budget_fault, protected_fault;
  };

  const HeadLog& log_of(Layer layer, size_t head) const {
    return heads_[layer.index() * config_.heads + head];
  }
  Lane lane_of(const AttentionRow& row) const;
  void check_softmax(const AttentionRow& row, HeadLog& log) const;
  void check_order(const AttentionRow& row, HeadLog& log) const;
  void check_budget(const AttentionRow& row, HeadLog& log) const;
  void check_protected(const AttentionRow& row, HeadLog& log) const;
  static void count(const AttentionRow& row, HeadLog& log);
  /// The first fault of all heads, or `found`.
  Finding of_heads(std::string HeadLog::*fault, const std::string& found) const;

  const Config& config_;
  const PolicyChoice& policy_;
  const PolicyShape& shape_;
  std::deque<HeadLog> heads_;  // [layer, head]
};

}  // namespace dendrokv
