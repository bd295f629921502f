// The viewer's budgets on files and texts that no memory holds. What is counted (bytes, tiles) is
// asserted as it is; times are asserted with room for a busy machine, and printed.

#include <QApplication>
#include <QElapsedTimer>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <time.h>

#include "gui/retention_codes.h"
#include "tests/gui/big_trace.h"
#include "tests/gui/made_up_run.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

double milliseconds(QElapsedTimer& clock) {
  return static_cast<double>(clock.nsecsElapsed()) * 1e-6;
}

/// A line of /proc/self/status or io, in bytes.
uint64_t process_number(const char* file, const std::string& name) {
  std::ifstream lines(file);
  std::string word;
  while (lines >> word)
    if (word == name + ":") {
      uint64_t number = 0;
      std::string unit;
      lines >> number >> unit;
      return unit == "kB" ? number << 10 : number;
    }
  return 0;
}
uint64_t resident_bytes() {
  return process_number("/proc/self/status", "VmRSS");
}
uint64_t read_bytes() {
  return process_number("/proc/self/io", "rchar");
}

double share_of(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

/// Processor time of this thread, ms: what others take on a busy machine is not in it.
double busy_milliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

size_t bytes_of(const std::vector<Envelope>& curves) {
  size_t bytes = 0;
  for (const Envelope& curve : curves) bytes += curve.bytes();
  return bytes;
}

/// Lets the window draw one frame; how long the event loop was busy with it.
double frame(MainWindow& window) {
  QElapsedTimer clock;
  clock.start();
  window.repaint();
  QApplication::processEvents(QEventLoop::AllEvents);
  return milliseconds(clock);
}

TEST(Budget, AHundredGigabytesOpenInASecondAndAFewMegabytes) {
  const testing::TemporaryFolder folder;
  const uint64_t logical = testing::write_big_trace(folder / "big.h5", {});
  ASSERT_GT(logical, 100'000'000'000u);
  const uint64_t before = read_bytes(), memory_before = resident_bytes();
  QElapsedTimer clock;
  clock.start();
  ViewOptions options;
  MainWindow window(options);
  window.resize(1920, 1080);
  window.show();
  window.open({folder / "big.h5"});
  QEventLoop loop;
  QObject::connect(&window, &MainWindow::ready, &loop, &QEventLoop::quit, Qt::QueuedConnection);
  loop.exec();
  // The first picture: text, retention and the coarse heat map.
  const auto whole = [&] { return window.document().tile_counters().tiles > 0; };
  while (!whole()) QApplication::processEvents(QEventLoop::WaitForMoreEvents, 100);
  frame(window);
  const double opened = milliseconds(clock);
  const uint64_t read = read_bytes() - before;
  std::printf("first picture %.0f ms, %.1f MB read, %.0f MiB more in memory, %.0f in all\n", opened,
              static_cast<double>(read) * 1e-6,
              static_cast<double>(resident_bytes() - memory_before) / 1048576.0,
              static_cast<double>(resident_bytes()) / 1048576.0);
  EXPECT_LT(read, 64'000'000u) << "of " << logical;
  EXPECT_LT(resident_bytes(), uint64_t{300} << 20);
  EXPECT_LT(opened, 4000) << "1000 on a quiet machine";
}

TEST(Budget, AMillionTokensScrollZoomAndJump) {
  const testing::TemporaryFolder folder;
  const dendrokv::Run run = testing::made_up_run(
      {.layers = 2, .lanes = 2, .tokens = 1'000'000, .tree = 1024, .recent = 1020});
  testing::write_big_trace(folder / "long.h5", {.tokens = 1'000'000,
                                                .layers = 2,
                                                .heads = 2,
                                                .kv_heads = 2,
                                                .every = 200,
                                                .chunk_steps = 64,
                                                .chunk_positions = 16384,
                                                .run = &run});
  ViewOptions options;
  MainWindow window(options);
  window.resize(1920, 1080);
  window.show();
  ASSERT_EQ(testing::open_and_settle(window, {folder / "long.h5"}).toStdString(), "");
  frame(window);
  std::mt19937 random(1);
  std::vector<double> frames, busy;
  for (int step = 0; step < 500; ++step) {
    QElapsedTimer clock;
    clock.start();
    const double before = busy_milliseconds();
    window.selection().change([&](Selection& wanted) {
      const int kind = step % 10;
      if (kind == 9)  // a jump
        wanted.first_visible = Position(random() % 900'000);
      else if (kind < 5)  // a scroll by a twentieth
        wanted.first_visible = Position(wanted.first_visible.value + wanted.visible / 20);
      else  // a zoom, in and out again
        wanted.visible =
            std::clamp<uint32_t>((step / 100) % 2 ? wanted.visible + wanted.visible / 4
                                                  : wanted.visible - wanted.visible / 5,
                                 200, 1'000'000);
      wanted.hover = Position(wanted.first_visible.value + wanted.visible / 2);
      if (kind == 8) wanted.position = Position(random() % 1'000'000);  // the text goes there
    });
    const double change = milliseconds(clock);
    frames.push_back(change + frame(window));
    busy.push_back(busy_milliseconds() - before);
  }
  std::printf(
      "frames: median %.1f ms, 95 %% %.1f, worst %.1f; of the processor: %.1f, %.1f, %.1f; tiles "
      "%zu, %.1f MiB; "
      "memory %.0f MiB\n",
      share_of(frames, 0.5), share_of(frames, 0.95), share_of(frames, 1), share_of(busy, 0.5),
      share_of(busy, 0.95), share_of(busy, 1), window.document().tile_counters().tiles,
      static_cast<double>(window.document().tile_counters().bytes) / 1048576.0,
      static_cast<double>(process_number("/proc/self/status", "VmHWM")) / 1048576.0);
  EXPECT_LE(window.document().tile_counters().bytes, size_t{128} << 20);
  EXPECT_LE(window.document().tiles_waiting(), 200u);
  EXPECT_LT(process_number("/proc/self/status", "VmHWM"), uint64_t{1} << 30);
  // A whole pass over a lane or a row of a million for a frame costs more than the difference.
  EXPECT_LT(share_of(busy, 0.95), 16);
  EXPECT_LT(share_of(busy, 1), 33);
  // Not the worst by the clock: a machine that stands still for a moment is no fault of a frame.
  EXPECT_LT(share_of(frames, 0.95), 200) << "9 on a quiet machine";
  const dendrokv::Run& opened = window.document().content()->runs[0];
  EXPECT_LE(opened.retention.bytes(), size_t{4'000'000} * 4 + 4 * 13'000'000u)
      << "steps, and a few lanes";
  testing::settle(window);
  // Each curve once: four bytes a position and a seventh of a cell of eight. The map's end where
  // its positions do.
  const RowSnapshot* row = window.document().row();
  const MapSnapshot* map = window.document().map();
  ASSERT_TRUE(row && map);
  ASSERT_GT(row->window.count, 900'000u);
  EXPECT_LT(bytes_of(row->bands), kBandLevels * row->window.count * 6);
  EXPECT_LT(bytes_of(map->bands), kBandLevels * kMostMapPositions * size_t{6});
}

TEST(Budget, AnyStepOf90LanesOf100000Positions) {
  const dendrokv::Run run = testing::made_up_run(
      {.layers = 30, .lanes = 3, .tokens = 100'000, .tree = 512, .recent = 508});
  const RunIndex index(run);
  const std::vector<LaneId> lanes = all_lanes(run);
  QElapsedTimer clock;
  clock.start();
  for (const LaneId& id : lanes) index.lane(id);
  const double made = milliseconds(clock);
  std::vector<double> jumps;
  std::mt19937 random(2);
  for (int jump = 0; jump < 60; ++jump) {
    const Step step(random() % 100'000);
    clock.start();
    const Overlay kept = overlay(index, lanes, {0, 100'000}, 72, step);
    const CodeGrid codes = retention_by_lane(index, lanes, step, {0, 100'000}, 72);
    jumps.push_back(milliseconds(clock));
    ASSERT_EQ(kept.kept_fraction.size(), codes.cols());
  }
  size_t bytes = 0;
  for (const LaneId& id : lanes) bytes += index.lane(id).bytes();
  // Beside it 4 bytes of the record's steps: 90 lanes of a million positions stay below a GiB.
  EXPECT_LT(bytes, 90 * 100'000 * size_t{6});
  std::printf("index %.0f ms; jump: median %.2f ms, worst %.2f ms\n", made, share_of(jumps, 0.5),
              share_of(jumps, 1));
  EXPECT_LT(share_of(jumps, 0.5), 33);
}

}  // namespace
}  // namespace dendrokv
