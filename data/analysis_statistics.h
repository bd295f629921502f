#pragma once
// The group /statistics of an analysis file.

#include "data/analysis_file.h"
#include "data/hdf5.h"

namespace dendrokv {

void write_statistics(h5::File& file, const Analysis& analysis);
/// Throws Error: a shape that does not fit the analysis, a verdict that is not known.
Statistics read_statistics(const h5::File& file, const Analysis& analysis);

}  // namespace dendrokv
