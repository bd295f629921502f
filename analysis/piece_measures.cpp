#include "analysis/piece_measures.h"

#include <algorithm>
#include <array>
#include <utility>

#include "data/error.h"

namespace dendrokv {
namespace {

/// Heads [first, first + count) that share a KV head, of all recorded ones.
struct HeadGroup {
  KvHead kv_head;
  IndexRange heads;
};

std::vector<HeadGroup> groups_of(const TraceInfo& info) {
  std::vector<HeadGroup> groups;
  for (size_t h = 0; h < info.heads.size(); ++h) {
    const KvHead kv_head = info.kv_head_of(info.heads[h]);
    if (groups.empty() || groups.back().kv_head != kv_head) groups.push_back({kv_head, {h, 0}});
    ++groups.back().heads.count;
  }
  return groups;
}

/// The part of `whole` inside of `part`, relative to `part`.
IndexRange inside(IndexRange whole, IndexRange part) {
  const IndexRange common = intersection(whole, part);
  return common.count > 0 ? IndexRange{common.first - part.first, common.count} : IndexRange{};
}

// Numbers of a head's signal that robust variances read, which cost many times what the other
// measures do: 8 channels of a window of 512 positions, one of a stretch of 4,096 or more. Heads
// and pieces take turns in which ones.
constexpr size_t kRobustNumbers = 4096;

class PieceMeasurer {
 public:
  PieceMeasurer(const PieceMeasurer&) = delete;
  PieceMeasurer& operator=(const PieceMeasurer&) = delete;
  PieceMeasurer(const PieceSetup& setup, const Piece& piece, TraceSet& traces, std::mutex& reading)
      : setup_(setup),
        piece_(piece),
        window_(setup.plan.windows[piece.window]),
        reading_(reading),
        transform_(setup.options.transform, piece.read.count),
        own_(own_places(setup.options.transform, piece.own)),
        heads_(setup.plan.model.heads.size()),
        lanes_(setup.plan.model.layers.size() * heads_) {
    {
      const std::lock_guard lock(reading_);
      trace_ = traces.open(window_.trace);
    }
    for (const BandPlace& place : own_) amplitudes_ += place.count;
    sums_.magnitude = Grid<double>(lanes_, amplitudes_);
    sums_.energy.resize(amplitudes_);
    sums_.signal_energy.resize(piece.own.count);
    sums_.weight.resize(piece.own.count);
    sums_.robust.resize(own_.size());
    sums_.bins = empty_bins(setup.bins);
    sums_.bins_with_ends = empty_bins(setup.bins_with_ends);
    for (const Surrogate* null : setup.nulls) draws_.emplace_back(draws_of(*null), amplitudes_);
  }

  // Whoever closes a file does it while nobody reads.
  ~PieceMeasurer() {
    const std::lock_guard lock(reading_);
    trace_.reset();
  }

  PieceSums measured() {
    const std::vector<HeadGroup> groups = groups_of(setup_.plan.model);
    for (size_t layer = 0; layer < setup_.plan.model.layers.size(); ++layer)
      for (size_t group = 0; group < groups.size(); ++group)
        add(layer, groups[group], layer * groups.size() + group);
    finish_nulls();
    return std::move(sums_);
  }

 private:
  BinSums empty_bins(const BinMap& bins) const {
    const size_t bands = own_.size();
    return {Grid<MeanLog>(lanes_ * bands, bins.count()), Grid<MeanLog>(lanes_, bins.count()),
            std::vector<Grid<MeanLog>>(setup_.nulls.size(), Grid<MeanLog>(bands, bins.count()))};
  }
  size_t draws_of(const Surrogate& null) const {
    return null.draw == DrawKind::Fixed ? 1 : setup_.options.null_draws;
  }

  void add(size_t layer, const HeadGroup& group, size_t stream) {
    Grid<float> weights, values(piece_.read.count, 1, 1.0f);
    {
      const std::lock_guard lock(reading_);
      weights = window_weights(*trace_, window_, piece_.read, layer, group.heads);
      if (setup_.options.signal != Signal::Weight)
        values = window_values(*trace_, window_, piece_.read, layer, group.kv_head);
    }
    const size_t skipped = piece_.own.first - piece_.read.first;
    for (size_t h = 0; h < weights.rows(); ++h)
      for (size_t p = 0; p < piece_.own.count; ++p)
        sums_.weight[p] += double{weights(h, skipped + p)};
    if (setup_.options.signal == Signal::Value)
      std::ranges::fill(weights.all(), 1.0f);
    else
      check_seen(weights, *trace_, window_, piece_.read, layer, group.heads.first);
    add_data(weights, values, layer * heads_ + group.heads.first);
    add_robust(weights, values, layer * heads_ + group.heads.first);
    for (size_t n = 0; n < setup_.nulls.size(); ++n) add_null(n, weights, values, stream);
  }

  void add_data(const Grid<float>& weights, const Grid<float>& values, size_t first_lane) {
    Grid<double> magnitude(weights.rows(), transform_.amplitudes()),
        energy(weights.rows(), transform_.amplitudes()), size(weights.rows(), piece_.read.count);
    HaarMeasures out;
    out.magnitude = magnitude.view();
    out.energy = energy.view();
    out.signal_energy = size.view();
    transform_.measure(weights.view(), values.view(), out);
    const size_t bands = own_.size();
    for (size_t h = 0; h < weights.rows(); ++h) {
      const size_t lane = first_lane + h;
      add_own(magnitude.row(h), sums_.magnitude.row(lane));
      add_own(energy.row(h), sums_.energy);
      const std::span<const double> own_size =
          size.row(h).subspan(piece_.own.first - piece_.read.first, piece_.own.count);
      for (size_t p = 0; p < own_size.size(); ++p) sums_.signal_energy[p] += own_size[p];
      const auto add_bins = [&](const BinMap& bins, BinSums& to) {
        add_log_amplitudes(magnitude.row(h), transform_.places(), piece_.read, piece_.own, bins,
                           to.amplitude.view().rows_from(lane * bands, bands));
        add_log_sizes(size.row(h), setup_.block, piece_.read, piece_.own, bins, to.size.row(lane));
      };
      add_bins(setup_.bins, sums_.bins);
      add_bins(setup_.bins_with_ends, sums_.bins_with_ends);
      if (setup_.options.transform.kind == TransformKind::Cwt) add_products(weights, values, h);
    }
  }

