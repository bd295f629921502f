#include "model/seen_rows.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "cache/row_bounds.h"
#include "model/cache_bytes.h"

namespace dendrokv {
namespace {

constexpr double kSumTolerance = 1e-3;

std::string place(const AttentionRow& row) {
  return "layer " + std::to_string(row.layer.value) + ", head " + std::to_string(row.head.value) +
         ", step " + std::to_string(row.step.value) + ": ";
}

}  // namespace

SeenRows::SeenRows(const Config& config, const PolicyChoice& policy)
    : config_(config),
      policy_(policy),
      shape_(policy.shape()),
      heads_(config.layers * config.heads) {}

void SeenRows::add(const AttentionRow& row) {
  HeadLog& log = heads_[row.layer.index() * config_.heads + row.head.index()];
  const std::lock_guard lock(log.mutex);
  check_softmax(row, log);
  check_order(row, log);
  check_budget(row, log);
  check_protected(row, log);
  count(row, log);
}

void SeenRows::check_softmax(const AttentionRow& row, HeadLog& log) const {
  double sum = 0;
  for (const float weight : row.weights) {
    if (!(weight >= 0) && log.softmax_fault.empty())
      log.softmax_fault = place(row) + "a weight of " + std::to_string(weight);
    sum += double{weight};
  }
  ++log.rows;
  log.lowest_sum = std::min(log.lowest_sum, sum);
  log.highest_sum = std::max(log.highest_sum, sum);
  if (!(std::fabs(sum - 1) <= kSumTolerance) && log.softmax_fault.empty())
    log.softmax_fault = place(row) + "sums to " + std::to_string(sum);
}

void SeenRows::check_order(const AttentionRow& row, HeadLog& log) const {
  const auto positions = row.positions;
  const bool rising =
      std::ranges::adjacent_find(positions, std::greater_equal<>()) == positions.end();
  if (log.order_fault.empty() &&
      (!rising || positions.empty() || positions.back().value != row.step.value))
    log.order_fault = place(row) + "its slots are not in the order of the text";
}

// The row of this step comes on top of those that were held after the last one.
void SeenRows::check_budget(const AttentionRow& row, HeadLog& log) const {
  RowBounds bounds = row_bounds(policy_.lane_shape(row.layer, lane_of(row)), row.step.value);
  if (shape_.deciding == Deciding::LayerTogether) bounds.most = row.step.value;
  const uint64_t rows = row.positions.size();
  if (log.budget_fault.empty() && (rows < bounds.fewest + 1 || rows > bounds.most + 1))
    log.budget_fault = place(row) + std::to_string(rows) + " rows, wanted " +
                       std::to_string(bounds.fewest + 1) + " to " + std::to_string(bounds.most + 1);
}

void SeenRows::check_protected(const AttentionRow& row, HeadLog& log) const {
  if (!log.protected_fault.empty() || shape_.budget == 0) return;
  const auto positions = row.positions;
  const uint64_t rows = positions.size();
  const PolicyShape& shape = policy_.lane_shape(row.layer, lane_of(row));
  for (size_t slot = 0; slot < std::min<size_t>(shape.sinks, row.step.index() + 1); ++slot)
    if (slot >= rows || positions[slot].index() != slot)
      log.protected_fault = place(row) + "sink " + std::to_string(slot) + " is missing";
  for (size_t back = 0; back < std::min<size_t>(shape.recent, row.step.index() + 1); ++back)
    if (back >= rows || positions[rows - 1 - back].index() != row.step.index() - back)
      log.protected_fault =
          place(row) + "recent row " + std::to_string(row.step.index() - back) + " is missing";
}

void SeenRows::count(const AttentionRow& row, HeadLog& log) {
  const size_t positions = row.positions.empty() ? 0 : row.positions.back().index() + 1;
  if (log.times_seen.size() < positions) {
    log.times_seen.resize(positions);
    log.last_seen.resize(positions);
    log.weight_sum.resize(positions);
  }
  for (size_t slot = 0; slot < row.positions.size(); ++slot) {
    const size_t at = row.positions[slot].index();
    ++log.times_seen[at];
    log.last_seen[at] = std::max(log.last_seen[at], row.step.value);
    log.weight_sum[at] += double{row.weights[slot]};
  }
}

Lane SeenRows::lane_of(const AttentionRow& row) const {
  return Lane(row.head.value * lanes_of(config_, shape_) / config_.heads);
}

Finding SeenRows::of_heads(std::string HeadLog::*fault, const std::string& found) const {
  for (const HeadLog& log : heads_)
    if (!(log.*fault).empty()) return bad(log.*fault);
  return good(found);
}

Finding SeenRows::softmax() const {
  double lowest = 2, highest = 0;
  uint64_t rows = 0;
  for (const HeadLog& log : heads_) {
    lowest = std::min(lowest, log.lowest_sum);
    highest = std::max(highest, log.highest_sum);
    rows += log.rows;
  }
  return of_heads(&HeadLog::softmax_fault, std::to_string(rows) + " rows, sums " +
                                               std::to_string(lowest) + " to " +
                                               std::to_string(highest));
}

Finding SeenRows::order() const {
  return of_heads(&HeadLog::order_fault, "slots of every row in the order of the text");
}

Finding SeenRows::budget() const {
  return of_heads(&HeadLog::budget_fault, "rows of every query within the budget");
}

Finding SeenRows::protection() const {
  if (shape_.budget == 0) return not_applicable("nothing leaves");
  return of_heads(&HeadLog::protected_fault, "seen by every query");
}

// A row leaves once: the number of steps that saw it and the last of them say which steps they
// were.
Finding SeenRows::record(const Run& run) const {
  const uint32_t tokens = run.retention.tokens();
  const size_t heads_of_lane = config_.heads / run.retention.lanes();
  for (Layer layer; layer.value < config_.layers; layer = layer.next())
    for (size_t head = 0; head < config_.heads; ++head) {
      const HeadLog& log = log_of(layer, head);
      const auto steps = run.retention.evict_step(layer, Lane(head / heads_of_lane));
      for (size_t position = 0; position < tokens; ++position) {
        const uint32_t last =
            steps[position] < 0 ? tokens - 1 : static_cast<uint32_t>(steps[position]);
        const bool seen = position < log.times_seen.size() && log.last_seen[position] == last &&
                          log.times_seen[position] == last - position + 1;
        if (!seen)
          return bad("layer " + std::to_string(layer.value) + ", head " + std::to_string(head) +
                     " did not see position " + std::to_string(position) + " until step " +
                     std::to_string(last) + " as the record says");
      }
    }
  return good("what " + std::to_string(heads_.size()) + " heads saw in " + std::to_string(tokens) +
              " steps is what the record says");
}

}  // namespace dendrokv
