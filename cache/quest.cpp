// Quest (Tang et al., ICML 2024, arXiv 2406.10774): nothing leaves; each query reads the pages that
// may hold large weights.
//
//   page = `page` neighbouring rows; lowest, highest = the ends of each channel of its keys
//   bound(page) = sum over channels c of max(q[c] lowest[c], q[c] highest[c]) >= q . k of its rows
//   read the rows of the max(3, floor(read / page)) pages with the largest bounds
//
// The first `skip` layers read everything. Query heads of a lane read the same pages: the larger of
// their bounds counts. A row of this table that saves reading, not memory: its runs report rows
// read beside rows held. Keys and queries are compared as rotated to their places in the text.

#include <algorithm>
#include <array>

#include "cache/policy_options.h"
#include "cache/policy_rows.h"
#include "cache/rotation.h"
#include "cache/row_kernels.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("read", "rows that a query reads; all of them are held", "1024", 1),
    count_option("page", "rows of a page", "16", 1, 4096),
    count_option("skip", "first layers that read every row", "2", 0, 4096),
};

class Quest final : public Policy {
 public:
  Quest(size_t pages, size_t page, std::span<const double> turns)
      : pages_(pages), page_(page), places_(turns) {}

  std::span<const Decision> step(const LaneView&) override { return {}; }

  std::span<const SlotRange> reads(const LaneView& lane) override {
    take_in(lane);
    const size_t rows = lane.position.size(), pages = (rows + page_ - 1) / page_;
    if (pages <= pages_) return {};
    const size_t channels = turned_.size();
    std::vector<float> queries;  // [query head, channel]
    for (size_t head = 0; head < lane.query.rows(); ++head) {
      turn(lane.step, lane.query.row(head));
      queries.insert(queries.end(), turned_.begin(), turned_.end());
    }
    bounds_.resize(pages);
    row_kernels().page_bounds({queries.data(), lane.query.rows(), channels},
                              {lowest_and_highest_.data(), pages, 2 * channels}, bounds_);
    return best_pages(rows);
  }

 private:
  /// The newest row, which has the place of the query, joins its page.
  void take_in(const LaneView& lane) {
    const size_t slot = lane.position.size() - 1;
    turn(lane.step, lane.keys[slot]);
    const size_t channels = turned_.size();
    if (slot % page_ == 0) {
      for (int bound = 0; bound < 2; ++bound)
        lowest_and_highest_.insert(lowest_and_highest_.end(), turned_.begin(), turned_.end());
      return;
    }
    float* lowest = &lowest_and_highest_[slot / page_ * 2 * channels];
    float* highest = lowest + channels;
    for (size_t c = 0; c < channels; ++c) {
      lowest[c] = std::min(lowest[c], turned_[c]);
      highest[c] = std::max(highest[c], turned_[c]);
    }
  }

  /// Into `turned_`.
  void turn(Step step, std::span<const float> row) {
    turned_double_.resize(row.size());
    places_.apply(step.index(), row, turned_double_);
    turned_.assign(turned_double_.begin(), turned_double_.end());
    turned_.resize(padded(row.size()));
  }

  /// Those with the largest bounds; of equals the newest.
  std::span<const SlotRange> best_pages(size_t rows) {
    const float least = row_kernels().reached_by(bounds_, pages_);
    size_t equals = pages_;
    for (const float bound : bounds_) equals -= bound > least ? 1 : 0;
    read_.clear();
    for (size_t page = bounds_.size(); page-- > 0;) {
      if (bounds_[page] < least || (bounds_[page] == least && equals == 0)) continue;
      if (bounds_[page] == least) --equals;
      const SlotRange slots{page * page_, std::min(rows, (page + 1) * page_)};
      if (!read_.empty() && read_.back().first == slots.end)
        read_.back().first = slots.first;
      else
        read_.push_back(slots);
    }
    std::ranges::reverse(read_);
    return read_;
  }

  size_t pages_, page_;
  TurnTable places_;
  std::vector<float> lowest_and_highest_;  // [page] of the one and of the other, [channel]; padded
  std::vector<float> turned_;              // a key or a query; padded
  std::vector<double> turned_double_;
  std::vector<float> bounds_;  // [page]
  std::vector<SlotRange> read_;
};

class ReadsAll final : public Policy {
 public:
  std::span<const Decision> step(const LaneView&) override { return {}; }
};

uint64_t pages_of(const Spec& spec) {
  return std::max<uint64_t>(3, spec.count("read") / spec.count("page"));
}

PolicyShape shape(const Spec& spec) {
  PolicyShape shape;
  shape.reads = pages_of(spec) * spec.count("page");
  shape.inputs = {Input::Queries, Input::Keys};
  return shape;
}

std::unique_ptr<Policy> make(const Spec& spec, const LanePlace& place) {
  if (place.layer.value < spec.count("skip")) return std::make_unique<ReadsAll>();
  return std::make_unique<Quest>(pages_of(spec), spec.count("page"), place.turns);
}

}  // namespace

const PolicyRow kQuestRow{
    .spec = {"quest", "Quest: holds every row, reads the pages that may matter", kOptions},
    .paper = "Tang et al., ICML 2024, arXiv 2406.10774",
    .budget_key = "",
    .shape = shape,
    .make = make,
};

}  // namespace dendrokv
