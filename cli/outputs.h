#pragma once
// Where a command writes to, looked at before the work starts rather than after it.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace dendrokv {

/// Throws Error: the folder is missing or not writable, `path` is a folder. Throws UsageError:
/// `path` is one of `inputs`.
void check_output(const std::filesystem::path& path, std::span<const std::filesystem::path> inputs);

/// The same of a folder that files are put into, and that is made if it is not there.
void check_output_folder(const std::filesystem::path& folder);

/// What `output`.part is to a command that can go on from one.
enum class Unfinished : uint8_t { None, Damaged, There };
/// Throws Error where it is something else than a file of `format`, which would be written over.
Unfinished unfinished_part(const std::filesystem::path& output, std::string_view format);

/// A text under its final name only when whole. Throws Error.
void write_whole(const std::filesystem::path& path, const std::string& contents);

}  // namespace dendrokv
