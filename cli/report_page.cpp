// The page is written front to back: style, title, summary, figures, method. Everything is inline
// and nothing is fetched; it reads whole without scripts, follows the reader's light or dark
// preference, and prints. The script (cli/report_script.cpp) shows values where the reader points
// and lets the token map change.

#include "cli/report_page.h"

#include <algorithm>
#include <array>

#include "cli/claims_text.h"
#include "cli/format.h"
#include "cli/report_figures.h"
#include "cli/report_script.h"
#include "data/error.h"
#include "data/identity.h"
#include "plot/colormap.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

constexpr std::string_view kStyle = R"(
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 Inter,"Segoe UI",system-ui,sans-serif}
main{max-width:980px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:26px;margin:0 0 4px;font-weight:650}h2{font-size:18px;margin:0 0 12px;font-weight:600}
p{margin:0 0 10px}.meta,.caption,figcaption{color:var(--secondary);font-size:13px}
section{background:var(--panel);border-radius:8px;padding:20px 24px;margin:16px 0;box-shadow:0 0 0 1px var(--rule)}
svg{max-width:100%;height:auto;display:block;margin:0 auto}
table{border-collapse:collapse;width:100%;font-size:13px}th,td{text-align:left;padding:6px 10px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600;color:var(--secondary)}.n{text-align:right;font-variant-numeric:tabular-nums}
code{font:12.5px/1.5 "JetBrains Mono","DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.text{white-space:pre-wrap;line-height:1.9;font-size:14px}.text span{border-radius:3px;padding:1px 0}
sup{font-size:9px;color:var(--secondary);line-height:0;margin-right:1px}
.loop{white-space:nowrap}table code{overflow-wrap:normal}
.legend{font-size:13px;line-height:2}.legend span{border-radius:3px;padding:2px 6px;white-space:nowrap}
.gone{color:var(--evicted)}
.later{opacity:.35}[hidden]{display:none}
.pair{display:flex;flex-wrap:wrap;gap:16px;justify-content:space-evenly}.pair svg{margin:0;flex:0 1 auto;min-width:0}
.badge{display:inline-block;padding:1px 8px;border-radius:9px;border:1px solid var(--rule);white-space:nowrap;font-size:12.5px;color:var(--ink)}
.badge.yes{border-color:var(--series4);border-width:2px}.badge.no{border-color:var(--series3);border-style:dashed;border-width:2px}
.claims td:nth-child(2){min-width:200px}.range{color:var(--secondary);white-space:nowrap;display:block}
details{margin:12px 0 0;font-size:13px}summary{cursor:pointer;color:var(--secondary)}
.lead{font-size:16.5px;line-height:1.5}.lead li{margin:8px 0}
.scroll{overflow-x:auto}figcaption{margin-top:8px}
@media screen and (max-width:700px){main{padding:20px 8px 40px}section{padding:16px 14px}.scroll>svg{min-width:640px;max-width:none}.badge{white-space:normal}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
.controls{display:none;gap:8px 20px;flex-wrap:wrap;align-items:center;margin:0 0 10px;font-size:13px}.js .controls{display:flex}
.controls label{display:flex;gap:6px;align-items:center}.controls canvas{flex:1 0 100%;width:100%;height:14px;image-rendering:pixelated;border-radius:3px}
select,input{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--secondary);border-radius:4px}
input[type=range]{width:220px}output{font-variant-numeric:tabular-nums;min-width:4em}
:focus-visible{outline:2px solid var(--series0);outline-offset:2px}
#tip{position:absolute;pointer-events:none;background:var(--ink);color:var(--panel);font-size:12.5px;line-height:1.45;padding:5px 9px;border-radius:5px;max-width:340px;white-space:pre-line;z-index:2;font-variant-numeric:tabular-nums}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;font-size:13px;margin:0}dt{color:var(--secondary)}dd{margin:0;overflow-wrap:anywhere}
li{margin:4px 0}ul{padding-left:20px;margin:0}
@page{margin:14mm}
@media print{body{background:#fff;font-size:10.5pt}section{box-shadow:none;padding:8px 0;border-radius:0;border-top:1px solid var(--rule)}main{max-width:none;padding:0}
svg,tr,.claims,.legend,dd{break-inside:avoid}h2,.legend{break-after:avoid}figcaption{break-inside:avoid;break-before:avoid}.scroll{overflow:visible}.text{orphans:3;widows:3}.pair{flex-wrap:nowrap}.pair svg{width:48%;height:auto}.js .controls,#tip{display:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)";

constexpr std::string_view kPictureStyle = R"(
svg text{font-family:Inter,"Segoe UI",system-ui,sans-serif;fill:var(--ink)}
.tick{font-size:12px;font-variant-numeric:tabular-nums}.axis-title{font-size:12.5px}
svg .tick,svg .axis-title{fill:var(--secondary)}
.rule{stroke:var(--rule)}.axis{stroke:var(--secondary)}
)";

std::string variable(const std::string& name, Rgb colour) {
  return "--" + name + ":" + to_hex(colour) + ";";
}

std::string theme_variables(Theme theme) {
  const Palette& colours = palette(theme);
  constexpr std::array<Rgb, 6> kLight = {{{29, 127, 140},
                                          {183, 121, 31},
                                          {85, 60, 154},
                                          {194, 65, 12},
                                          {43, 108, 176},
                                          {107, 118, 132}}};
  constexpr std::array<Rgb, 6> kDark = {{{103, 191, 165},
                                         {246, 190, 90},
                                         {183, 160, 240},
                                         {244, 140, 90},
                                         {120, 180, 240},
                                         {160, 170, 180}}};
  std::string css = variable("ground", colours.ground) + variable("panel", colours.panel) +
                    variable("ink", colours.ink) + variable("secondary", colours.secondary) +
                    variable("rule", colours.rule) + variable("evicted", colours.evicted_ink) +
                    variable("absent", colours.absent) + variable("hatch", colours.recent);
  for (size_t i = 0; i < colours.band.size(); ++i)
    css += variable("band" + std::to_string(i), colours.band[i]);
  const auto& series = theme == Theme::Light ? kLight : kDark;
  for (size_t i = 0; i < series.size(); ++i)
    css += variable("series" + std::to_string(i), series[i]);
  return css;
}

std::string token_rules(Theme theme) {
  const Palette& colours = palette(theme);
  const auto rule = [](const std::string& name, Rgb ground) {
    return "." + name + "{background:" + to_hex(ground) + ";color:" + to_hex(ink_on(ground)) + "}";
  };
  std::string css = rule("sink", colours.sink) + rule("recent", colours.recent);
  for (unsigned level = 0; level < colours.level.size(); ++level)
    css += rule("l" + std::to_string(level), colours.level[level]);
  return css;
}

std::string style() {
  return "<style>:root{color-scheme:light dark;" + theme_variables(Theme::Light) + "}" +
         token_rules(Theme::Light) + "@media (prefers-color-scheme:dark){@media screen{:root{" +
         theme_variables(Theme::Dark) + "}" + token_rules(Theme::Dark) + "}}" +
         std::string(kStyle) + std::string(kPictureStyle) + "</style>\n";
}

/// The pictures of a figure as files of their own, with the colours and type that they have in the
/// page.
void add_pictures(const Figure& figure, std::vector<SvgFile>& files) {
  const std::string style = "<style>svg{" + theme_variables(Theme::Light) +
                            "background:var(--panel)}" + std::string(kPictureStyle) + "</style>\n";
  const std::string stem = figure.numbers.name.substr(0, figure.numbers.name.rfind('.'));
  size_t pictures = 0;
  for (size_t at = figure.picture.find("<svg"); at != std::string::npos;
       at = figure.picture.find("<svg", at + 1)) {
    const size_t end = figure.picture.find("</svg>", at) + 6;
    std::string picture = figure.picture.substr(at, end - at);
    picture.insert(picture.find('>') + 1, "\n" + style);
    ++pictures;
    files.push_back(
        {stem + (pictures > 1 ? "-" + std::to_string(pictures) : std::string()) + ".svg",
         picture + "\n"});
  }
}

std::string section(const Figure& figure) {
  return "<section><h2>" + xml_escaped(figure.title) +
         "</h2>\n<figure style=\"margin:0\"><div class=\"scroll\">" + figure.picture +
         "</div><figcaption>" + figure.caption + " Numbers: <code>" + figure.numbers.name +
         "</code> (written by <code>--csv DIR</code>).</figcaption></figure></section>\n";
}

std::string header(const ReportInput& input) {
  std::string meta;
  if (input.trace) {
    const TraceInfo& info = input.trace->info();
    meta = xml_escaped(info.model.name) + " · " + std::to_string(info.tokens) + " tokens · " +
           std::to_string(info.model.layers) + " layers × " + std::to_string(info.model.heads) +
           " heads on " + std::to_string(info.model.kv_heads) + " KV heads · trace of " +
           xml_escaped(info.created);
  }
  return "<h1>What the cache keeps</h1>\n<p class=\"meta\">" + meta + "</p>\n";
}

std::string list(const std::vector<std::string>& items, const char* style) {
  std::string html;
  for (const std::string& item : items) html += "<li>" + item + "</li>\n";
  return items.empty() ? html : "<ul class=\"" + std::string(style) + "\">" + html + "</ul>";
}

std::string loss_sentence(const TraceReader& trace) {
  double sum = 0;
  size_t count = 0;
  for (const float loss : trace.read_loss())
    if (loss == loss) {
      sum += static_cast<double>(loss);
      ++count;
    }
  if (count == 0) return {};
  return "Mean loss of the recorded run (<code>" + xml_escaped(trace.info().policy) +
         "</code>): " + significant(sum / static_cast<double>(count)) + " nat per token over " +
         std::to_string(count) + " tokens.";
}

/// Verdicts first, in a larger hand; then what the other figures say.
std::string summary(const ReportInput& input, const std::vector<Figure>& figures) {
  std::vector<std::string> verdicts, others;
  for (const Figure& figure : figures)
    for (const std::string& finding : figure.findings)
      (figure.kind == Figure::Kind::Verdict ? verdicts : others).push_back(finding);
  if (input.trace) {
    const std::string loss = loss_sentence(*input.trace);
    if (!loss.empty()) others.push_back(loss);
  }
  return "<section><h2>Summary</h2>\n" + list(verdicts, "lead") + list(others, "") + "</section>\n";
}

std::string row(const std::string& name, const std::string& value) {
  return "<dt>" + name + "</dt><dd>" + value + "</dd>\n";
}

std::string code(const std::string& text) {
  return "<code>" + xml_escaped(text) + "</code>";
}

/// How a file was made. Of thousands of input files the middle is folded away.
std::string command_words(const std::string& command) {
  constexpr size_t kMost = 400, kShown = 160;
  if (command.size() <= kMost) return code(command);
  const auto edge = [&](size_t at) {  // behind the space there
    const size_t space = command.find(' ', at);
    return space == std::string::npos ? at : space + 1;
  };
  const size_t head = edge(kShown), tail = edge(command.size() - kShown);
  return code(command.substr(0, head) + "… " + command.substr(tail)) +
         "<details><summary>the whole command, " + std::to_string(command.size()) +
         " characters</summary>" + code(command) + "</details>";
}

std::string analysis_words(const Analysis& analysis) {
  const Statistics& statistics = analysis.statistics;
  std::string nulls;
  for (const NullCurve& null : statistics.null_curves)
    nulls += (nulls.empty() ? "" : ", ") + null.name + " (" + std::to_string(null.draws) +
             (null.draws == 1 ? " draw" : " draws") + ")";
  return code(analysis.uuid) + " by " + xml_escaped(analysis.creator) + ": " +
         xml_escaped(analysis.transform) + " " + xml_escaped(analysis.wavelet) + ", " +
         std::to_string(analysis.depth) + " levels, boundary " + xml_escaped(analysis.boundary) +
         ", signal " + xml_escaped(analysis.signal) + " (" + xml_escaped(analysis.unit) + ", " +
         xml_escaped(analysis.normalisation) + "), positions " +
         std::to_string(analysis.valid_first) + " to " +
         std::to_string(analysis.valid_first + analysis.valid_count - 1) + "; " +
         sample_words(analysis) + "; nulls per window, within " +
         std::to_string(statistics.stretch) + " positions: " + (nulls.empty() ? "none" : nulls) +
         "; " + std::to_string(statistics.draws) + " draws of each test, seed " +
         std::to_string(statistics.seed) + ", significance " + significant(statistics.significance);
}

std::string method(const ReportInput& input) {
  std::string rows;
  if (input.trace) {
    const TraceInfo& info = input.trace->info();
    rows +=
        row("model", xml_escaped(info.model.name) + " (" + xml_escaped(info.model.architecture) +
                         "), SHA-256 " + code(info.model.sha256));
    rows +=
        row("trace", code(info.uuid) + ", weights as " + std::string(encoding_name(info.encoding)) +
                         ", policy " + code(info.policy));
    rows += row("made by", command_words(info.command_line));
  }
  for (const Analysis& analysis : input.analyses) {
    rows += row("analysis", analysis_words(analysis));
    rows += row("made by", command_words(analysis.command_line));
  }
  for (const Run& run : input.runs)
    rows += row("run", code(run.policy) + ", " + std::string(run_mode_name(run.mode)));
  rows += row("this page",
              creator_name() + ", " + utc_now() + ", " + command_words(input.command_line));
  return "<section><h2>How it was made</h2>\n<dl>" + rows +
         "</dl>\n<p class=\"caption\" style=\"margin-top:12px\">The contribution of a position is "
         "s(i) = weight(i) × value(i). dwt: magnitude of the inverse transform of the "
         "level-l details alone; modwt: of the causal coefficients; packet: of the coefficients of "
         "the last level; cwt: root of the mean power of an octave. Means are over channels, "
         "heads, layers and windows. TreeKV: He et al., IJCAI 2025, arXiv "
         "2501.04987.</p></section>\n";
}

// Files of different traces side by side would compare what is not comparable.
void check_together(const ReportInput& input) {
  if (!input.trace) return;
  const std::string& uuid = input.trace->info().uuid;
  for (const Run& run : input.runs)
    if (run.trace_uuid != uuid)
      fail("run " + run.policy, "belongs to trace " + run.trace_uuid,
           "wanted runs of trace " + uuid);
  for (const Analysis& analysis : input.analyses)
    if (std::find(analysis.trace_uuids.begin(), analysis.trace_uuids.end(), uuid) ==
        analysis.trace_uuids.end())
      fail("analysis " + analysis.uuid, "belongs to other traces",
           "wanted an analysis of trace " + uuid);
}

const Run* run_to_show(const std::vector<Run>& runs) {
  for (const Run& run : runs)
    if (run.policy.rfind("treekv", 0) == 0) return &run;
  for (const Run& run : runs)
    if (run.budget > 0) return &run;
  return nullptr;
}

std::vector<Figure> figures_of(const ReportInput& input) {
  std::vector<Figure> figures;
  for (const Analysis& analysis : input.analyses) {
    figures.push_back(verdict_figure(analysis));
    figures.push_back(band_figure(analysis));
    if (analysis.statistics.bin_first.size() >= 2) figures.push_back(beyond_figure(analysis));
    if (analysis.statistics.bin_first.size() >= 2) figures.push_back(head_map_figure(analysis));
    figures.push_back(scalogram_figure(analysis));
    if (analysis.levels > 1) figures.push_back(variance_figure(analysis));
  }
  if (!input.runs.empty()) {
    figures.push_back(density_figure(input.runs));
    figures.push_back(policy_table(input));
  }
  const Run* shown = run_to_show(input.runs);
  if (input.trace && shown) figures.push_back(text_figure(*input.trace, *shown));
  return figures;
}

// Several analyses make several figures of one kind: their files are numbered.
void number_equal_names(std::vector<Figure>& figures) {
  for (size_t i = 0; i < figures.size(); ++i) {
    size_t same = 1;
    for (size_t j = 0; j < i; ++j)
      if (figures[j].title == figures[i].title) ++same;
    if (same > 1) figures[i].numbers.name = std::to_string(same) + "-" + figures[i].numbers.name;
  }
}

}  // namespace

ReportPage make_report(const ReportInput& input) {
  check_together(input);
  std::vector<Figure> figures = figures_of(input);
  if (figures.empty())
    fail("report", "nothing to show", "wanted an analysis or a run beside the trace",
         "see dendrokv analyze and dendrokv replay");
  number_equal_names(figures);
  ReportPage page;
  page.html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">"
      "<title>DendroKV report</title>\n" +
      style() + "</head><body><main>\n" + header(input) + summary(input, figures);
  for (const Figure& figure : figures) {
    page.html += section(figure);
    page.csv.push_back(figure.numbers);
    add_pictures(figure, page.svg);
  }
  page.html += method(input) + "</main>\n<script>" + std::string(report_script()) +
               "</script></body></html>\n";
  return page;
}

}  // namespace dendrokv
