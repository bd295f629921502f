// Quest (Tang et al., ICML 2024, arXiv 2406.10774): nothing leaves; each query reads the pages that may
// hold large weights.
//
//   page = `page` neighbouring rows; lowest, highest = least and largest of each channel of its keys
//   bound(page) = sum over channels c of max(q[c] lowest[c], q[c] highest[c]) >= q . k of its rows
//   read the rows of the max(3, floor(read / page)) pages with the largest bounds
//
// The first `skip` layers read everything. Query heads of a lane read the same pages: the larger of
// their bounds counts. A row of this table that saves reading, not memory: its runs report rows read
// beside rows held. Keys and queries are compared as rotated to their places in the text.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "cache/policy_options.h"
#include "cache/policy_rows.h"
#include "cache/rotation.h"

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
      : pages_(pages), page_(page), turns_(turns.begin(), turns.end()) {}

  std::span<const Decision> step(const LaneView&) override { return {}; }

  std::span<const uint8_t> reads(const LaneView& lane) override {
    take_in(lane);
    const size_t rows = lane.position.size(), pages = (rows + page_ - 1) / page_;
    if (pages <= pages_) return {};
    std::vector<float> bounds(pages, -std::numeric_limits<float>::infinity());
    for (size_t head = 0; head < lane.query.rows(); ++head) {
      turn_row(lane.query.row(head));
      for (size_t page = 0; page < pages; ++page)
        bounds[page] = std::max(bounds[page], bound(page));
    }
    return mark_best(bounds, rows);
  }

 private:
  /// The newest row, which has the place of the query, joins its page.
  void take_in(const LaneView& lane) {
    const size_t slot = lane.position.size() - 1;
    turn_ = Turn(lane.step.value, turns_);
    turn_row(lane.keys[slot]);
    if (slot % page_ == 0) {
      lowest_.insert(lowest_.end(), turned_.begin(), turned_.end());
      highest_.insert(highest_.end(), turned_.begin(), turned_.end());
      return;
    }
    const size_t first = slot / page_ * turned_.size();
    for (size_t c = 0; c < turned_.size(); ++c) {
      lowest_[first + c] = std::min(lowest_[first + c], turned_[c]);
      highest_[first + c] = std::max(highest_[first + c], turned_[c]);
    }
  }

  void turn_row(std::span<const float> row) {
    turned_double_.resize(row.size());
    turn_.apply(row, turned_double_);
    turned_.assign(turned_double_.begin(), turned_double_.end());
  }

  /// In chains, for the compiler to make vector code of.
  float bound(size_t page) const {
    constexpr size_t kChains = 16;
    const size_t channels = turned_.size();
    const float *low = &lowest_[page * channels], *high = &highest_[page * channels];
    std::array<float, kChains> sums{};
    size_t first = 0;
    for (; first + kChains <= channels; first += kChains)
      for (size_t chain = 0; chain < kChains; ++chain) {
        const float query = turned_[first + chain];
        sums[chain] += std::max(query * low[first + chain], query * high[first + chain]);
      }
    for (; first < channels; ++first)
      sums[0] += std::max(turned_[first] * low[first], turned_[first] * high[first]);
    return std::accumulate(sums.begin(), sums.end(), 0.0f);
  }

  std::span<const uint8_t> mark_best(std::span<const float> bounds, size_t rows) {
    std::vector<size_t> order(bounds.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::nth_element(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(pages_), order.end(),
        [&](size_t a, size_t b) { return bounds[a] != bounds[b] ? bounds[a] > bounds[b] : a > b; });
    read_.assign(rows, 0);
    for (size_t chosen = 0; chosen < pages_; ++chosen) {
      const size_t first = order[chosen] * page_;
      std::fill(read_.begin() + static_cast<std::ptrdiff_t>(first),
                read_.begin() + static_cast<std::ptrdiff_t>(std::min(rows, first + page_)),
                uint8_t{1});
    }
    return read_;
  }

  size_t pages_, page_;
  std::vector<double> turns_;
  Turn turn_{0, {}};                     // of the newest row and its query
  std::vector<float> lowest_, highest_;  // [page, channel]
  std::vector<float> turned_;            // a key or a query
  std::vector<double> turned_double_;
  std::vector<uint8_t> read_;  // [slot]
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
