#include "gui/options.h"

// The table below declares each option once; parsing and --help read it. To add one: a row, and the
// field that its `set` fills.

#include <array>
#include <charconv>

#include "data/error.h"
#include "gui/lane_sets.h"
#include "gui/style.h"
#include "gui/views.h"

namespace dendrokv {
namespace {

struct OptionLine {
  std::string_view name, value, help;
  void (*set)(ViewOptions&, std::string_view value);  // called once for each value
  int values = 1;
};

uint32_t number(std::string_view option, std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(std::string(option), "\"" + std::string(text) + "\"", "wanted a whole number");
  return value;
}

/// "14.1", "14.mean", "mean", or a set of lanes, which is read when the model is known.
void set_lane(ViewOptions& options, std::string_view text) {
  if (text == "mean") {
    options.scope = LaneScope::AllMean;
    return;
  }
  if (text.find_first_of("LlHh,:- ") != std::string_view::npos || text == "all") {
    options.scope = LaneScope::Set;
    options.lanes = text;
    return;
  }
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos)
    fail("--lane", "\"" + std::string(text) + "\"",
         "wanted LAYER.HEAD, LAYER.mean, mean or a set of lanes",
         "as --lane 14.1 or --lane L3,L5-7:H2");
  options.layer = Layer(number("--lane", text.substr(0, dot)));
  const std::string_view head = text.substr(dot + 1);
  options.scope = head == "mean" ? LaneScope::LayerMean : LaneScope::One;
  if (head != "mean") options.lane = Lane(number("--lane", head));
}

void set_size(ViewOptions& options, std::string_view text) {
  const size_t cross = text.find('x');
  if (cross == std::string_view::npos)
    fail("--size", "\"" + std::string(text) + "\"", "wanted WIDTHxHEIGHT", "as --size 1920x1080");
  options.width = number("--size", text.substr(0, cross));
  options.height = number("--size", text.substr(cross + 1));
  if (options.width < 960 || options.height < 540 || options.width > 16384 ||
      options.height > 16384)
    fail("--size", std::string(text), "wanted 960x540 to 16384x16384");
}

void set_render(ViewOptions& options, std::string_view text) {
  const std::filesystem::path path(text);
  const std::string extension = path.extension().string();
  if (extension != ".png" && extension != ".svg" && extension != ".pdf")
    fail("--render", "\"" + std::string(text) + "\"",
         "wanted a file name that ends in .png, .svg or .pdf");
  options.render = path;
}

void set_theme(ViewOptions& options, std::string_view text) {
  try {
    options.theme = theme_named(text);
  } catch (const Error& error) {
    fail("--theme", error.found(), error.wanted(), error.remedy());
  }
  options.theme_given = true;
}

void set_font_percent(ViewOptions& options, std::string_view text) {
  const uint32_t percent = number("--font-scale", text);
  if (percent < kSmallestFontPercent || percent > kLargestFontPercent)
    fail("--font-scale", std::to_string(percent),
         "wanted " + std::to_string(kSmallestFontPercent) + " to " +
             std::to_string(kLargestFontPercent));
  options.font_percent = static_cast<int>(percent);
}

/// Called once for each of the two values.
void add_compared(ViewOptions& options, std::string_view text) {
  if (options.compare.size() == 2) options.compare.clear();
  options.compare.emplace_back(text);
}

constexpr std::array<OptionLine, 17> kOptions = {{
    {"--runs", "FILE", "runs that dendrokv replay made over the trace; may be given several times",
     [](ViewOptions& options, std::string_view text) { options.files.emplace_back(text); }},
    {"--run", "NUMBER", "which run to look at first, from 0 = the trace's own",
     [](ViewOptions& options, std::string_view text) { options.run = number("--run", text); }},
    {"--at", "POSITION", "token to look at",
     [](ViewOptions& options, std::string_view text) {
       options.at = Position(number("--at", text));
     }},
    {"--step", "N", "step to look at; the last one unless given",
     [](ViewOptions& options, std::string_view text) {
       options.step = Step(number("--step", text));
     }},
    {"--lane", "LAYER.HEAD",
     "lane to look at: layer and KV head; LAYER.mean, mean, or a set as L3,L5-7:H2", set_lane},
    {"--view", "NAME", "show one view only",
     [](ViewOptions& options, std::string_view text) { options.view = view_row(text).name; }},
    {"--compare", "A B",
     "compare two: numbers of runs, beginnings of their policies, or files of traces", add_compared,
     2},
    {"--find", "TEXT", "mark what is found: text, /regular expression/ or #id",
     [](ViewOptions& options, std::string_view text) { options.find = text; }},
    {"--workspace", "FILE", "open what a workspace file names, as it was saved",
     [](ViewOptions& options, std::string_view text) { options.workspace = text; }},
    {"--clean", "", "pass over the workspace and the notes that lie beside the trace",
     [](ViewOptions& options, std::string_view) { options.clean = true; }, 0},
    {"--theme", "NAME", "colours of the window: light, dark, high-contrast or print", set_theme},
    {"--font-scale", "PERCENT", "size of all texts, 80 to 160; 100 unless given", set_font_percent},
    {"--render", "OUT.png|svg|pdf", "draw the window into a file and end; needs no display",
     set_render},
    {"--size", "WxH", "size of the window or picture, 1920x1080 unless given", set_size},
    {"--export", "OUT.csv", "write the state of every token in the chosen lane and step, and end",
     [](ViewOptions& options, std::string_view text) { options.export_csv = text; }},
    {"--help", "", "this text",
     [](ViewOptions& options, std::string_view) { options.ask = ViewOptions::Ask::Help; }},
    {"--version", "", "version of the program",
     [](ViewOptions& options, std::string_view) { options.ask = ViewOptions::Ask::Version; }},
}};

const OptionLine& option_line(std::string_view name) {
  for (const OptionLine& line : kOptions)
    if (line.name == name) return line;
  std::vector<std::string_view> names;
  for (const OptionLine& line : kOptions) names.push_back(line.name);
  fail("option " + std::string(name), "is unknown", "wanted one of --help",
       did_you_mean(name, names));
}

/// "--step 12" and "--step=12".
void take_option(std::span<const std::string_view> arguments, size_t& next, ViewOptions& options) {
  const std::string_view argument = arguments[next++];
  const size_t equals = argument.find('=');
  const OptionLine& line = option_line(argument.substr(0, equals));
  if (line.value.empty()) {
    if (equals != std::string_view::npos)
      fail(std::string(line.name), "has a value", "wanted none");
    line.set(options, {});
    return;
  }
  int wanted = line.values;
  if (equals != std::string_view::npos) {
    line.set(options, argument.substr(equals + 1));
    --wanted;
  }
  for (; wanted > 0; --wanted) {
    if (next == arguments.size())
      fail(std::string(line.name), wanted == line.values ? "no value" : "one value",
           "wanted " + std::string(line.value));
    line.set(options, arguments[next++]);
  }
}

}  // namespace

