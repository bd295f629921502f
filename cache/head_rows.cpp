#include "cache/head_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "data/error.h"

namespace dendrokv {
namespace {

/// What the encoding of `count` weights may take from their sum.
double encoding_loss(Encoding encoding, size_t count) {
  const auto weights = static_cast<double>(count);
  if (encoding == Encoding::F16) return 4.9e-4 + 3e-8 * weights;
  // Half a code of sixteen to the octave; below the last code a weight becomes 0.
  if (encoding == Encoding::U8) return 0.0222 + 1.8e-5 * weights;
  return 0;
}

constexpr double kSumTolerance = 1e-3;

/// The lane of a run that a query head reads.
Lane lane_of(const TraceInfo& info, const Run& run, Head head) {
  return Lane(head.value / (info.model.heads / run.retention.lanes()));
}

}  // namespace

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

HeadRows::HeadRows(const TraceReader& trace, const Run* run, size_t layer, size_t head)
    : trace_(trace), info_(trace.info()), run_(run), layer_(layer), head_(head) {
  if (run_ != nullptr)
    evict_step_ =
        run_->retention.evict_step(info_.layers[layer], lane_of(info_, *run_, info_.heads[head]));
}

void HeadRows::add_full(size_t first, GridView<const float> rows) {
  full_first_ = first;
  full_ = rows;
  for (size_t row = 0; row < rows.rows(); ++row) add_row(first + row, rows.row(row));
}

void HeadRows::add_reductions(IndexRange steps) {
  if (info_.capture.top_k > 0) add_top(steps);
  if (info_.capture.pool > 0) add_pools(steps);
  if (info_.capture.entropy == EntropyRows::Record) add_entropy(steps);
}

std::string HeadRows::place(size_t step_index) const {
  return "layer " + std::to_string(info_.layers[layer_].value) + ", head " +
         std::to_string(info_.heads[head_].value) + ", step " +
         std::to_string(info_.steps[step_index].value) + ": ";
}

void HeadRows::fault(std::string& text, size_t step_index, const std::string& found) const {
  if (text.empty()) text = place(step_index) + found;
}

void HeadRows::add_sum(size_t step_index, double sum, size_t count) {
  lowest_sum = std::min(lowest_sum, sum);
  highest_sum = std::max(highest_sum, sum);
  if (!(std::fabs(sum - 1) <= kSumTolerance + encoding_loss(info_.encoding, count)))
    fault(softmax_fault, step_index, "sums to " + number_text(sum));
}

bool HeadRows::held(size_t position, Step step) const {
  if (position > step.value) return false;
  return evict_step_.empty() || evict_step_[position] < 0 ||
         static_cast<uint32_t>(evict_step_[position]) >= step.value;
}

void HeadRows::add_row(size_t step_index, std::span<const float> row) {
  const Step step = info_.steps[step_index];
  double sum = 0;
  size_t count = 0;
  for (size_t position = 0; position < row.size(); ++position) {
    const float weight = row[position];
    const bool there = !std::isnan(weight);
    if (there != held(position, step))
      fault(absent_fault, step_index,
            "position " + std::to_string(position) +
                (there ? " has a weight, but was not in the cache"
                       : " has no weight, but was in the cache"));
    if (!there) continue;
    if (!std::isfinite(weight) || weight < 0)
      fault(softmax_fault, step_index,
            "position " + std::to_string(position) + " has weight " + number_text(double{weight}));
    sum += double{weight};
    ++count;
  }
  add_sum(step_index, sum, count);
}

std::span<const float> HeadRows::full_row(size_t step_index) const {
  if (full_.rows() == 0) return {};
  return full_.row(step_index - full_first_);
}

void HeadRows::add_top(IndexRange steps) {
  Grid<int32_t> positions(steps.count, info_.capture.top_k);
  Grid<float> weights(steps.count, info_.capture.top_k);
  std::vector<float> rest(steps.count);
  try {
    trace_.read_top(layer_, head_, steps, positions.view(), weights.view(), rest);
  } catch (const Error& error) {
    fault(reduction_fault, steps.first, error.found() + ", " + error.wanted());
    return;
  }
  for (size_t row = 0; row < steps.count; ++row)
    check_top(steps.first + row, positions.row(row), weights.row(row), rest[row]);
}

void HeadRows::check_top(size_t step_index, std::span<const int32_t> positions,
                         std::span<const float> weights, float rest) {
  double sum = double{rest};
  size_t count = 0;
  for (size_t place = 0; place < weights.size(); ++place) {
    const bool there = positions[place] >= 0;
    if (there != !std::isnan(weights[place]))
      fault(reduction_fault, step_index, "a top weight without its position, or the reverse");
    if (!there) continue;
    sum += double{weights[place]};
    ++count;
    if (static_cast<uint32_t>(positions[place]) > info_.steps[step_index].value)
      fault(reduction_fault, step_index,
            "top position " + std::to_string(positions[place]) + " had not come yet");
    if (place > 0 && weights[place] > weights[place - 1])
      fault(reduction_fault, step_index, "top weights do not fall");
    const auto row = full_row(step_index);
    if (!row.empty() && row[static_cast<size_t>(positions[place])] != weights[place])
      fault(reduction_fault, step_index,
            "top position " + std::to_string(positions[place]) + " has another weight in the row");
  }
  if (full_row(step_index).empty()) add_sum(step_index, sum, count);
  if (!(std::fabs(sum - 1) <= kSumTolerance + encoding_loss(info_.encoding, count)))
    fault(reduction_fault, step_index, "top weights and rest sum to " + number_text(sum));
}

void HeadRows::add_pools(IndexRange steps) {
  const size_t blocks = (info_.tokens + info_.capture.pool - 1) / info_.capture.pool;
  Grid<float> most(steps.count, blocks), sums(steps.count, blocks);
  trace_.read_pools(RowSet::PoolMax, layer_, head_, steps, most.view());
  trace_.read_pools(RowSet::PoolSum, layer_, head_, steps, sums.view());
  for (size_t row = 0; row < steps.count; ++row) {
    double sum = 0;
    for (size_t block = 0; block < blocks; ++block) {
      const float largest = most(row, block), mass = sums(row, block);
      if (std::isnan(largest) != std::isnan(mass) ||
          largest > mass * 1.05f + 2e-5f)  // each rounded by the encoding
        fault(reduction_fault, steps.first + row,
              "pool " + std::to_string(block) + " has max " + number_text(double{largest}) +
                  " and sum " + number_text(double{mass}));
      if (!std::isnan(mass)) sum += double{mass};
    }
    if (info_.capture.top_k == 0 && full_row(steps.first + row).empty())
      add_sum(steps.first + row, sum, blocks);
    if (!(std::fabs(sum - 1) <= kSumTolerance + encoding_loss(info_.encoding, blocks)))
      fault(reduction_fault, steps.first + row, "pools sum to " + number_text(sum));
  }
}

void HeadRows::add_entropy(IndexRange steps) {
  std::vector<float> entropy(steps.count);
  trace_.read_entropy(layer_, head_, steps, entropy);
  for (size_t row = 0; row < steps.count; ++row) {
    const double most = std::log(1.0 + info_.steps[steps.first + row].value);
    if (!(entropy[row] >= -1e-3f && double{entropy[row]} <= most + 1e-3))
      fault(reduction_fault, steps.first + row,
            "entropy " + number_text(double{entropy[row]}) + ", at most " + number_text(most));
  }
}

}  // namespace dendrokv
