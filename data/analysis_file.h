#pragma once
// The result of `dendrokv analyze`: variability of contributions per position and wavelet band, and
// what a sample of texts says about it.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/claim.h"
#include "data/ids.h"

namespace dendrokv {

/// Where the mean curve would lie if one thing about the texts were otherwise
/// (analysis/surrogates.h).
struct NullCurve {
  std::string name;
  uint32_t draws = 0;  // per window
  // [bands, P]; low to high holds 95 % of the draws at a position
  std::vector<double> mean, low, high;
};

/// One test per layer and head.
struct HeadMap {
  std::string name, statement;
  std::vector<float> effect;               // [L, H] mean over units, natural logarithm
  std::vector<float> p_value, adjusted_p;  // [L, H]; NaN where the sample is too small
};

/// A place where the relative variability of a band changes.
struct BandChange {
  uint32_t band = 0;      // index
  uint32_t position = 0;  // the last one before the change
  double statistic = 0, p_value = 1;
};

/// Mean ln amplitudes of one unit on the bins, and what they are compared with.
struct UnitCurves {
  // Of the document, and of the window where windows are the units.
  std::string name;
  std::vector<double> amplitude;           // [bands, bins]
  std::vector<double> size;                // [bins] ln of the local root mean square
  std::vector<std::vector<double>> nulls;  // of each null, [bands, bins]
};

/// ln amplitude - ln of the null (of the local size without one) on the bins, mean over units, with
/// a band that holds all of a curve at once.
struct BinBand {
  std::string name;                     // "amplitude", "relative", or the null's
  std::vector<double> mean, low, high;  // [bands, bins]; low and high NaN for fewer than two units
  // [bands] that the curves rise with the bin, by ranks alone: Page's p-value over units, and Sen's
  // slope of the mean curve from the first bin to the last; empty in older files
  std::vector<double> page_p = {}, sen_change = {};
};

struct Statistics {
  std::string unit = "document";  // or "window": pseudo-samples, several to a text
  uint32_t documents = 0, windows = 0;
  uint64_t seed = 1;
  uint32_t draws = 0;    // bootstraps and sign flips
  uint32_t stretch = 0;  // positions within which nulls permute
  double confidence = 0.95, significance = 0.05;
  std::vector<std::string> nulls;  // names
  std::vector<NullCurve> null_curves;
  std::vector<uint32_t> bin_first, bin_count;  // positions
  std::vector<UnitCurves> units;
  std::vector<BinBand> bands;
  std::vector<Claim> claims;            // without the ends that are left out
  std::vector<Claim> claims_with_ends;  // on all positions
  std::vector<HeadMap> maps;
  std::vector<double> energy, relative;                       // [bands, P]
  std::vector<double> entropy;                                // [P]
  std::vector<double> variance, variance_low, variance_high;  // [bands]
  // [bands] the M-estimate, NaN where it has too few coefficients; and the median over positions in
  // place of the mean. Empty in older files
  std::vector<double> variance_robust, variance_median;
  std::string variance_interval;  // how the interval was made
  std::vector<BandChange> changes;
  // Of the first-order autoregression; NaN unless the transform is continuous.
  double lag1 = 0;
  // [bands] mean power that 95 % of such noise stays below; empty otherwise
  std::vector<double> significant;
};

struct Analysis {
  std::string uuid, created, creator, command_line;
  std::vector<std::string> trace_uuids;  // of the traces that windows come from
  std::string transform = "dwt", wavelet = "haar", boundary = "aligned", signal = "contribution";
  std::string unit;           // of the bands
  std::string normalisation;  // of a continuous transform
  uint32_t levels = 0;        // rows of the bands; the first is the highest frequency
  uint32_t depth = 0;         // levels of the transform
  uint32_t positions = 0;     // P; of the (longest) trace up to the query, or of a window
  // Position of the query whose weights were taken; in a window its last position.
  uint32_t step = 0;
  uint32_t valid_first = 0, valid_count = 0;       // positions that the transform covers
  uint32_t exclude_first = 32, exclude_last = 32;  // left out of figures and tests
  uint32_t samples = 0;                            // windows
  std::vector<std::string> band_names;             // [levels]
  std::vector<double> period_low, period_high;     // [levels] tokens
  // [levels] positions that no end of the window has touched
  std::vector<uint32_t> band_first, band_count;
  std::vector<Layer> layers;
  std::vector<Head> heads;
  std::vector<double> band;  // [levels, P], NaN outside of the valid range
  // [levels, P] confidence band over units; NaN for fewer than two
  std::vector<double> low, high;
  // "simultaneous over the positions of a band", "pointwise" or "none"
  std::string band_kind;
  std::vector<float> band_by_head;  // [levels, L, H, cells]
  uint32_t pool = 1;                // positions of a cell of band_by_head, of which it is the mean
  // [P] mean attention weight over layers and heads; NaN = absent
  std::vector<double> mean_weight;
  Statistics statistics;

  uint32_t cells() const { return (positions + pool - 1) / pool; }
  std::span<const double> band_row(size_t level) const {
    return std::span(band).subspan(level * positions, positions);
  }
};

/// Writes `path`.part, then renames. Fills uuid, created and creator when empty. Throws Error.
void write_analysis(const std::filesystem::path& path, Analysis analysis);
Analysis read_analysis(const std::filesystem::path& path);

}  // namespace dendrokv
