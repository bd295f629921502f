#pragma once
// What one piece of a window adds to an analysis: amplitudes and energies of its positions, log
// amplitudes on the bins, and the same of the nulls. A piece is read layer by layer, so its memory
// does not depend on the length of the text.

#include <mutex>
#include <vector>

#include "analysis/document_rise.h"
#include "analysis/signal_window.h"
#include "analysis/surrogates.h"

namespace dendrokv {

/// Positions relative to the window. `read` reaches beyond `own` as far as the transform's values
/// depend on it.
struct Piece {
  size_t window = 0;
  IndexRange own, read;
};

/// What all pieces share.
struct PieceSetup {
  const WindowPlan& plan;
  const AnalyzeOptions& options;
  std::vector<BandPlace> layout;  // of a window
  std::vector<const Surrogate*> nulls;
  // Positions of a window that are not left out: where nulls change something, and what variances
  // are of.
  IndexRange usable;
  BinMap bins, bins_with_ends;
  size_t block = 1;  // positions of a local size
};

/// Mean log amplitudes of one choice of bins.
struct BinSums {
  Grid<MeanLog> amplitude;  // [lane * bands + band, bin]
  Grid<MeanLog> size;       // [lane, bin]
  // Each [band, bin], over lanes and draws; of the bins without ends.
  std::vector<Grid<MeanLog>> nulls;
};

struct PieceSums {
  Grid<double> magnitude;                     // [lane, amplitude of own]
  std::vector<double> energy;                 // [amplitude of own] summed over lanes
  std::vector<double> signal_energy, weight;  // [position of own] summed over lanes
  // Of each null, [amplitude of own]: over draws, of the mean over lanes.
  std::vector<std::vector<double>> null_mean, null_variance;
  BinSums bins, bins_with_ends;
  std::vector<RobustSum> robust;  // [band] over lanes
  // Of neighbouring samples in the usable positions, for the lag-1 autocorrelation; continuous
  // transforms only.
  double product = 0, square = 0;
};

/// Bands of a piece's own positions: `first` counts in PieceSums.
std::vector<BandPlace> own_places(const TransformChoice& choice, IndexRange own);

/// `reading` is held while the set is read. Throws Error as analyze().
PieceSums measure_piece(const PieceSetup& setup, const Piece& piece, TraceSet& traces,
                        std::mutex& reading);

}  // namespace dendrokv
