#pragma once
// Claims in an analysis file: a group of columns side by side, so that a generic viewer shows them
// as a table.

#include <string>
#include <vector>

#include "data/claim.h"
#include "data/hdf5.h"

namespace dendrokv {

void write_claims(h5::File& file, const std::string& group, const std::vector<Claim>& claims);
/// Throws Error: a column that is missing or of another length, a verdict that is not known.
std::vector<Claim> read_claims(const h5::File& file, const std::string& group);

}  // namespace dendrokv
