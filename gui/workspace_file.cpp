#include "gui/workspace_file.h"

#include <QJsonArray>
#include <algorithm>
#include <array>

#include "data/error.h"
#include "gui/json_file.h"
#include "gui/style.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "dendrokv-workspace";
constexpr std::array<std::string_view, 4> kScopes = {"lane", "layer mean", "mean", "set"};

QString relative_to(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  const fs::path relative = absolute.lexically_relative(fs::absolute(folder, error));
  return QString::fromStdString((relative.empty() ? absolute : relative).string());
}

fs::path resolved(const QString& text, const fs::path& folder) {
  return (folder / text.toStdString()).lexically_normal();
}

QJsonValue number(uint64_t value) {
  return static_cast<double>(value);
}

/// [[layer, lane], ...]
QJsonArray lanes_array(const std::vector<LaneId>& lanes) {
  QJsonArray array;
  for (const LaneId& id : lanes) array << QJsonArray{number(id.layer.value), number(id.lane.value)};
  return array;
}

QJsonObject selection_object(const Selection& selection) {
  QJsonObject object{
      {QStringLiteral("run"), number(selection.run)},
      {QStringLiteral("scope"), to_qt(kScopes[static_cast<size_t>(selection.scope)])},
      {QStringLiteral("layer"), number(selection.layer.value)},
      {QStringLiteral("lane"), number(selection.lane.value)},
      {QStringLiteral("step"), number(selection.step.value)},
      {QStringLiteral("first_visible"), number(selection.first_visible.value)},
      {QStringLiteral("visible"), number(selection.visible)},
  };
  if (selection.position) object[QStringLiteral("position")] = number(selection.position->value);
  if (selection.range)
    object[QStringLiteral("range")] =
        QJsonArray{number(selection.range->first.value), number(selection.range->last.value)};
  if (!selection.set.empty()) object[QStringLiteral("set")] = lanes_array(selection.set);
  QJsonArray others;
  for (const size_t other : selection.others) others << number(other);
  object[QStringLiteral("compared_with")] = others;
  return object;
}

LaneScope scope_named(const std::string& subject, const std::string& name) {
  const auto found = std::find(kScopes.begin(), kScopes.end(), name);
  if (found == kScopes.end())
    fail(subject + ": scope", "\"" + name + "\"", "wanted lane, layer mean, mean or set");
  return static_cast<LaneScope>(found - kScopes.begin());
}

/// An array of whole numbers.
std::vector<uint32_t> numbers(const std::string& subject, const QJsonObject& object,
                              const char* key) {
  std::vector<uint32_t> values;
  for (const QJsonValue& value : object[QLatin1String(key)].toArray())
    values.push_back(json_number(subject, {{QLatin1String(key), value}}, key));
  return values;
}

std::vector<LaneId> parse_lanes(const std::string& subject, const QJsonArray& array) {
  std::vector<LaneId> lanes;
  for (const QJsonValue& entry : array) {
    const std::vector<uint32_t> pair = numbers(subject, {{QStringLiteral("set"), entry}}, "set");
    if (pair.size() != 2)
      fail(subject + ": set", std::to_string(pair.size()) + " numbers",
           "wanted pairs of layer and lane");
    lanes.push_back({Layer(pair[0]), Lane(pair[1])});
  }
  return lanes;
}

Selection parse_selection(const std::string& subject, const QJsonObject& object) {
  Selection selection;
  selection.run = json_number(subject, object, "run");
  selection.scope = scope_named(subject, object[QLatin1String("scope")].toString().toStdString());
  selection.layer = Layer(json_number(subject, object, "layer"));
  selection.lane = Lane(json_number(subject, object, "lane"));
  selection.set = parse_lanes(subject, object[QLatin1String("set")].toArray());
  selection.step = Step(json_number(subject, object, "step"));
  selection.first_visible = Position(json_number(subject, object, "first_visible"));
  selection.visible = json_number(subject, object, "visible");
  if (object.contains(QLatin1String("position")))
    selection.position = Position(json_number(subject, object, "position"));
  const std::vector<uint32_t> range = numbers(subject, object, "range");
  if (range.size() == 2) selection.range = {Position(range[0]), Position(range[1])};
  for (const uint32_t other : numbers(subject, object, "compared_with"))
    selection.others.push_back(other);
  return selection;
}

QJsonArray panels_array(const std::vector<PanelPlace>& panels) {
  QJsonArray array;
  for (const PanelPlace& place : panels) {
    QJsonObject object{{QStringLiteral("view"), QString::fromStdString(place.view)},
                       {QStringLiteral("side"), to_qt(side_name(place.side))}};
    if (place.window)
      object[QStringLiteral("window")] = QJsonArray{place.window->x(), place.window->y(),
                                                    place.window->width(), place.window->height()};
    array << object;
  }
  return array;
}

