// The tests of the viewer need a QApplication, and no display.

#include <QApplication>
#include <gtest/gtest.h>

#include "gui/application.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication application(argc, argv);
  dendrokv::set_up_application();
  return RUN_ALL_TESTS();
}
