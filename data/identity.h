#pragma once
// Who a file is: uuid, time of creation, SHA-256 of a file.

#include <filesystem>
#include <string>
#include <string_view>

namespace dendrokv {

/// Random, version 4.
std::string new_uuid();
/// Of a text: equal texts have equal ones. Version 8 (RFC 9562), from its SHA-256.
std::string uuid_of_text(std::string_view text);
/// UTC, ISO 8601: "2031-05-04T13:02:11Z".
std::string utc_now();
/// The `created` of files that must not depend on when they were made: $SOURCE_DATE_EPOCH, else the
/// start of 1970. Throws Error when that variable is not a number of seconds.
std::string reproducible_time();
/// Lower-case hex.
std::string sha256_of_text(std::string_view text);
/// Lower-case hex. Throws Error when the file cannot be read.
std::string sha256_of(const std::filesystem::path& path);
/// "dendrokv 0.1.0"
std::string creator_name();

}  // namespace dendrokv
