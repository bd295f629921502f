#include "gui/json_file.h"

#include <QFile>
#include <QJsonDocument>
#include <QSaveFile>
#include <cmath>
#include <limits>

#include "data/error.h"
#include "data/regular_file.h"
#include "gui/style.h"

namespace dendrokv {
namespace {

constexpr int kVersion = 1;
constexpr qint64 kMostBytes = 64 << 20;

}  // namespace

QJsonObject parse_json(const std::string& subject, const QByteArray& text,
                       std::string_view format) {
  QJsonParseError error;
  const QJsonDocument document = QJsonDocument::fromJson(text, &error);
  if (error.error != QJsonParseError::NoError)
    fail(subject,
         "not JSON: " + error.errorString().toStdString() + " at byte " +
             std::to_string(error.offset),
         "wanted " + std::string(format));
  const QJsonObject object = document.object();
  const std::string found = object[QLatin1String("format")].toString().toStdString();
  if (found != format)
    fail(subject, found.empty() ? "has no format" : "is a " + found,
         "wanted " + std::string(format));
  const double version = object[QLatin1String("format_version")].toDouble();
  if (version != kVersion)
    fail(subject, "format version " + std::to_string(version), "wanted " + std::to_string(kVersion),
         version > kVersion ? "open it with a newer DendroKV" : "");
  return object;
}

QByteArray json_text(QJsonObject object, std::string_view format) {
  object[QLatin1String("format")] = to_qt(format);
  object[QLatin1String("format_version")] = kVersion;
  return QJsonDocument(object).toJson(QJsonDocument::Indented);
}

uint32_t json_number(const std::string& subject, const QJsonObject& object, const char* key) {
  const double value = object[QLatin1String(key)].toDouble(-1);
  if (!(value >= 0) || value > std::numeric_limits<uint32_t>::max() || value != std::floor(value))
    fail(subject + ": " + key, "not a whole number", "wanted 0 to 4294967295");
  return static_cast<uint32_t>(value);
}

QByteArray read_small_file(const std::filesystem::path& path) {
  check_regular_file(path, "a file");
  QFile file(QFile::decodeName(path.c_str()));
  if (!file.open(QIODevice::ReadOnly))
    fail(path.string(), "cannot be read: " + file.errorString().toStdString(), "wanted a file");
  if (file.size() > kMostBytes)
    fail(path.string(), std::to_string(file.size()) + " bytes",
         "wanted at most " + std::to_string(kMostBytes));
  return file.read(kMostBytes);
}

void write_whole_file(const std::filesystem::path& path, const QByteArray& bytes) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
    fail(path.string(), "not a regular file", "wanted the name of a file that can be replaced");
  QSaveFile file(QFile::decodeName(path.c_str()));
  const bool written =
      file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() && file.commit();
  if (!written)
    fail(path.string(), "cannot be written: " + file.errorString().toStdString(),
         "wanted a writable file");
}

}  // namespace dendrokv
