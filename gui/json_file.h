#pragma once
// Small JSON files of the viewer (notes, workspaces): read with errors that say what is wrong,
// written whole or not at all.

#include <QJsonObject>
#include <filesystem>
#include <string>
#include <string_view>

namespace dendrokv {

/// Throws Error: not JSON, not an object, another `format`, a `format_version` above 1.
QJsonObject parse_json(const std::string& subject, const QByteArray& text, std::string_view format);
/// Keys in order, so that equal values give equal bytes; ends with a line end.
QByteArray json_text(QJsonObject object, std::string_view format);

/// A whole number of at least 0 that fits 32 bits; throws Error that names subject and key.
uint32_t json_number(const std::string& subject, const QJsonObject& object, const char* key);

/// Throws Error: unreadable, or larger than any such file is.
QByteArray read_small_file(const std::filesystem::path& path);
/// Under its own name only when complete. A device or a pipe would be replaced by a file: it is
/// refused. Throws Error: unwritable.
void write_whole_file(const std::filesystem::path& path, const QByteArray& bytes);

}  // namespace dendrokv
