#pragma once
// Files that are read from any place, and more than once.

#include <filesystem>
#include <string_view>

namespace dendrokv {

/// Throws Error, before anything is opened: missing, a folder, a pipe (which would be waited for),
/// a device, not readable. `wanted` is what it should be: "an HDF5 file".
void check_regular_file(const std::filesystem::path& path, std::string_view wanted);

}  // namespace dendrokv
