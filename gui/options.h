#pragma once
// The viewer's command line.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/ids.h"
#include "gui/selection.h"
#include "plot/colormap.h"

namespace dendrokv {

/// What was asked for, before any file is opened.
struct ViewOptions {
  std::vector<std::filesystem::path> files;
  std::optional<Position> at;
  std::optional<Step> step;
  std::optional<LaneScope> scope;  // with `layer` and `lane` as the scope needs them
  Layer layer;
  Lane lane;
  std::string lanes;  // of LaneScope::Set, as it was given
  std::optional<size_t> run;
  std::string view;                  // name of the only view to show; empty = all
  std::vector<std::string> compare;  // two: runs, policies or traces
  std::optional<std::string> find;
  std::optional<std::filesystem::path> workspace;
  bool clean = false;  // without the workspace and notes beside the trace
  Theme theme = Theme::Light;
  bool theme_given = false;
  std::optional<int> font_percent;
  std::optional<std::filesystem::path> render, export_csv;
  uint32_t width = 1920, height = 1080;
  enum class Ask { Nothing, Help, Version } ask = Ask::Nothing;

  /// Work without a window.
  bool batch() const { return render || export_csv; }
  /// What speaks of the files that it was given with, not of those that are opened later.
  void forget_places();
};

/// Throws Error: unknown option, missing or unreadable value. `arguments` without the program's
/// name.
ViewOptions parse_options(std::span<const std::string_view> arguments);
/// The text of --help.
std::string help_text();

}  // namespace dendrokv
