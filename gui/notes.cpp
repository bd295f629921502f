#include "gui/notes.h"

#include <QJsonArray>
#include <QUuid>
#include <algorithm>

#include "data/error.h"
#include "gui/json_file.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFormat = "dendrokv-notes";
constexpr size_t kMostHistory = 100;

bool comes_before(const Note& a, const Note& b) {
  return std::tie(a.range.first, a.range.last, a.id) < std::tie(b.range.first, b.range.last, b.id);
}

const Note* with_id(const std::vector<Note>& notes, const QString& id) {
  const auto found =
      std::find_if(notes.begin(), notes.end(), [&id](const Note& note) { return note.id == id; });
  return found == notes.end() ? nullptr : &*found;
}

Note parse_note(const std::string& subject, const QJsonObject& object) {
  Note note;
  note.id = object[QLatin1String("id")].toString();
  if (note.id.isEmpty()) fail(subject, "has no id", "wanted one for each note");
  note.range = {Position(json_number(subject, object, "first")),
                Position(json_number(subject, object, "last"))};
  if (note.range.last < note.range.first)
    fail(subject, "ends before it begins", "wanted first <= last");
  note.text = object[QLatin1String("text")].toString();
  return note;
}

}  // namespace

std::filesystem::path notes_path(const std::filesystem::path& trace) {
  std::filesystem::path path = trace;
  return path.replace_extension(".notes.json");
}

QByteArray notes_text(const NotesFile& file) {
  QJsonArray notes;
  for (const Note& note : file.notes)
    notes << QJsonObject{{QStringLiteral("id"), note.id},
                         {QStringLiteral("first"), static_cast<double>(note.range.first.value)},
                         {QStringLiteral("last"), static_cast<double>(note.range.last.value)},
                         {QStringLiteral("text"), note.text}};
  return json_text({{QStringLiteral("trace_uuid"), QString::fromStdString(file.trace_uuid)},
                    {QStringLiteral("notes"), notes}},
                   kFormat);
}

NotesFile parse_notes(const std::string& subject, const QByteArray& text) {
  const QJsonObject object = parse_json(subject, text, kFormat);
  NotesFile file;
  file.trace_uuid = object[QLatin1String("trace_uuid")].toString().toStdString();
  for (const QJsonValue& value : object[QLatin1String("notes")].toArray()) {
    const Note note =
        parse_note(subject + ": note " + std::to_string(file.notes.size()), value.toObject());
    if (with_id(file.notes, note.id))
      fail(subject, "two notes have the id " + note.id.toStdString(), "wanted one each");
    file.notes.push_back(note);
  }
  std::sort(file.notes.begin(), file.notes.end(), comes_before);
  return file;
}

std::vector<Note> merge_notes(const std::vector<Note>& base, const std::vector<Note>& mine,
                              const std::vector<Note>& theirs) {
  std::vector<Note> merged;
  for (const Note& note : mine) {
    const Note* const before = with_id(base, note.id);
    const Note* const other = with_id(theirs, note.id);
    if (before && !other) {
      // Removed by the other window; kept all the same if it was changed here.
      if (note != *before) merged.push_back(note);
    } else {
      merged.push_back(before && other && note == *before ? *other : note);
    }
  }
  for (const Note& note : theirs)
    if (!with_id(mine, note.id) && !with_id(base, note.id)) merged.push_back(note);
  std::sort(merged.begin(), merged.end(), comes_before);
  return merged;
}

void NotesModel::open(const std::filesystem::path& trace, const std::string& trace_uuid,
                      uint32_t tokens) {
  notes_.clear();
  saved_.clear();
  past_.clear();
  path_.clear();
  tokens_ = tokens;
  trace_uuid_ = trace_uuid;
  Q_EMIT changed();
  const std::filesystem::path path = notes_path(trace);
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    const NotesFile file = parse_notes(path.string(), read_small_file(path));
    if (file.trace_uuid != trace_uuid)
      fail(path.string(), "holds notes on trace " + file.trace_uuid, "wanted " + trace_uuid,
           "move it away to take notes on this trace");
    for (const Note& note : file.notes)
      if (note.range.last.value >= tokens)
        fail(path.string(), "a note on position " + std::to_string(note.range.last.value),
             "wanted less than " + std::to_string(tokens));
    notes_ = saved_ = file.notes;
  }
  path_ = path;
  Q_EMIT changed();
}

void NotesModel::apply(std::vector<Note> notes) {
  std::sort(notes.begin(), notes.end(), comes_before);
  notes_ = std::move(notes);
  Q_EMIT changed();
  save();
}

void NotesModel::save() {
  std::error_code ignored;
  if (std::filesystem::exists(path_, ignored)) {
    const NotesFile theirs = parse_notes(path_.string(), read_small_file(path_));
    if (theirs.trace_uuid != trace_uuid_)
      fail(path_.string(), "now holds notes on trace " + theirs.trace_uuid,
           "wanted " + trace_uuid_);
    notes_ = merge_notes(saved_, notes_, theirs.notes);
    // Another trace may have taken the name in the meantime: a place behind this text is not shown.
    std::erase_if(notes_, [this](const Note& note) { return note.range.last.value >= tokens_; });
  }
  write_whole_file(path_, notes_text({trace_uuid_, notes_}));
  saved_ = notes_;
  Q_EMIT changed();
}

void NotesModel::change(std::vector<Note> notes) {
  if (path_.empty())
    fail("notes", "no place to keep them", "wanted an open trace whose notes can be read");
  if (past_.size() == kMostHistory) past_.erase(past_.begin());
  past_.push_back({notes_, notes, {}});
  apply(std::move(notes));
}

void NotesModel::add(PositionRange range, const QString& text) {
  std::vector<Note> notes = notes_;
  notes.push_back({QUuid::createUuid().toString(QUuid::WithoutBraces), range, text});
  change(std::move(notes));
}

void NotesModel::set_text(const QString& id, const QString& text) {
  std::vector<Note> notes = notes_;
  for (Note& note : notes)
    if (note.id == id) note.text = text;
  if (notes == notes_) return;
  if (!past_.empty() && past_.back().typing == id) {
    past_.back().after = notes;
    return apply(std::move(notes));
  }
  change(std::move(notes));
  past_.back().typing = id;
}

void NotesModel::remove(const QString& id) {
  if (!with_id(notes_, id)) return;
  std::vector<Note> notes = notes_;
  std::erase_if(notes, [&id](const Note& note) { return note.id == id; });
  change(std::move(notes));
}

void NotesModel::undo() {
  if (past_.empty()) return;
  const Change last = std::move(past_.back());
  past_.pop_back();
  apply(merge_notes(last.after, last.before, notes_));
}

const Note* NotesModel::neighbour(std::optional<Position> after, int direction) const {
  if (notes_.empty()) return nullptr;
  if (!after) return direction > 0 ? &notes_.front() : &notes_.back();
  if (direction > 0) {
    for (const Note& note : notes_)
      if (note.range.first > *after) return &note;
    return &notes_.front();
  }
  for (auto note = notes_.rbegin(); note != notes_.rend(); ++note)
    if (note->range.first < *after) return &*note;
  return &notes_.back();
}

}  // namespace dendrokv
