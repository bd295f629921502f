#pragma once
// Where a command writes to, looked at before the work starts rather than after it.

#include <filesystem>
#include <span>
#include <string>

namespace dendrokv {

/// Throws Error: the folder is missing or not writable, `path` is a folder. Throws UsageError:
/// `path` is one of `inputs`.
void check_output(const std::filesystem::path& path, std::span<const std::filesystem::path> inputs);

/// A text under its final name only when whole. Throws Error.
void write_whole(const std::filesystem::path& path, const std::string& contents);

}  // namespace dendrokv
