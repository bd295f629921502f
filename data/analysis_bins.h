#pragma once
// The group /statistics/bins of an analysis file: what the claims are made of, of each unit and as
// mean curves.

#include <cstdint>

#include "data/analysis_file.h"
#include "data/hdf5.h"

namespace dendrokv {

/// `levels`: bands of the analysis.
void write_bins(h5::File& file, const Statistics& statistics, uint64_t levels);
/// Fills in bins, units and bands; needs statistics.nulls. Throws Error: a shape that does not fit.
void read_bins(const h5::File& file, uint64_t levels, Statistics& statistics);

}  // namespace dendrokv
