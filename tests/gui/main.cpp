// The tests of the viewer need a QApplication, and no display.

#include <QApplication>
#include <gtest/gtest.h>

#include "gui/application.h"

/// Read by the leak sanitizer, in builds that have it: Qt's offscreen platform never frees its
/// screen. What our own code allocates and loses is still reported.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libqoffscreen.so\nleak:libQt5Gui.so\nleak:libQt5Core.so\n";
}

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication application(argc, argv);
  dendrokv::set_up_application();
  return RUN_ALL_TESTS();
}
