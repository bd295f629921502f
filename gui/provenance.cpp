#include "gui/provenance.h"

#include <QJsonArray>

#include "gui/lane_sets.h"
#include "gui/style.h"

namespace dendrokv {
namespace {

/// For a shell: quoted where it has to be.
QString shell_word(const QString& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](QChar c) {
    return c.isLetterOrNumber() || QStringLiteral("-_./=:,+@").contains(c);
  });
  if (plain && !text.isEmpty()) return text;
  QString quoted = text;
  quoted.replace(QLatin1Char('\''), QLatin1String("'\\''"));
  return QLatin1Char('\'') + quoted + QLatin1Char('\'');
}

QString lane_words(const Run& run, const Selection& selection) {
  switch (selection.scope) {
    case LaneScope::One:
      return QStringLiteral("layer %1, %2")
          .arg(selection.layer.value)
          .arg(to_qt(lane_name(run, selection.lane)));
    case LaneScope::LayerMean:
      return QStringLiteral("mean of layer %1").arg(selection.layer.value);
    case LaneScope::AllMean:
      return QStringLiteral("mean of all lanes");
    case LaneScope::Set:
      return QStringLiteral("mean of %1 lanes: ").arg(selection.set.size()) +
             to_qt(lane_set_text(selection.set, run));
  }
  return {};
}

/// With the rows of a budget map: it may be gone, and the spec does not say them.
QString lane_text(const Run& run, const Selection& selection) {
  const std::vector<LaneId> lanes = chosen_lanes(run, selection);
  const QString rows = to_qt(mapped_rows(run, lanes));
  return lane_words(run, selection) +
         (rows.isEmpty() ? QString() : QStringLiteral(" (%1)").arg(rows));
}

/// As --lane takes it.
QString lane_option(const Run& run, const Selection& selection) {
  switch (selection.scope) {
    case LaneScope::One:
      return QStringLiteral("%1.%2").arg(selection.layer.value).arg(selection.lane.value);
    case LaneScope::LayerMean:
      return QStringLiteral("%1.mean").arg(selection.layer.value);
    case LaneScope::AllMean:
      return QStringLiteral("mean");
    case LaneScope::Set:
      return to_qt(lane_set_text(selection.set, run));
  }
  return {};
}

/// Coarse cells of a trace this large cannot be read whole without a pyramid.
bool only_preview(const Document& document) {
  const TraceInfo& info = document.content()->info;
  return document.pyramid_origin() == PyramidOrigin::None &&
         info.steps.size() * uint64_t{info.tokens} > HeatSource::kMostCells;
}

}  // namespace

Banner banner_of(const Document& document, const Selection& selection) {
  const Content& content = *document.content();
  const Run& run = content.runs[selection.run];
  Banner banner{to_qt(provenance_name(run)), to_qt(provenance_meaning(run)), {}};
  banner.kinds.push_back(run.mode == RunMode::ClosedLoop ? Validity::Measured : Validity::OpenLoop);
  if (content.ending == Ending::Cut) {
    banner.kinds.push_back(Validity::Preview);
    banner.text += QStringLiteral(" · cut");
    banner.meaning +=
        QStringLiteral("\nThe file has lost its end: steps after the last one shown are gone.");
  }
  if (content.ending == Ending::Live) {
    banner.kinds.push_back(Validity::Live);
    banner.text += QStringLiteral(" · live");
    banner.meaning += QStringLiteral("\nThe trace is still being written, or was left unfinished.");
  }
  if (only_preview(document)) {
    banner.kinds.push_back(Validity::Preview);
    banner.text += QStringLiteral(" · preview");
    banner.meaning += QStringLiteral(
        "\nThe trace has no pyramid: coarse pictures of attention show some of the steps only. "
        "“Build index” makes them exact.");
  }
  return banner;
}

QStringList provenance_lines(const Document& document, const Selection& selection) {
  const Content& content = *document.content();
  const Run& run = content.runs[selection.run];
  const uint32_t last = selection.first_visible.value + selection.visible - 1;
  QStringList lines;
  lines << QString::fromStdString(content.file.filename().string()) + QStringLiteral(" · ") +
               to_qt(content.info.model.name) + QStringLiteral(" · trace ") +
               to_qt(content.info.uuid);
  lines << to_qt(run.policy) + QStringLiteral(" · ") + banner_of(document, selection).text;
  lines << lane_text(run, selection) + QStringLiteral(" · step %1 · positions %2 to %3 of %4")
                                           .arg(grouped(selection.step.value),
                                                grouped(selection.first_visible.value),
                                                grouped(last), grouped(content.info.tokens));
  for (const size_t other : selection.others)
    lines << QStringLiteral("compared with ") + to_qt(content.runs[other].policy) +
                 QStringLiteral(" · ") + to_qt(provenance_name(content.runs[other]));
  return lines;
}

QString command_line(const std::vector<std::filesystem::path>& files, const Content& content,
                     const Selection& selection, const QString& view) {
  QStringList words = {QStringLiteral("dendrokv-view")};
  for (const std::filesystem::path& file : files)
    words << shell_word(QString::fromStdString(file.string()));
  const auto add = [&words](const char* option, const QString& value) {
    words << QLatin1String(option) << value;
  };
  add("--run", QString::number(selection.run));
  add("--step", QString::number(selection.step.value));
  add("--lane", shell_word(lane_option(content.runs[selection.run], selection)));
  if (selection.position) add("--at", QString::number(selection.position->value));
  if (!selection.others.empty()) {
    add("--compare", QString::number(selection.run));
    words << QString::number(selection.others.front());
  }
  if (!view.isEmpty()) add("--view", view);
  return words.join(QLatin1Char(' '));
}

QJsonObject table_metadata(const Document& document, const Selection& selection,
                           const QString& table, const QStringList& columns) {
  QJsonArray named;
  for (const QString& column : columns)
    named << QJsonObject{{QStringLiteral("name"), column}, {QStringLiteral("titles"), column}};
  QJsonArray notes;
  for (const QString& line : provenance_lines(document, selection)) notes << line;
  return {{QStringLiteral("@context"), QStringLiteral("http://www.w3.org/ns/csvw")},
          {QStringLiteral("url"), table},
          {QStringLiteral("dc:description"), notes},
          {QStringLiteral("tableSchema"), QJsonObject{{QStringLiteral("columns"), named}}}};
}

}  // namespace dendrokv
