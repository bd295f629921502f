#pragma once
// What one document says about "contributions vary more towards the end": mean log amplitudes per
// band and position bin.
//
// Amplitudes are compared on a log scale: there a growth of the weights alone raises every band by
// the same amount, whatever the values are, and the sqrt 2 between the levels of white noise is a
// constant. Yardsticks come along:
//
//   size    log of the local root mean square of the contributions; log amplitude - size is the
//           relative variability
//   nulls   log amplitudes of surrogates (analysis/surrogates.h). With permuted values: what the
//           weights alone would give, if neighbouring values had nothing to do with each other

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/band_transform.h"
#include "data/grid.h"
#include "data/trace.h"

namespace dendrokv {

/// Of one document: means over layers, heads and the amplitudes of a bin.
struct DocumentRise {
  Grid<double> amplitude;           // [band, bin] mean ln amplitude, itself a mean over channels
  std::vector<double> size;         // [bin] mean ln RMS over the channels and positions of a block
  std::vector<Grid<double>> nulls;  // each [band, bin], mean over its draws
};

/// A mean of logarithms. A weight may be 0 in the file's precision: such a block has no logarithm,
/// and says nothing about a ratio.
struct MeanLog {
  double sum = 0;
  size_t count = 0;
  void add(double value);
  void add(const MeanLog& other) {
    sum += other.sum;
    count += other.count;
  }
  double mean() const;  // NaN of nothing
};

/// Which bin a position is in; bins are of whole blocks and do not overlap.
class BinMap {
 public:
  BinMap(std::vector<IndexRange> bins, size_t positions);
  const std::vector<IndexRange>& bins() const { return bins_; }
  size_t count() const { return bins_.size(); }
  /// -1 = none.
  int32_t at(size_t position) const { return bin_of_[position]; }

 private:
  std::vector<IndexRange> bins_;
  std::vector<int32_t> bin_of_;
};

/// The mean logs of one head's amplitudes (a row of BandTransform::measure over `read`) at
/// positions of `own`; both are relative to the window, `own` lies in `read`. `out` is [band, bin].
void add_log_amplitudes(std::span<const double> magnitude, std::span<const BandPlace> places,
                        IndexRange read, IndexRange own, const BinMap& bins, GridView<MeanLog> out);
/// The same of sqrt(mean of signal_energy over a block of `block` positions); `out` is [bin].
void add_log_sizes(std::span<const double> signal_energy, size_t block, IndexRange read,
                   IndexRange own, const BinMap& bins, std::span<MeanLog> out);

/// Least-squares change of `values` [bin] from the first bin to the last. On a log scale: ln of the
/// ratio.
double change_over_bins(std::span<const double> values);

}  // namespace dendrokv
