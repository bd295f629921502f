// What an analysis refuses to start with, and what its errors name.

#include "analysis/signal_window.h"

#include <gtest/gtest.h>
#include <string>

#include "data/error.h"
#include "tests/analysis/signals.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::write_noise_trace;

/// The message of the Error that analyze() throws over these traces.
std::string refusal(std::span<const TraceReader* const> traces, const AnalyzeOptions& options) {
  try {
    analyze(traces, options, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string refusal(const TraceReader& trace, const AnalyzeOptions& options) {
  const TraceReader* traces[] = {&trace};
  return refusal(traces, options);
}

void expect_words(const std::string& message, std::initializer_list<const char*> words) {
  for (const char* word : words) EXPECT_NE(message.find(word), std::string::npos) << message;
}

TEST(SignalWindow, AStepThatWasNotRecordedIsNamed) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {});
  const TraceReader trace(folder / "t.h5");
  AnalyzeOptions options;
  options.step = Step(100);
  expect_words(refusal(trace, options), {"step 100 was not recorded", "from 0 to 63"});
}

TEST(SignalWindow, AWindowNeedsOneBlock) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {});
  const TraceReader trace(folder / "t.h5");
  AnalyzeOptions options;
  options.step = Step(30);
  expect_words(refusal(trace, options), {"31 positions", "at least 32"});
  options.transform.levels = 13;
  expect_words(refusal(trace, options), {"levels", "13", "1 to 12"});
}

// A window of 48 at the last step of 64: positions 0 to 15 are absent.
TEST(SignalWindow, ATraceUnderEvictionIsRefusedByLayerHeadAndPosition) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "t.h5", {.window = 48});
  const TraceReader trace(folder / "t.h5");
  expect_words(refusal(trace, {}),
               {"query at 63 does not see position 0 in layer ", "head ", "--policy full"});
  AnalyzeOptions options;
  options.signal = Signal::Weight;
  expect_words(refusal(trace, options), {"does not see position 0"});
  options.step = Step(47);
  EXPECT_EQ(refusal(trace, options), "no error");
  options.step.reset();
  options.signal = Signal::Value;
  EXPECT_EQ(refusal(trace, options), "no error");
}

TEST(SignalWindow, TracesOfDifferentModelsAndTheSameTraceTwiceAreRefused) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "a.h5", {});
  write_noise_trace(folder / "b.h5", {.model = "other"});
  const TraceReader a(folder / "a.h5"), b(folder / "b.h5");
  const TraceReader* different[] = {&a, &b};
  expect_words(refusal(different, {}), {"of model noise"});
  const TraceReader* twice[] = {&a, &a};
  expect_words(refusal(twice, {}), {"given twice"});
  expect_words(refusal(std::span<const TraceReader* const>{}, {}), {"no trace"});
}

TEST(SignalWindow, OneWindowPerTraceAllOfOneLength) {
  const testing::TemporaryFolder folder;
  write_noise_trace(folder / "a.h5", {.tokens = 50});
  write_noise_trace(folder / "b.h5", {.tokens = 70});
  const TraceReader a(folder / "a.h5"), b(folder / "b.h5");
  const TraceReader* traces[] = {&a, &b};
  TraceSet set(traces);
  const std::vector<SignalWindow> windows = plan_windows(set, {}).windows;
  EXPECT_EQ(windows[0].positions.first, 18u);
  EXPECT_EQ(windows[1].positions.first, 38u);
  EXPECT_EQ(windows[0].positions.count, 32u);
  EXPECT_EQ(windows[1].positions.count, 32u);
}

}  // namespace
}  // namespace dendrokv
