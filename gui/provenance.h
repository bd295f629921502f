#pragma once
// Where what one sees comes from, in words: for the badge, for captions of pictures, beside tables,
// and as the command line that shows it again.

#include <QJsonObject>
#include <QString>
#include <QStringList>
#include <filesystem>
#include <vector>

#include "gui/document.h"
#include "gui/selection.h"

namespace dendrokv {

enum class Validity {
  Measured,  // closed loop: the policy ran in the engine
  OpenLoop,  // replayed over recorded full attention
  Live,      // the recorder is still writing
  Preview,   // coarse pictures show some of the steps only: there is no pyramid
};

struct Banner {
  QString text, meaning;
  std::vector<Validity> kinds;  // the run's first
};
/// Follows from attributes of the files alone.
Banner banner_of(const Document& document, const Selection& selection);

/// What a picture's caption says: files, model, policy and mode, lane, step and range.
QStringList provenance_lines(const Document& document, const Selection& selection);
/// dendrokv-view and the options that show the same again; `view` may be empty.
QString command_line(const std::vector<std::filesystem::path>& files, const Content& content,
                     const Selection& selection, const QString& view);
/// Of a table: what its columns are and where they come from (W3C "CSV on the Web" metadata).
QJsonObject table_metadata(const Document& document, const Selection& selection,
                           const QString& table, const QStringList& columns);

}  // namespace dendrokv