  void add_robust(const Grid<float>& weights, const Grid<float>& values, size_t first_lane) {
    std::vector<IndexRange> counted;
    for (const BandPlace& place : setup_.layout)
      counted.push_back(
          inside(intersection(place.valid, intersection(setup_.usable, piece_.own)), piece_.read));
    const size_t wanted = std::max<size_t>(kRobustNumbers / piece_.own.count, 1);
    const size_t stride = std::max<size_t>(values.cols() / wanted, 1);
    const size_t turn = piece_.window + piece_.own.first / piece_.own.count;
    transform_.measure_robust(weights.view(), values.view(), counted, {turn + first_lane, stride},
                              sums_.robust);
  }

  /// Of pairs of neighbours whose older one is the piece's own.
  void add_products(const Grid<float>& weights, const Grid<float>& values, size_t head) {
    const IndexRange part = intersection(setup_.usable, piece_.own);
    const size_t first = part.first - std::min(part.first, piece_.read.first);
    const size_t window_end = setup_.usable.first + setup_.usable.count;
    for (size_t p = first; p < first + part.count; ++p)
      for (size_t c = 0; c < values.cols(); ++c) {
        const double now = double{weights(head, p)} * double{values(p, c)};
        sums_.square += now * now;
        if (piece_.read.first + p + 1 < window_end && p + 1 < values.rows())
          sums_.product += now * double{weights(head, p + 1)} * double{values(p + 1, c)};
      }
  }

  /// One stream per (window, first position, group, null, draw).
  void add_null(size_t null, const Grid<float>& weights, const Grid<float>& values, size_t group) {
    const Surrogate& row = *setup_.nulls[null];
    const IndexRange usable = inside(setup_.usable, piece_.read);
    Grid<double> magnitude(weights.rows(), transform_.amplitudes());
    HaarMeasures out;
    out.magnitude = magnitude.view();
    for (size_t draw = 0; draw < draws_[null].rows(); ++draw) {
      const std::array<uint32_t, 4> place =
          philox({static_cast<uint32_t>(piece_.window), static_cast<uint32_t>(piece_.own.first),
                  static_cast<uint32_t>(group), static_cast<uint32_t>(draw)},
                 {static_cast<uint32_t>(null), 0});
      RandomStream random(setup_.options.seed, uint64_t{place[0]} << 32 | place[1]);
      Grid<float> other_weights = weights, other_values = values;
      row.make(other_weights, other_values, usable, random);
      transform_.measure(std::as_const(other_weights).view(), std::as_const(other_values).view(),
                         out);
      for (size_t h = 0; h < weights.rows(); ++h) {
        add_own(magnitude.row(h), draws_[null].row(draw));
        add_log_amplitudes(magnitude.row(h), transform_.places(), piece_.read, piece_.own,
                           setup_.bins, sums_.bins.nulls[null].view());
      }
    }
  }

  /// Adds the amplitudes of own positions out of a row over the read ones.
  void add_own(std::span<const double> row, std::span<double> to) const {
    const size_t skipped = piece_.own.first - piece_.read.first;
    for (size_t band = 0; band < own_.size(); ++band) {
      const BandPlace& from = transform_.places()[band];
      const double* source = row.data() + from.first + skipped / from.run;
      double* target = to.data() + own_[band].first;
      for (size_t k = 0; k < own_[band].count; ++k) target[k] += source[k];
    }
  }

  void finish_nulls() {
    const auto lanes = static_cast<double>(lanes_);
    for (const Grid<double>& draws : draws_) {
      std::vector<double> mean(amplitudes_), variance(amplitudes_);
      const auto count = static_cast<double>(draws.rows());
      for (size_t k = 0; k < amplitudes_; ++k) {
        for (size_t draw = 0; draw < draws.rows(); ++draw)
          mean[k] += draws(draw, k) / lanes / count;
        for (size_t draw = 0; draw < draws.rows(); ++draw) {
          const double deviation = draws(draw, k) / lanes - mean[k];
          variance[k] += deviation * deviation / std::max(count - 1, 1.0);
        }
      }
      sums_.null_mean.push_back(std::move(mean));
      sums_.null_variance.push_back(std::move(variance));
    }
  }

  const PieceSetup& setup_;
  const Piece& piece_;
  const SignalWindow& window_;
  std::mutex& reading_;
  BandTransform transform_;
  std::vector<BandPlace> own_;
  size_t heads_, lanes_, amplitudes_ = 0;
  std::shared_ptr<const TraceReader> trace_;
  std::vector<Grid<double>> draws_;  // of each null, [draw, amplitude of own], summed over lanes
  PieceSums sums_;
};

}  // namespace

std::vector<BandPlace> own_places(const TransformChoice& choice, IndexRange own) {
  return band_places(choice, own.count);
}

PieceSums measure_piece(const PieceSetup& setup, const Piece& piece, TraceSet& traces,
                        std::mutex& reading) {
  return PieceMeasurer(setup, piece, traces, reading).measured();
}

}  // namespace dendrokv
