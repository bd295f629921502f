#pragma once
// Commands that ask for a file, or write one.

#include <QString>

#include "data/error.h"
#include "gui/main_window.h"

namespace dendrokv {

void open_files(MainWindow& window);
void reload(MainWindow& window);
void open_beside(MainWindow& window);
void save_workspace(MainWindow& window);
void save_workspace_as(MainWindow& window);
void restore_window(MainWindow& window);
void save_picture(MainWindow& window);
void save_view(MainWindow& window, const ViewRow& row);
void save_table(MainWindow& window);
void copy_command_line(MainWindow& window);

/// Runs a write and shows its error, if any.
template <class Write>
void guarded(MainWindow& window, const Write& write) {
  try {
    write();
  } catch (const Error& error) {
    window.notice().tell(QStringLiteral("Not written: ") + QString::fromUtf8(error.what()));
  }
}

}  // namespace dendrokv
