#include "cache/row_checks.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>

#include "cache/pyramid_check.h"

namespace dendrokv {
namespace {

constexpr size_t kBlockSteps = 64;  // a multiple of the pyramid's four

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

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

/// What is found in the rows of one (layer, head).
class HeadRows {
 public:
  HeadRows(const TraceReader& trace, const Run* run, size_t layer, size_t head)
      : trace_(trace), info_(trace.info()), run_(run), layer_(layer), head_(head) {
    if (run_ != nullptr)
      evict_step_ =
          run_->retention.evict_step(info_.layers[layer], lane_of(info_, *run_, info_.heads[head]));
  }

  std::string softmax_fault, absent_fault, reduction_fault;
  double lowest_sum = 2, highest_sum = 0;

  void add_full(size_t first, GridView<const float> rows) {
    full_first_ = first;
    full_ = rows;
    for (size_t row = 0; row < rows.rows(); ++row) add_row(first + row, rows.row(row));
  }

  void add_reductions(IndexRange steps) {
    if (info_.capture.top_k > 0) add_top(steps);
    if (info_.capture.pool > 0) add_pools(steps);
    if (info_.capture.entropy == EntropyRows::Record) add_entropy(steps);
  }

 private:
  std::string place(size_t step_index) const {
    return "layer " + std::to_string(info_.layers[layer_].value) + ", head " +
           std::to_string(info_.heads[head_].value) + ", step " +
           std::to_string(info_.steps[step_index].value) + ": ";
  }

  void fault(std::string& text, size_t step_index, const std::string& found) const {
    if (text.empty()) text = place(step_index) + found;
  }

  void add_sum(size_t step_index, double sum, size_t count) {
    lowest_sum = std::min(lowest_sum, sum);
    highest_sum = std::max(highest_sum, sum);
    if (!(std::fabs(sum - 1) <= kSumTolerance + encoding_loss(info_.encoding, count)))
      fault(softmax_fault, step_index, "sums to " + number_text(sum));
  }

  /// In the cache when the query of the step attends.
  bool held(size_t position, Step step) const {
    if (position > step.value) return false;
    return evict_step_.empty() || evict_step_[position] < 0 ||
           static_cast<uint32_t>(evict_step_[position]) >= step.value;
  }

  void add_row(size_t step_index, std::span<const float> row) {
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
        fault(
            softmax_fault, step_index,
            "position " + std::to_string(position) + " has weight " + number_text(double{weight}));
      sum += double{weight};
      ++count;
    }
    add_sum(step_index, sum, count);
  }

  /// The full row beside a reduction, if the trace has it.
  std::span<const float> full_row(size_t step_index) const {
    if (full_.rows() == 0) return {};
    return full_.row(step_index - full_first_);
  }

  void add_top(IndexRange steps) {
    Grid<int32_t> positions(steps.count, info_.capture.top_k);
    Grid<float> weights(steps.count, info_.capture.top_k);
    std::vector<float> rest(steps.count);
    trace_.read_top(layer_, head_, steps, positions.view(), weights.view(), rest);
    for (size_t row = 0; row < steps.count; ++row)
      check_top(steps.first + row, positions.row(row), weights.row(row), rest[row]);
  }

  void check_top(size_t step_index, std::span<const int32_t> positions,
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
        fault(
            reduction_fault, step_index,
            "top position " + std::to_string(positions[place]) + " has another weight in the row");
    }
    if (full_row(step_index).empty()) add_sum(step_index, sum, count);
    if (!(std::fabs(sum - 1) <= kSumTolerance + encoding_loss(info_.encoding, count)))
      fault(reduction_fault, step_index, "top weights and rest sum to " + number_text(sum));
  }

  void add_pools(IndexRange steps) {
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

  void add_entropy(IndexRange steps) {
    std::vector<float> entropy(steps.count);
    trace_.read_entropy(layer_, head_, steps, entropy);
    for (size_t row = 0; row < steps.count; ++row) {
      const double most = std::log(1.0 + info_.steps[steps.first + row].value);
      if (!(entropy[row] >= -1e-3f && double{entropy[row]} <= most + 1e-3))
        fault(reduction_fault, steps.first + row,
              "entropy " + number_text(double{entropy[row]}) + ", at most " + number_text(most));
    }
  }

  const TraceReader& trace_;
  const TraceInfo& info_;
  const Run* run_;
  size_t layer_, head_;
  std::span<const int32_t> evict_step_;
  size_t full_first_ = 0;            // step of the first row of
  GridView<const float> full_ = {};  // the full rows of the block at hand; none in a reduced trace
};

/// All heads that are read.
class RowPass {
 public:
  RowPass(const TraceReader& trace, const h5::File& file, const Run* run, uint64_t most_bytes)
      : trace_(trace), info_(trace.info()), file_(file), run_(run) {
    pairs_ = info_.layers.size() * info_.heads.size();
    const uint64_t of_pair = std::max<uint64_t>(1, info_.logical_bytes / pairs_);
    read_ = std::clamp<uint64_t>(most_bytes / of_pair, 1, pairs_);
  }

