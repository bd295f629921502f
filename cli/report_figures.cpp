#include "cli/report_figures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "cache/retention_statistics.h"
#include "cli/csv.h"
#include "cli/format.h"
#include "cli/run_names.h"
#include "plot/colormap.h"
#include "plot/line_chart.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

constexpr size_t kColours = 6;  // of the page, --series0 and on

Step last_step(const Run& run) {
  return Step(run.retention.tokens() - 1);
}

// Lines may end behind a comma or colon of a spec.
std::string breakable(std::string_view spec) {
  std::string html;
  for (const char character : spec) {
    html += xml_escaped(std::string_view(&character, 1));
    if (character == ',' || character == ':') html += "<wbr>";
  }
  return html;
}

}  // namespace

std::string number(double value) {
  return std::isfinite(value) ? significant(value) : std::string("–");
}

std::string p_value_text(double p) {
  return p < 1e-4 ? "below 0.0001" : number(p);
}

Figure density_figure(std::span<const Run> runs) {
  Figure figure;
  figure.title = "What is kept, by distance";
  LineChart chart;
  chart.title = "Fraction of tokens kept, against their distance from the last token";
  chart.x_title = "distance from the last token (tokens, log scale)";
  chart.y_title = "fraction kept (mean over lanes, log scale)";
  chart.x_scale = ScaleKind::Log2;
  chart.y_scale = ScaleKind::Log10;
  std::string csv = "policy,mode,distance_first,distance_last,kept,law\n";
  bool law_drawn = false;
  const std::vector<std::string> names = run_names(runs);
  for (size_t r = 0; r < runs.size(); ++r) {
    const Run& run = runs[r];
    const SeriesLook look = series_look(r, kColours);
    Series kept{names[r], "var(--series" + std::to_string(look.colour) + ")", look.line, {}, {},
                1.6};
    kept.marker = look.marker;
    Series law{"law 2^-k of the tree", "var(--secondary)", LineStyle::Dashed, {}, {}, 1.6};
    for (const DistanceBin& bin : density_by_distance(run, last_step(run))) {
      const double middle =
          std::sqrt(static_cast<double>(bin.first) * static_cast<double>(bin.last));
      kept.x.push_back(middle);
      kept.y.push_back(bin.kept);
      law.x.push_back(middle);
      law.y.push_back(bin.law);
      csv += csv_text(run.policy) + "," + std::string(run_mode_name(run.mode)) + "," +
             std::to_string(bin.first) + "," + std::to_string(bin.last) + "," +
             csv_number(bin.kept) + "," + csv_number(bin.law) + "\n";
    }
    chart.series.push_back(kept);
    if (!law_drawn && run.policy.rfind("treekv", 0) == 0) {
      chart.series.push_back(law);
      law_drawn = true;
    }
  }
  figure.picture = line_chart(chart);
  figure.caption =
      "After the last step; sinks, which are held whatever their distance, are left out. Dashed: "
      "with an advancing cursor every "
      "pass over the tree halves what is older, so half of the newest generation is kept, a "
      "quarter of the one before, and so on.";
  figure.numbers = {"density.csv", csv};
  return figure;
}

Figure policy_table(const ReportInput& input) {
  Figure figure;
  figure.title = "Policies side by side";
  std::string rows, csv = "policy,mode,rows_held,mean_age,oldest_kept,retained_mass\n";
  const std::vector<std::string> names = run_names(input.runs);
  for (size_t r = 0; r < input.runs.size(); ++r) {
    const Run& run = input.runs[r];
    const Step step = last_step(run);
    const RowsHeld held = rows_held(run, step);
    const Reach back = reach(run, step);
    double mass = std::nan("");
    if (input.trace && input.trace->info().policy == "full" &&
        input.trace->info().steps.back() == step) {
      const Grid<float> masses = retained_mass(*input.trace, run, step);
      double sum = 0;
      for (const float lane : masses.all()) sum += static_cast<double>(lane);
      mass = sum / static_cast<double>(masses.all().size());
    }
    const std::string oldest =
        back.oldest_kept ? std::to_string(back.oldest_kept->value) : std::string("–");
    const std::string kind = run.mode == RunMode::ClosedLoop ? "closed loop" : "open loop";
    rows += "<tr><td><code>" + breakable(run.policy) + "</code></td><td class=\"loop\">" + kind +
            "</td><td class=\"n\">" + number(held.mean) + "</td><td class=\"n\">" +
            number(back.mean_age) + "</td><td class=\"n\">" + oldest + "</td><td class=\"n\">" +
            (std::isfinite(mass) ? number(mass * 100) + " %" : std::string("–")) + "</td></tr>\n";
    csv += csv_text(run.policy) + "," + std::string(run_mode_name(run.mode)) + "," +
           csv_number(held.mean) + "," + csv_number(back.mean_age) + "," +
           (back.oldest_kept ? oldest : "") + "," + csv_number(mass) + "\n";
    if (std::isfinite(mass) && run.budget > 0)
      figure.findings.push_back(
          "<b>" + xml_escaped(names[r]) + "</b> (" + kind + ") holds " + number(held.mean) +
          " of " + std::to_string(run.retention.tokens()) + " rows per lane and with them " +
          number(mass * 100) + " % of the last query’s full attention.");
  }
  figure.picture =
      "<table><thead><tr><th>policy</th><th>loop</th><th class=\"n\">rows held per lane</th><th "
      "class=\"n\">mean age (tokens)</th>"
      "<th class=\"n\">oldest kept, sinks aside (position)</th><th class=\"n\">attention on kept "
      "rows</th></tr></thead><tbody>\n" +
      rows + "</tbody></table>\n";
  figure.caption =
      "After the last step. Open loop: the policy chose rows from recorded full attention, which "
      "is exact for the first layer only, "
      "since deeper layers would have seen other inputs. Attention on kept rows: share of the last "
      "query’s full attention, mean over lanes.";
  figure.numbers = {"policies.csv", csv};
  return figure;
}

}  // namespace dendrokv
