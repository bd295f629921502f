// The page is written front to back: style, title, summary, figures, method. Everything is inline
// and nothing is fetched; it reads whole without scripts, follows the reader's light or dark
// preference, and prints. The script (cli/report_script.cpp) shows values where the reader points
// and lets the token map change.

#include "cli/report_page.h"

#include <algorithm>

#include "cli/format.h"
#include "cli/report_figures.h"
#include "cli/report_method.h"
#include "cli/report_script.h"
#include "cli/report_style.h"
#include "data/error.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

/// The pictures of a figure as files of their own, with the colours and type that they have in the
/// page.
void add_pictures(const Figure& figure, std::vector<SvgFile>& files) {
  const std::string style = picture_style();
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
      page_style() + "</head><body><main>\n" + header(input) + summary(input, figures);
  for (const Figure& figure : figures) {
    page.html += section(figure);
    page.csv.push_back(figure.numbers);
    add_pictures(figure, page.svg);
  }
  page.html += method_section(input) + "</main>\n<script>" + std::string(report_script()) +
               "</script></body></html>\n";
  return page;
}

}  // namespace dendrokv
