// dendrokv-view: exit status 0 done, 1 failed, 2 usage.

#include <QApplication>
#include <QIcon>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "data/error.h"
#include "gui/application.h"
#include "gui/main_window.h"

namespace {

using namespace dendrokv;

constexpr int kFailed = 1, kUsage = 2;

int complain(const std::exception& error, int status) {
  std::fprintf(stderr, "dendrokv-view: %s\n", error.what());
  return status;
}

/// Qt ends the program by a signal when it cannot reach the display; this says what to do instead.
void explain_fatal(QtMsgType type, const QMessageLogContext&, const QString& message) {
  if (type == QtFatalMsg) {
    std::fprintf(stderr,
                 "dendrokv-view: display: %s, wanted one that can be opened, draw into a file with "
                 "--render OUT.png\n",
                 qPrintable(message.section(QLatin1Char('\n'), 0, 0)));
    std::_Exit(kFailed);
  }
  if (type != QtDebugMsg && type != QtInfoMsg && qEnvironmentVariableIsSet("DENDROKV_VERBOSE"))
    std::fprintf(stderr, "%s\n", qPrintable(message));
}

int say_what_was_written(const ViewOptions& options) {
  for (const auto& path : {options.export_csv, options.render})
    if (path && std::puts(path->c_str()) < 0) return kFailed;
  return 0;
}

int show_window(const ViewOptions& options) {
  MainWindow window(options, Memory::All);
  window.resize(static_cast<int>(options.width), static_cast<int>(options.height));
  window.show();
  if (!options.files.empty())
    window.open(options.files);
  else if (!window.recent().tour_seen)
    window.start_tour();
  return QApplication::exec();
}

}  // namespace

int main(int argc, char** argv) {
  ViewOptions options;
  try {
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    options = parse_options(arguments);
  } catch (const Error& error) {
    return complain(error, kUsage);
  }
  if (options.ask == ViewOptions::Ask::Help) return std::fputs(help_text().c_str(), stdout) < 0;
  if (options.ask == ViewOptions::Ask::Version)
    return std::puts("dendrokv-view " DENDROKV_VERSION) < 0;
  try {
    choose_platform(options);
    qInstallMessageHandler(explain_fatal);
    int qt_argc = 1;
    QApplication application(qt_argc, argv);
    set_up_application();
    QApplication::setWindowIcon(QIcon(QStringLiteral(":/dendrokv.svg")));
    QApplication::setDesktopFileName(QStringLiteral("dendrokv-view"));
    if (!options.batch()) return show_window(options);
    const std::optional<std::string> problem = run_batch(options);
    if (!problem) return say_what_was_written(options);
    std::fprintf(stderr, "dendrokv-view: %s\n", problem->c_str());
    return kFailed;
  } catch (const std::exception& error) {
    return complain(error, kFailed);
  }
}