  void read(const Progress& progress) {
    for (uint64_t nth = 0; nth < read_; ++nth) {
      const uint64_t pair = nth * pairs_ / read_;
      read_head(pair / info_.heads.size(), pair % info_.heads.size());
      if (progress && progress(nth + 1, read_) == Continue::Stop) {
        read_ = nth + 1;
        return;
      }
    }
  }

  RowFindings findings() const {
    const std::string heads = std::to_string(read_) + " of " + std::to_string(pairs_) +
                              " heads x " + std::to_string(info_.steps.size()) + " steps";
    RowFindings findings;
    const Capture& capture = info_.capture;
    const bool sums = full() || capture.top_k > 0 || capture.pool > 0;
    findings.softmax =
        !sums ? not_applicable("the trace holds the entropy of rows alone")
        : softmax_.empty()
            ? good("sums " + number_text(lowest_) + " to " + number_text(highest_) + ", " + heads)
            : bad(softmax_);
    findings.absent = !full()           ? not_applicable("the trace holds no full rows")
                      : absent_.empty() ? good(run_ ? "absent where the record says, " + heads
                                                    : "absent where nothing has come yet, " + heads)
                                        : bad(absent_);
    findings.pyramid = !full()            ? not_applicable("the trace holds no full rows")
                       : !has_pyramid()   ? not_applicable("the trace has no pyramid")
                       : pyramid_.empty() ? good(std::to_string(cells_) + " cells, " + heads)
                                          : bad(pyramid_);
    const bool reduced =
        capture.top_k > 0 || capture.pool > 0 || capture.entropy == EntropyRows::Record;
    findings.reductions = !reduced              ? not_applicable("the trace holds full rows only")
                          : reductions_.empty() ? good(capture.text() + ", " + heads)
                                                : bad(reductions_);
    return findings;
  }

 private:
  bool full() const { return info_.capture.rows == FullRows::Record; }
  bool has_pyramid() const { return file_.has("/pyramid/1/max"); }

  void read_head(size_t layer, size_t head) {
    HeadRows rows(trace_, run_, layer, head);
    std::optional<PyramidCheck> pyramid;
    if (full() && has_pyramid() && pyramid_.empty())
      pyramid.emplace(file_, layer, head, info_.steps, info_.tokens);
    Grid<float> block(kBlockSteps, full() ? info_.tokens : 0);
    for (size_t first = 0; first < info_.steps.size(); first += kBlockSteps) {
      const IndexRange steps{first, std::min(kBlockSteps, info_.steps.size() - first)};
      if (full()) {
        const GridView<float> view = block.view().rows_from(0, steps.count);
        trace_.read_weights(layer, head, steps, {0, info_.tokens}, view);
        rows.add_full(first, view);
        if (pyramid) pyramid->add(first, view);
      }
      rows.add_reductions(steps);
    }
    lowest_ = std::min(lowest_, rows.lowest_sum);
    highest_ = std::max(highest_, rows.highest_sum);
    keep(softmax_, rows.softmax_fault);
    keep(absent_, rows.absent_fault);
    keep(reductions_, rows.reduction_fault);
    if (!pyramid) return;
    keep(pyramid_, pyramid->finish());
    cells_ += pyramid->cells();
  }

  static void keep(std::string& first, const std::string& fault) {
    if (first.empty()) first = fault;
  }

  const TraceReader& trace_;
  const TraceInfo& info_;
  const h5::File& file_;
  const Run* run_;
  uint64_t pairs_ = 0, read_ = 0, cells_ = 0;
  double lowest_ = 2, highest_ = 0;
  std::string softmax_, absent_, pyramid_, reductions_;  // the first fault of each
};

}  // namespace

RowFindings check_attention_rows(const TraceReader& trace, const h5::File& file, const Run* run,
                                 uint64_t most_bytes, const Progress& progress) {
  RowPass pass(trace, file, run, most_bytes);
  pass.read(progress);
  return pass.findings();
}

}  // namespace dendrokv
