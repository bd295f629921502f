#include "gui/application.h"

#include <QApplication>
#include <QEventLoop>
#include <QStyleFactory>

#include "data/error.h"
#include "gui/accessible_view.h"
#include "gui/export.h"
#include "gui/main_window.h"

namespace dendrokv {
namespace {

bool is_set(const char* variable) {
  return !qEnvironmentVariableIsEmpty(variable);
}

/// Lets events run until the document has everything that the window asked for.
std::optional<QString> wait_until_settled(MainWindow& window,
                                          const std::vector<std::filesystem::path>& files) {
  QEventLoop loop;
  std::optional<QString> problem;
  QObject::connect(&window, &MainWindow::failed, &loop, [&](const QString& message) {
    problem = message;
    loop.quit();
  });
  // The views ask for more when the file is open: all is there when nothing is left even then.
  QObject::connect(&window, &MainWindow::settled, &loop, &QEventLoop::quit, Qt::QueuedConnection);
  window.open(files);
  while (!problem && window.busy()) {
    loop.exec();
    QApplication::processEvents();
  }
  return problem;
}

}  // namespace

void choose_platform(const ViewOptions& options) {
  if (options.batch()) {
    // Also where the desktop names its own platform, whose display may be out of reach.
    qputenv("QT_QPA_PLATFORM", "offscreen");
    return;
  }
  if (is_set("QT_QPA_PLATFORM")) return;
  if (!is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY"))
    fail("display", "none", "wanted X or Wayland (DISPLAY or WAYLAND_DISPLAY)",
         "draw into a file with --render OUT.png");
}

void set_up_application() {
  // Icons are drawn as sharp as texts are.
  QApplication::setAttribute(Qt::AA_UseHighDpiPixmaps);
  QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
  QApplication::setFont(body_font());
  QApplication::setApplicationName(QStringLiteral("dendrokv-view"));
  install_accessible_views();
  QApplication::setEffectEnabled(Qt::UI_AnimateCombo, false);
}

std::optional<std::string> run_batch(const ViewOptions& options) {
  MainWindow window(options, Memory::Sidecars);
  window.resize(static_cast<int>(options.width), static_cast<int>(options.height));
  if (options.render) window.show();
  if (const std::optional<QString> problem = wait_until_settled(window, options.files))
    return problem->toStdString();
  if (options.export_csv)
    write_csv(window.document(), window.selection().now(), *options.export_csv);
  if (options.render) render_window(window, *options.render);
  return std::nullopt;
}

}  // namespace dendrokv
