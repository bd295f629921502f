#pragma once
// What one document says about "contributions vary more towards the end": mean log amplitudes per wavelet level and position bin.
//
// Amplitudes are compared on a log scale: there a growth of the weights alone raises every level by the same amount, whatever the
// values are, and the sqrt 2 between the levels of white noise is a constant. Two yardsticks come along:
//
//   size    log of the local root mean square of the contributions; log amplitude - size is the relative variability
//   null    log amplitudes after the rows of the values were permuted within the usable positions, the weights kept: what the
//           weights alone would give, if neighbouring values had nothing to do with each other

#include <cstdint>
#include <span>
#include <vector>

#include "data/grid.h"
#include "data/trace.h"

namespace dendrokv {

/// Of one document: means over layers, heads and the blocks of a bin.
struct DocumentRise {
  Grid<double>
      amplitude;  // [level, bin] mean ln |Rec(D_l)|, the magnitude itself a mean over channels
  Grid<double>
      null;  // [level, bin] the same of permuted values, mean over the draws; empty without draws
  std::vector<double>
      size;  // [bin] mean ln RMS over the channels and positions of a block of 2^levels
};

struct NullDraws {
  uint64_t seed = 1;
  size_t draws = 16;  // per document; 0 = no null
};

/// Adds up one document; heads come in groups that share a KV head.
class DocumentRiseSum {
 public:
  /// `usable` and `bins` are relative to the window, whose positions are a multiple of 2^levels. `document` names the streams of
  /// the permutations: a document gives the same null in any company.
  DocumentRiseSum(uint32_t levels, IndexRange usable, std::vector<IndexRange> bins, NullDraws null,
                  uint64_t document);

  /// `weights` [head, position] and `values` [position, channel] of the window; `group` numbers the KV heads of the document.
  /// Throws Error: a gap (see haar_amplitudes).
  void add(GridView<const float> weights, GridView<const float> values, uint64_t group);

  /// NaN where every amplitude of a bin was 0. At least one group was added.
  DocumentRise mean() const;

 private:
  struct MeanLog {
    double sum = 0;
    size_t count = 0;
    void add(double value);
    double mean() const;
  };

  void add_amplitudes(GridView<const float> weights, GridView<const float> values,
                      Grid<MeanLog>& to) const;
  void add_sizes(GridView<const float> weights, GridView<const float> values);
  std::vector<size_t> permutation(size_t positions, uint64_t group, size_t draw) const;

  uint32_t levels_;
  IndexRange usable_;
  std::vector<IndexRange> bins_;
  NullDraws null_draws_;
  uint64_t document_;
  Grid<MeanLog> amplitude_, null_;  // [level, bin]
  std::vector<MeanLog> size_;       // [bin]
};

/// Least-squares change of `values` [bin] from the first bin to the last. On a log scale: ln of the ratio.
double change_over_bins(std::span<const double> values);

}  // namespace dendrokv
