#pragma once
// Where a command writes to, looked at before the work starts rather than after it.

#include <filesystem>
#include <span>

namespace dendrokv {

/// Throws Error: the folder is missing or not writable, `path` is a folder. Throws UsageError: `path` is one of `inputs`.
void check_output(const std::filesystem::path& path, std::span<const std::filesystem::path> inputs);

}  // namespace dendrokv
