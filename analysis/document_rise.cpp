#include "analysis/document_rise.h"

#include <cmath>
#include <limits>
#include <utility>

#include "data/error.h"

namespace dendrokv {

void MeanLog::add(double value) {
  if (!(value > 0)) return;
  sum += std::log(value);
  ++count;
}

double MeanLog::mean() const {
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

BinMap::BinMap(std::vector<IndexRange> bins, size_t positions)
    : bins_(std::move(bins)), bin_of_(positions, -1) {
  for (size_t bin = 0; bin < bins_.size(); ++bin)
    for (size_t p = bins_[bin].first; p < bins_[bin].first + bins_[bin].count; ++p)
      bin_of_[p] = static_cast<int32_t>(bin);
}

void add_log_amplitudes(std::span<const double> magnitude, std::span<const BandPlace> places,
                        IndexRange read, IndexRange own, const BinMap& bins,
                        GridView<MeanLog> out) {
  const size_t skipped = own.first - read.first;
  for (size_t band = 0; band < places.size(); ++band) {
    const BandPlace& place = places[band];
    DENDROKV_ASSERT(skipped % place.run == 0);
    const std::span<const double> row =
        magnitude.subspan(place.first + skipped / place.run, own.count / place.run);
    for (size_t k = 0; k < row.size(); ++k) {
      const int32_t bin = bins.at(own.first + k * place.run);
      if (bin >= 0) out(band, static_cast<size_t>(bin)).add(row[k]);
    }
  }
}

void add_log_sizes(std::span<const double> signal_energy, size_t block, IndexRange read,
                   IndexRange own, const BinMap& bins, std::span<MeanLog> out) {
  for (size_t first = own.first; first + block <= own.first + own.count; first += block) {
    const int32_t bin = bins.at(first);
    if (bin < 0) continue;
    double sum = 0;
    for (size_t p = first; p < first + block; ++p) sum += signal_energy[p - read.first];
    out[static_cast<size_t>(bin)].add(std::sqrt(sum / static_cast<double>(block)));
  }
}

double change_over_bins(std::span<const double> values) {
  DENDROKV_ASSERT(values.size() >= 2);
  const auto last = static_cast<double>(values.size() - 1);
  double products = 0, squares = 0;
  for (size_t bin = 0; bin < values.size(); ++bin) {
    const double centred = static_cast<double>(bin) / last - 0.5;
    products += centred * values[bin];
    squares += centred * centred;
  }
  return products / squares;
}

}  // namespace dendrokv
