#pragma once
// Notes on a text: markers, named ranges, remarks. They live in a sidecar beside the trace, which
// is never written to; the sidecar names the trace by its uuid.

#include <QByteArray>
#include <QObject>
#include <QString>
#include <filesystem>
#include <string>
#include <vector>

#include "gui/selection.h"

namespace dendrokv {

/// A marker when it is about one position without text; a named range or a remark else.
struct Note {
  QString id;  // of its own, so that two windows can tell their notes apart
  PositionRange range;
  QString text;
  bool operator==(const Note&) const = default;
};

struct NotesFile {
  std::string trace_uuid;
  std::vector<Note> notes;  // by position, then id
};

/// TRACE.h5 -> TRACE.notes.json
std::filesystem::path notes_path(const std::filesystem::path& trace);
/// The same notes give the same bytes.
QByteArray notes_text(const NotesFile& file);
/// Throws Error that names `subject`: not JSON, not notes, newer, a note without a place.
NotesFile parse_notes(const std::string& subject, const QByteArray& text);
/// What two windows made of `base`: all that either added or changed, without what either removed.
/// Where both changed one note, `mine`.
std::vector<Note> merge_notes(const std::vector<Note>& base, const std::vector<Note>& mine,
                              const std::vector<Note>& theirs);

/// The notes of the open trace. Each change is written at once, merged with what another window
/// wrote.
class NotesModel : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;

  /// Reads the sidecar of a trace, if there is one. Throws Error when it cannot be read, is not
  /// notes, or belongs to another trace; then nothing is written over it.
  void open(const std::filesystem::path& trace, const std::string& trace_uuid, uint32_t tokens);
  const std::vector<Note>& notes() const { return notes_; }
  const std::filesystem::path& path() const { return path_; }

  /// Each throws Error when the sidecar cannot be written; the change stands in the window.
  void add(PositionRange range, const QString& text);
  void set_text(const QString& id, const QString& text);
  void remove(const QString& id);
  void undo();
  bool can_undo() const { return !past_.empty(); }

  /// The next note behind `after`, or the last one before it; round the end. Nothing when there are
  /// none.
  const Note* neighbour(std::optional<Position> after, int direction) const;

 Q_SIGNALS:
  void changed();

 private:
  /// Takes notes in place of the present ones and remembers how to undo that.
  void change(std::vector<Note> notes);
  void apply(std::vector<Note> notes);
  void save();

  std::filesystem::path path_;
  std::string trace_uuid_;
  uint32_t tokens_ = 0;
  std::vector<Note> notes_, saved_;
  /// An undo takes back what was changed, not what another window has written since.
  struct Change {
    std::vector<Note> before, after;
    QString typing = {};  // id of the note whose text it is: letters in a row are one change
  };
  std::vector<Change> past_;
};

}  // namespace dendrokv
