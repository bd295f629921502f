#pragma once
// Who a file is: uuid, time of creation, SHA-256 of a file.

#include <filesystem>
#include <string>

namespace dendrokv {

/// Random, version 4.
std::string new_uuid();
/// UTC, ISO 8601: "2031-05-04T13:02:11Z".
std::string utc_now();
/// Lower-case hex. Throws Error when the file cannot be read.
std::string sha256_of(const std::filesystem::path& path);
/// "dendrokv 0.1.0"
std::string creator_name();

}  // namespace dendrokv
