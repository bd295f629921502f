#include "gui/file_actions.h"

#include <QApplication>
#include <QClipboard>
#include <QFileDialog>

#include "gui/export.h"
#include "gui/provenance.h"

namespace dendrokv {

void open_files(MainWindow& window) {
  const QStringList names =
      QFileDialog::getOpenFileNames(&window, QStringLiteral("Open a trace, with runs over it"), {},
                                    QStringLiteral("HDF5 files (*.h5);;All files (*)"));
  std::vector<std::filesystem::path> files;
  for (const QString& name : names) files.emplace_back(name.toStdString());
  if (!files.empty()) window.open(files);
}

void reload(MainWindow& window) {
  if (!window.files().empty()) window.open(window.files());
}

void open_beside(MainWindow& window) {
  const QString name =
      QFileDialog::getOpenFileName(&window, QStringLiteral("Open another trace of the same text"),
                                   {}, QStringLiteral("Traces (*.h5);;All files (*)"));
  if (!name.isEmpty()) window.comparison().open_beside({name.toStdString()});
}

void save_workspace(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  guarded(window, [&] {
    const std::filesystem::path file = workspace_path(content->file);
    window.save_workspace(file);
    window.notice().tell(QStringLiteral("Saved as ") + QString::fromStdString(file.string()) +
                         QStringLiteral(": it opens with the trace."));
  });
}

void save_workspace_as(MainWindow& window) {
  if (!window.document().content()) return;
  const QString name = QFileDialog::getSaveFileName(&window, QStringLiteral("Save the workspace"),
                                                    {}, QStringLiteral("Workspaces (*.dendrokv)"));
  if (!name.isEmpty()) guarded(window, [&] { window.save_workspace(name.toStdString()); });
}

void restore_window(MainWindow& window) {
  window.open({last_window_path()});
}

void save_picture(MainWindow& window) {
  const QString name =
      QFileDialog::getSaveFileName(&window, QStringLiteral("Save the window as a picture"), {},
                                   QStringLiteral("Pictures (*.png *.svg *.pdf)"));
  if (!name.isEmpty()) guarded(window, [&] { render_window(window, name.toStdString()); });
}

void save_view(MainWindow& window, const ViewRow& row) {
  if (!window.document().content()) return;
  const QString name = QFileDialog::getSaveFileName(
      &window, QStringLiteral("Save ") + to_qt(row.title) + QStringLiteral(" as a picture"), {},
      QStringLiteral("Pictures (*.png *.svg *.pdf)"));
  if (!name.isEmpty()) guarded(window, [&] { render_view(window, row.name, name.toStdString()); });
}

void save_table(MainWindow& window) {
  if (!window.document().content()) return;
  const QString name =
      QFileDialog::getSaveFileName(&window, QStringLiteral("Save the state of every token"), {},
                                   QStringLiteral("Tables (*.csv)"));
  if (!name.isEmpty())
    guarded(window,
            [&] { write_csv(window.document(), window.selection().now(), name.toStdString()); });
}

void copy_command_line(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  QApplication::clipboard()->setText(
      command_line(window.files(), *content, window.selection().now(), QString()));
  window.notice().tell(QStringLiteral("Copied: ") + QApplication::clipboard()->text());
}

}  // namespace dendrokv
