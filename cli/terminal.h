#pragma once
// What the program says on standard error besides errors: notes, and how far a long work is.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "data/progress.h"

namespace dendrokv {

enum class Verbosity : uint8_t {
  Silent,  // of a task of a list, which speaks for it
  Quiet,
  Normal,
  Verbose,
};

/// A line on standard error when the user's verbosity is at least `from`.
void say(Verbosity verbosity, Verbosity from, std::string_view line);

/// A bar with rate and time left when standard error is a terminal, else a plain line every few
/// seconds; nothing when quiet. Answers Stop once a signal asked for it (cli/stop.h).
class ProgressLine {
 public:
  /// "trace", "tokens"
  ProgressLine(std::string work, std::string unit, Verbosity verbosity);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  Continue update(uint64_t done, uint64_t total);
  /// For a library's Progress; the object must outlive it.
  Progress callback();
  /// Takes the bar away.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void draw_bar(uint64_t done, uint64_t total, double seconds);
  void print_line(uint64_t done, uint64_t total, double seconds);

  std::string work_, unit_;
  Verbosity verbosity_;
  bool is_terminal_, drawn_ = false;
  Clock::time_point start_, last_;
};

/// "[#####.....]" of `width` places.
std::string bar_text(double fraction, int width);
/// "0:07", "12:30", "1:02:03"
std::string duration_text(double seconds);

}  // namespace dendrokv
