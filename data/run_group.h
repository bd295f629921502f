#pragma once
// The group of one policy run, /run in a trace and /runs/N in a runs file.

#include <string_view>

#include "data/hdf5.h"
#include "data/retention.h"

namespace dendrokv {

void write_run_group(h5::File& file, std::string_view path, const Run& run);
/// Throws Error: something missing or inconsistent (Retention::from_arrays).
Run read_run_group(const h5::File& file, std::string_view path, Records records = Records::Whole);

}  // namespace dendrokv
