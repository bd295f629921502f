#include "cli/terminal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <unistd.h>

#include "cli/format.h"
#include "cli/stop.h"

namespace dendrokv {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kPlainLine{5};
constexpr int kBarWidth = 24;

std::string rate_and_rest(uint64_t done, uint64_t total, double seconds, const std::string& unit) {
  if (done == 0 || seconds <= 0) return {};
  const double rate = static_cast<double>(done) / seconds;
  const double left = static_cast<double>(total - std::min(done, total)) / rate;
  return "  " + significant(rate) + " " + unit + "/s  " + duration_text(left) + " left";
}

}  // namespace

void say(Verbosity verbosity, Verbosity from, std::string_view line) {
  if (verbosity >= from) std::cerr << line << "\n";
}

ProgressLine::ProgressLine(std::string work, std::string unit, Verbosity verbosity)
    : work_(std::move(work)),
      unit_(std::move(unit)),
      verbosity_(verbosity),
      is_terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_(start_) {}

ProgressLine::~ProgressLine() {
  clear();
}

Continue ProgressLine::update(uint64_t done, uint64_t total) {
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (verbosity_ > Verbosity::Quiet) {
    if (is_terminal_ && (now - last_ >= kRedraw || !drawn_)) {
      last_ = now;
      draw_bar(done, total, seconds);
    } else if (!is_terminal_ && now - last_ >= kPlainLine) {
      last_ = now;
      print_line(done, total, seconds);
    }
  }
  return stop_requested() ? Continue::Stop : Continue::Yes;
}

Progress ProgressLine::callback() {
  return [this](uint64_t done, uint64_t total) { return update(done, total); };
}

void ProgressLine::clear() {
  if (drawn_) std::cerr << "\r\033[K" << std::flush;
  drawn_ = false;
}

void ProgressLine::draw_bar(uint64_t done, uint64_t total, double seconds) {
  const double fraction = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  std::cerr << "\r\033[K" << work_ << " " << bar_text(fraction, kBarWidth) << " " << done << "/"
            << total << " " << unit_ << rate_and_rest(done, total, seconds, unit_) << std::flush;
  drawn_ = true;
}

void ProgressLine::print_line(uint64_t done, uint64_t total, double seconds) {
  std::cerr << work_ << ": " << done << " of " << total << " " << unit_
            << rate_and_rest(done, total, seconds, unit_) << "\n";
}

std::string bar_text(double fraction, int width) {
  const int full = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * width);
  return "[" + std::string(static_cast<size_t>(full), '#') +
         std::string(static_cast<size_t>(width - full), '.') + "]";
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<uint64_t>(std::llround(std::max(seconds, 0.0)));
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%llu:%02u:%02u",
                  static_cast<unsigned long long>(whole / 3600),
                  static_cast<unsigned>(whole / 60 % 60), static_cast<unsigned>(whole % 60));
  else
    std::snprintf(text, sizeof text, "%u:%02u", static_cast<unsigned>(whole / 60),
                  static_cast<unsigned>(whole % 60));
  return text;
}

}  // namespace dendrokv