ViewOptions parse_options(std::span<const std::string_view> arguments) {
  ViewOptions options;
  for (size_t next = 0; next < arguments.size();) {
    if (arguments[next].starts_with("--") && arguments[next].size() > 2)
      take_option(arguments, next, options);
    else if (arguments[next].starts_with("-") && arguments[next].size() > 1)
      option_line(arguments[next]);
    else
      options.files.emplace_back(arguments[next++]);
  }
  if (options.ask != ViewOptions::Ask::Nothing) return options;
  if (options.workspace) {
    if (!options.files.empty())
      fail("--workspace", "given beside " + options.files.front().string(),
           "wanted one of the two: the workspace names its files");
    options.files = {*options.workspace};
  }
  if (options.batch() && options.files.empty())
    fail("dendrokv-view", "no file", "wanted a trace to draw",
         "name one before --render or --export");
  return options;
}

std::string help_text() {
  std::string text =
      "dendrokv-view [options] TRACE [RUNS...]\n"
      "Look at a recorded cache: which tokens each tree level keeps, over the text.\n\n";
  for (const OptionLine& line : kOptions) {
    std::string left =
        "  " + std::string(line.name) + (line.value.empty() ? "" : " ") + std::string(line.value);
    left.resize(std::max<size_t>(left.size() + 2, 28), ' ');
    text += left + std::string(line.help) + "\n";
  }
  text += "\nViews:\n";
  for (const ViewRow& row : view_table()) {
    std::string left = "  " + std::string(row.name);
    left.resize(std::max<size_t>(left.size() + 2, 28), ' ');
    text += left + std::string(row.summary) + "\n";
  }
  return text;
}

void ViewOptions::forget_places() {
  at.reset();
  step.reset();
  scope.reset();
  run.reset();
  compare.clear();
  find.reset();
}

}  // namespace dendrokv