std::vector<PanelPlace> parse_panels(const std::string& subject, const QJsonArray& array) {
  std::vector<PanelPlace> panels;
  for (const QJsonValue& entry : array) {
    const QJsonObject object = entry.toObject();
    PanelPlace place{object[QLatin1String("view")].toString().toStdString(),
                     side_named(object[QLatin1String("side")].toString().toStdString())};
    const QJsonArray window = object[QLatin1String("window")].toArray();
    if (!window.isEmpty()) {
      // On a screen of any size, left of or above the first one too.
      const auto at = [&window](int i) { return std::clamp(window[i].toInt(), -32'000, 32'000); };
      const QRect rect(at(0), at(1), at(2), at(3));
      if (window.size() != 4 || rect.width() < 1 || rect.height() < 1)
        fail(subject + ": window of a panel", std::to_string(window.size()) + " numbers",
             "wanted x, y, width and height");
      place.window = rect;
    }
    panels.push_back(std::move(place));
  }
  return panels;
}

QJsonObject look_object(const SavedWorkspace& saved) {
  QJsonArray views, sizes;
  for (const std::string& view : saved.views) views << QString::fromStdString(view);
  for (const int size : saved.sizes) sizes << size;
  return {{QStringLiteral("theme"), to_qt(theme_name(saved.theme))},
          {QStringLiteral("font_percent"), saved.font_percent},
          {QStringLiteral("level_marks"), saved.level_marks},
          {QStringLiteral("level_overlay"), saved.level_overlay},
          {QStringLiteral("views"), views},
          {QStringLiteral("panels"), panels_array(saved.panels)},
          {QStringLiteral("sizes"), sizes}};
}

void parse_look(const std::string& subject, const QJsonObject& object, SavedWorkspace& saved) {
  saved.theme = theme_named(object[QLatin1String("theme")].toString().toStdString());
  const uint32_t percent = json_number(subject, object, "font_percent");
  if (percent < kSmallestFontPercent || percent > kLargestFontPercent)
    fail(subject + ": font_percent", std::to_string(percent),
         "wanted " + std::to_string(kSmallestFontPercent) + " to " +
             std::to_string(kLargestFontPercent));
  saved.font_percent = static_cast<int>(percent);
  saved.level_marks = object[QLatin1String("level_marks")].toBool(true);
  saved.level_overlay = object[QLatin1String("level_overlay")].toBool(false);
  for (const QJsonValue& view : object[QLatin1String("views")].toArray())
    saved.views.push_back(view.toString().toStdString());
  saved.panels = parse_panels(subject, object[QLatin1String("panels")].toArray());
  for (const uint32_t size : numbers(subject, object, "sizes"))
    saved.sizes.push_back(static_cast<int>(std::min(size, 100'000u)));
}

}  // namespace

fs::path workspace_path(const fs::path& trace) {
  fs::path path = trace;
  return path.replace_extension(".dendrokv");
}

bool is_workspace_name(const fs::path& path) {
  return path.extension() == ".dendrokv";
}

QByteArray workspace_text(const SavedWorkspace& saved, const fs::path& file) {
  const fs::path folder = file.parent_path();
  QJsonArray runs;
  for (const fs::path& path : saved.runs) runs << relative_to(path, folder);
  return json_text({{QStringLiteral("trace"), relative_to(saved.trace, folder)},
                    {QStringLiteral("trace_uuid"), QString::fromStdString(saved.trace_uuid)},
                    {QStringLiteral("runs"), runs},
                    {QStringLiteral("selection"), selection_object(saved.selection)},
                    {QStringLiteral("look"), look_object(saved)}},
                   kFormat);
}

SavedWorkspace parse_workspace(const fs::path& file, const QByteArray& text) {
  const std::string subject = file.string();
  const QJsonObject object = parse_json(subject, text, kFormat);
  SavedWorkspace saved;
  const QString trace = object[QLatin1String("trace")].toString();
  if (trace.isEmpty()) fail(subject, "names no trace", "wanted the file that it is about");
  saved.trace = resolved(trace, file.parent_path());
  saved.trace_uuid = object[QLatin1String("trace_uuid")].toString().toStdString();
  for (const QJsonValue& run : object[QLatin1String("runs")].toArray())
    saved.runs.push_back(resolved(run.toString(), file.parent_path()));
  saved.selection = parse_selection(subject, object[QLatin1String("selection")].toObject());
  parse_look(subject, object[QLatin1String("look")].toObject(), saved);
  return saved;
}

}  // namespace dendrokv
