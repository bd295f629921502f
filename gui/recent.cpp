#include "gui/recent.h"

#include <QFile>
#include <QJsonArray>
#include <algorithm>

#include "data/error.h"
#include "gui/json_file.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFormat = "dendrokv-viewer-state";

}  // namespace

std::filesystem::path recent_path() {
  const QByteArray state = qgetenv("XDG_STATE_HOME");
  const std::filesystem::path base =
      state.isEmpty() ? std::filesystem::path(qgetenv("HOME").toStdString()) / ".local" / "state"
                      : std::filesystem::path(state.toStdString());
  return base / "dendrokv" / "viewer.json";
}

std::filesystem::path last_window_path() {
  return recent_path().parent_path() / "last.dendrokv";
}

Recent read_recent(const std::filesystem::path& path) {
  Recent recent;
  try {
    const QJsonObject object = parse_json(path.string(), read_small_file(path), kFormat);
    recent.tour_seen = object[QLatin1String("tour_seen")].toBool();
    for (const QJsonValue& entry : object[QLatin1String("opened")].toArray()) {
      Recent::Files files;
      for (const QJsonValue& file : entry.toArray())
        files.emplace_back(file.toString().toStdString());
      if (!files.empty() && recent.opened.size() < kMostRecent) recent.opened.push_back(files);
    }
  } catch (const Error&) {
    return {};
  }
  return recent;
}

void write_recent(const std::filesystem::path& path, const Recent& recent) {
  QJsonArray opened;
  for (const Recent::Files& files : recent.opened) {
    QJsonArray entry;
    for (const std::filesystem::path& file : files) entry << QString::fromStdString(file.string());
    opened << entry;
  }
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  write_whole_file(path, json_text({{QStringLiteral("tour_seen"), recent.tour_seen},
                                    {QStringLiteral("opened"), opened}},
                                   kFormat));
}

void remember_opened(Recent& recent, const Recent::Files& files) {
  Recent::Files absolute;
  std::error_code ignored;
  for (const std::filesystem::path& file : files)
    absolute.push_back(std::filesystem::absolute(file, ignored));
  std::erase(recent.opened, absolute);
  recent.opened.insert(recent.opened.begin(), absolute);
  if (recent.opened.size() > kMostRecent) recent.opened.resize(kMostRecent);
}

}  // namespace dendrokv
