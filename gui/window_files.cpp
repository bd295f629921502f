// What the window opens, restores and leaves behind: traces with runs, workspaces, notes, the list
// of recent files.

#include <QDragEnterEvent>
#include <QFileDialog>
#include <QMimeData>
#include <utility>

#include "data/error.h"
#include "gui/applied_options.h"
#include "gui/json_file.h"
#include "gui/main_window.h"

namespace dendrokv {

void MainWindow::open(const std::vector<std::filesystem::path>& files) {
  if (files.size() == 1 && is_workspace_name(files.front())) return open_workspace(files.front());
  comparison_->forget();
  workspace_.kinship.forget();
  workspace_.marks = {};
  notice_->hide();
  files_ = files;
  show_message(QStringLiteral("Opening …"));
  document_.open(files);
}

void MainWindow::open_workspace(const std::filesystem::path& file) {
  try {
    const SavedWorkspace saved = parse_workspace(file, read_small_file(file));
    open_workspace(file, saved.trace);
  } catch (const Error& error) {
    refuse(QString::fromUtf8(error.what()));
  }
}

void MainWindow::open_workspace(const std::filesystem::path& file,
                                const std::filesystem::path& trace) {
  try {
    SavedWorkspace saved = parse_workspace(file, read_small_file(file));
    saved.trace = trace;
    std::error_code ignored;
    if (!std::filesystem::exists(trace, ignored)) {
      refuse(QString::fromStdString(file.string() + ": its trace " + trace.string() +
                                    " is gone, wanted a file, choose where it is now"));
      Q_EMIT missing_trace(QString::fromStdString(file.string()),
                           QString::fromStdString(trace.string()));
      return;
    }
    std::vector<std::filesystem::path> files = {trace};
    files.insert(files.end(), saved.runs.begin(), saved.runs.end());
    restoring_ = std::move(saved);
    open(files);
  } catch (const Error& error) {
    refuse(QString::fromUtf8(error.what()));
  }
}

void MainWindow::ask_for_trace(const QString& workspace, const QString& trace) {
  const QString found = QFileDialog::getOpenFileName(
      this, QStringLiteral("Where is ") + trace + QStringLiteral(" now?"), {},
      QStringLiteral("Traces (*.h5);;All files (*)"));
  if (!found.isEmpty()) open_workspace(workspace.toStdString(), found.toStdString());
}

void MainWindow::refuse(const QString& text) {
  restoring_.reset();
  show_message(text);
  Q_EMIT failed(text);
}

/// Of the workspace that is being restored, with what the command line says over it.
Selection MainWindow::start_selection(const Content& content) {
  Selection start = first_selection(content);
  if (restoring_) {
    if (!restoring_->trace_uuid.empty() && restoring_->trace_uuid != content.info.uuid)
      notice_->tell(
          QStringLiteral("The workspace was saved over another trace of this name: places in "
                         "the text may not be what they were."));
    // In range before anything reads it: the file may be about a longer text or more layers.
    selection_.reset(content, restoring_->selection);
    start = selection_.now();
  }
  return selected_by(options_, content, start);
}

void MainWindow::document_opened() {
  const Content& content = *document_.content();
  if (!restoring_ && memory_ != Memory::None && !options_.clean) {
    const std::filesystem::path beside = workspace_path(content.file);
    std::error_code ignored;
    try {
      if (std::filesystem::exists(beside, ignored))
        restoring_ = parse_workspace(beside, read_small_file(beside));
    } catch (const Error& error) {
      notice_->tell(QString::fromUtf8(error.what()));
    }
  }
  try {
    selection_.reset(content, start_selection(content));
    if (restoring_) apply_look(*restoring_);
    compare_as_asked(content);
  } catch (const Error& error) {
    selection_.reset(content, first_selection(content));
    refuse(QString::fromUtf8(error.what()));
    return;
  }
  take_sidecars(content);
  if (options_.find) controls_->find(QString::fromStdString(*options_.find));
  tell_what_is_missing(content);
  if (!keys_problem_.isEmpty()) notice_->tell(std::exchange(keys_problem_, {}));
  setWindowTitle(QString::fromStdString(content.file.filename().string()) +
                 QStringLiteral(" — DendroKV"));
  stack_->setCurrentIndex(1);
  // Only what is laid out has sizes to set.
  if (restoring_) deck_->set_sizes(restoring_->sizes);
  restoring_.reset();
  options_.forget_places();
  remember();
  Q_EMIT ready();
  if (touring_) tour_->start();
  touring_ = false;
}

void MainWindow::apply_look(const SavedWorkspace& saved) {
  workspace_.level_marks = saved.level_marks ? LevelMarks::Show : LevelMarks::Hide;
  workspace_.level_overlay = saved.level_overlay ? LevelOverlay::Show : LevelOverlay::Hide;
  if (!options_.font_percent) set_font_percent(saved.font_percent);
  if (!options_.theme_given) set_theme(saved.theme);
  if (!saved.panels.empty()) deck_->set_places(saved.panels);
  if (!saved.views.empty() && options_.view.empty()) deck_->set_shown(saved.views);
}

/// Notes beside the trace. What cannot be read is said, and left as it is.
void MainWindow::take_sidecars(const Content& content) {
  if (options_.clean || memory_ == Memory::None) return;
  try {
    notes_.open(content.file, content.info.uuid, content.info.tokens);
  } catch (const Error& error) {
    notice_->tell(QString::fromUtf8(error.what()));
  }
}

/// A file that holds less than it should is shown as far as it goes.
void MainWindow::tell_what_is_missing(const Content& content) {
  if (content.missing.empty()) return;
  QString text = QString::fromStdString(content.file.filename().string()) + QStringLiteral(": ");
  for (size_t i = 0; i < content.missing.size(); ++i)
    text += (i > 0 ? QStringLiteral("; ") : QString()) + QString::fromStdString(content.missing[i]);
  notice_->tell(text);
}

void MainWindow::compare_as_asked(const Content& content) {
  if (options_.compare.empty()) return;
  const ComparedWith wanted = compared_by(options_, content);
  selection_.reset(content, [&] {
    Selection start = selection_.now();
    start.run = wanted.run;
    start.others = wanted.others;
    return start;
  }());
  if (options_.view.empty()) comparison_->show();
  if (!wanted.beside.empty()) comparison_->open_beside(wanted.beside);
}

void MainWindow::remember() {
  if (memory_ != Memory::All) return;
  const bool own_file = !files_.empty() && !is_sample(files_.front());
  if (document_.content() && own_file) remember_opened(recent_, files_);
  fill_recent(*this);
  try {
    write_recent(recent_path(), recent_);
  } catch (const Error&) {
    // A home that cannot be written to costs the list of recent files, and nothing else.
  }
}

void MainWindow::file_replaced(const QString& what) {
  notice_->tell(what, QStringLiteral("Read again"), [this] {
    if (!files_.empty()) open(files_);
  });
}

SavedWorkspace MainWindow::saved() const {
  SavedWorkspace saved;
  if (const Content* content = document_.content()) {
    saved.trace = content->file;
    saved.trace_uuid = content->info.uuid;
    for (const std::filesystem::path& file : files_)
      if (file != content->file) saved.runs.push_back(file);
  }
  saved.selection = selection_.now();
  saved.selection.hover.reset();
  saved.theme = workspace_.style.theme;
  saved.font_percent = font_percent();
  saved.level_marks = workspace_.level_marks == LevelMarks::Show;
  saved.level_overlay = workspace_.level_overlay == LevelOverlay::Show;
  saved.views = deck_->shown();
  saved.panels = deck_->places();
  saved.sizes = deck_->sizes();
  return saved;
}

void MainWindow::save_workspace(const std::filesystem::path& file) {
  if (!document_.content())
    fail("workspace", "nothing is open", "wanted a trace", "open one first");
  write_whole_file(file, workspace_text(saved(), file));
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  std::vector<std::filesystem::path> files;
  for (const QUrl& url : event->mimeData()->urls())
    files.emplace_back(url.toLocalFile().toStdString());
  open(files);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  remember();
  if (memory_ == Memory::All && document_.content()) {
    try {
      save_workspace(last_window_path());
    } catch (const Error&) {
      // As in remember().
    }
  }
  QMainWindow::closeEvent(event);
}

}  // namespace dendrokv
