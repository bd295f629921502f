#pragma once
// A file driver of HDF5 for files that are written once, in whole chunks. Included by hdf5*.cpp
// only.
//
// Metadata and small pieces go through the page cache. Whole pages go past it: they are gathered
// while they follow each other in the file, and written together. On the same disk the two ways may
// differ by more than a factor of ten (docs/performance.md), and a trace is too large to want a
// copy of it in memory. Where a file system has no direct writing, everything is cached.

#include <cstdint>
#include <string>

#include "data/hdf5_library.h"

namespace dendrokv::h5 {

/// Makes files of this access list use the driver.
void use_direct_driver(const Handle& access, const std::string& subject);

/// Writes what `file`, one of this driver, has gathered. Until then the memory of whole chunks that
/// were written must stay as it is.
void settle_direct(int64_t file, const std::string& subject);

}  // namespace dendrokv::h5
