#pragma once
// The record of a run's duels, read from its file lane by lane, past the HDF5 library: any thread
// may ask while another one has the library. Needs arrays that are stored as they are in chunks of
// one lane each, as write_run_group() makes them.

#include <memory>
#include <string>

#include "data/hdf5.h"
#include "data/retention.h"

namespace dendrokv {

/// Of the arrays rival, score, rival_score and reason of `group`, [layers, lanes, tokens]. Null
/// when they are stored otherwise. Keeps the file open, so that another one may take its name.
/// Throws Error: an array is missing, or of another shape. Reading what the file has lost throws
/// too.
std::shared_ptr<const DuelSource> stored_duels(const h5::File& file, const std::string& group,
                                               const h5::Shape& shape);

}  // namespace dendrokv
