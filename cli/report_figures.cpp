#include "cli/report_figures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "analysis/rise.h"
#include "cache/retention_statistics.h"
#include "cli/csv.h"
#include "cli/format.h"
#include "plot/chart.h"
#include "plot/colormap.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

constexpr const char* kSeriesColours[] = {"var(--series0)", "var(--series1)", "var(--series2)", "var(--series3)",
                                          "var(--series4)", "var(--series5)"};

std::string number(double value) { return std::isfinite(value) ? significant(value) : std::string("–"); }

std::span<const double> band_of(const Analysis& analysis, size_t level) {
  return std::span(analysis.band).subspan(level * analysis.positions, analysis.positions);
}

std::string level_name(size_t level) {
  const unsigned span = 2u << level;
  return "D" + std::to_string(level + 1) + " (" + std::to_string(span) + " tokens)";
}

std::vector<double> positions_of(size_t count) {
  std::vector<double> x(count);
  for (size_t i = 0; i < count; ++i) x[i] = static_cast<double>(i);
  return x;
}

std::vector<HatchedRange> left_out(const Analysis& analysis) {
  const IndexRange usable = usable_range(analysis);
  return {{0, static_cast<double>(usable.first)},
          {static_cast<double>(usable.first + usable.count), static_cast<double>(analysis.positions)}};
}

Step last_step(const Run& run) { return Step(run.retention.tokens() - 1); }

// Lines may end behind a comma or colon of a spec.
std::string breakable(std::string_view spec) {
  std::string html;
  for (const char character : spec) {
    html += xml_escaped(std::string_view(&character, 1));
    if (character == ',' || character == ':') html += "<wbr>";
  }
  return html;
}

std::string short_policy(const Run& run) {
  const size_t colon = run.policy.find(':');
  std::string name = run.policy.substr(0, colon);
  for (const char* key : {"cursor=printed", "score=keep-left", "score=keep-right", "score=sum", "score=last"})
    if (run.policy.find(key) != std::string::npos) name += std::string(" ") + key;
  return name;
}

}  // namespace

Figure band_figure(const Analysis& analysis) {
  Figure figure;
  figure.title = "Variability along the text";
  LineChart chart;
  chart.title = "Mean magnitude of each Haar band over the positions of the text";
  chart.x_title = "position (token)";
  chart.y_title = "mean |Rec D| (" + analysis.unit + ")";
  chart.y_scale = ScaleKind::Log10;
  chart.x_ticks = TickStyle::Binary;
  chart.hatched = left_out(analysis);
  std::string csv = "position", ratios;
  for (size_t level = 0; level < analysis.levels; ++level) {
    const std::span<const double> curve = band_of(analysis, level);
    chart.series.push_back({level_name(level), "var(--band" + std::to_string(level % 5) + ")", LineStyle::Solid,
                            positions_of(curve.size()), {curve.begin(), curve.end()}, 0.7 + 0.3 * static_cast<double>(level)});
    csv += ",d" + std::to_string(level + 1);
    ratios += (level ? ", " : "") + number(rise_of(curve, usable_range(analysis)).ratio) + "× (D" + std::to_string(level + 1) + ")";
  }
  csv += ",mean_weight\n";
  for (size_t p = 0; p < analysis.positions; ++p) {
    csv += std::to_string(p);
    for (size_t level = 0; level < analysis.levels; ++level) csv += "," + csv_number(band_of(analysis, level)[p]);
    csv += "," + csv_number(analysis.mean_weight[p]) + "\n";
  }
  figure.picture = line_chart(chart);
  const Rise weight = rise_of(analysis.mean_weight, usable_range(analysis));
  const std::string quarter = std::to_string(weight.start.count);
  figure.findings.push_back("From the first " + quarter + " usable positions to the last " + quarter +
                            ", the variability of the contributions changes by " + ratios +
                            "; the mean attention weight by " + number(weight.ratio) + "×.");
  figure.findings.push_back(
      "A rise in all bands by the same factor is what attention that favours recent tokens gives with any values, even noise. "
      "Only a difference between the bands’ factors says more, and " +
      std::string(analysis.samples == 1 ? "one text is" : std::to_string(analysis.samples) + " texts are") +
      " not tested for it here: no significance is claimed.");
  figure.caption = "Mean over " + std::to_string(analysis.layers.size()) + " layers, " +
                   std::to_string(analysis.heads.size()) + " heads, all channels and " +
                   std::to_string(analysis.samples) + (analysis.samples == 1 ? " text" : " texts") + ", for the query at position " +
                   std::to_string(analysis.step) +
                   ". Decimated Haar: band D<sub>l</sub> is constant on blocks of 2<sup>l</sup> tokens, and moving the query by one token pairs "
                   "the tokens anew. Hatched: outside of the window or left out (first " +
                   std::to_string(analysis.exclude_first) + ", last " + std::to_string(analysis.exclude_last) + ").";
  figure.numbers = {"bands.csv", csv};
  return figure;
}

Figure head_map_figure(const Analysis& analysis) {
  Figure figure;
  figure.title = "Where it rises: layers and heads";
  const size_t layers = analysis.layers.size(), heads = analysis.heads.size();
  Grid<double> ratios(layers, heads);
  HeatMapChart chart;
  std::string csv = "layer,head,rise_d1\n";
  size_t rising = 0, known = 0;
  for (size_t l = 0; l < layers; ++l)
    for (size_t h = 0; h < heads; ++h) {
      const float* row = analysis.band_by_head.data() + (l * heads + h) * analysis.positions;
      const std::vector<double> curve(row, row + analysis.positions);
      ratios(l, h) = rise_of(curve, usable_range(analysis)).ratio;
      known += std::isfinite(ratios(l, h)) ? 1 : 0;
      rising += ratios(l, h) > 1 ? 1 : 0;
      const std::string layer = std::to_string(analysis.layers[l].value), head = std::to_string(analysis.heads[h].value);
      chart.cell_names.push_back("layer " + layer + ", head " + head + ": " + number(ratios(l, h)) + "×");
      csv += layer + "," + head + "," + csv_number(ratios(l, h)) + "\n";
    }
  chart.title = "Rise of the highest band from start to end, per layer and head";
  chart.row_title = "layer";
  chart.column_title = "head";
  chart.value_title = "D1 at the end / at the start (×)";
  chart.values = ratios.view();
  chart.scale = ScaleKind::Log2;
  chart.cell_width = std::clamp(460.0 / static_cast<double>(heads), 14.0, 40.0);
  figure.picture = heat_map(chart);
  figure.findings.push_back("The highest band rises in " + std::to_string(rising) + " of " + std::to_string(known) + " heads.");
  figure.caption = "Geometric mean of D1 over the last quarter of the usable positions, divided by that over the first quarter.";
  figure.numbers = {"heads.csv", csv};
  return figure;
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
  size_t colour = 0;
  for (const Run& run : runs) {
    Series kept{short_policy(run), kSeriesColours[colour++ % std::size(kSeriesColours)], LineStyle::Solid, {}, {}, 1.6};
    Series law{"law 2^-k of the tree", "var(--secondary)", LineStyle::Dashed, {}, {}, 1.6};
    for (const DistanceBin& bin : density_by_distance(run, last_step(run))) {
      const double middle = std::sqrt(static_cast<double>(bin.first) * static_cast<double>(bin.last));
      kept.x.push_back(middle);
      kept.y.push_back(bin.kept);
      law.x.push_back(middle);
      law.y.push_back(bin.law);
      csv += csv_text(run.policy) + "," + std::string(run_mode_name(run.mode)) + "," + std::to_string(bin.first) + "," +
             std::to_string(bin.last) + "," + csv_number(bin.kept) + "," + csv_number(bin.law) + "\n";
    }
    chart.series.push_back(kept);
    if (!law_drawn && run.policy.rfind("treekv", 0) == 0) {
      chart.series.push_back(law);
      law_drawn = true;
    }
  }
  figure.picture = line_chart(chart);
  figure.caption = "After the last step; sinks, which are held whatever their distance, are left out. Dashed: with an advancing cursor every "
                   "pass over the tree halves what is older, so half of the newest generation is kept, a quarter of the one before, and so on.";
  figure.numbers = {"density.csv", csv};
  return figure;
}

Figure policy_table(const ReportInput& input) {
  Figure figure;
  figure.title = "Policies side by side";
  std::string rows, csv = "policy,mode,rows_held,mean_age,oldest_kept,retained_mass\n";
  for (const Run& run : input.runs) {
    const Step step = last_step(run);
    const RowsHeld held = rows_held(run, step);
    const Reach back = reach(run, step);
    double mass = std::nan("");
    if (input.trace && input.trace->info().policy == "full" && input.trace->info().steps.back() == step) {
      const Grid<float> masses = retained_mass(*input.trace, run, step);
      double sum = 0;
      for (const float lane : masses.all()) sum += static_cast<double>(lane);
      mass = sum / static_cast<double>(masses.all().size());
    }
    const std::string oldest = back.oldest_kept ? std::to_string(back.oldest_kept->value) : std::string("–");
    const std::string kind = run.mode == RunMode::ClosedLoop ? "closed loop" : "open loop";
    rows += "<tr><td><code>" + breakable(run.policy) + "</code></td><td class=\"loop\">" + kind + "</td><td class=\"n\">" + number(held.mean) +
            "</td><td class=\"n\">" + number(back.mean_age) + "</td><td class=\"n\">" + oldest + "</td><td class=\"n\">" +
            (std::isfinite(mass) ? number(mass * 100) + " %" : std::string("–")) + "</td></tr>\n";
    csv += csv_text(run.policy) + "," + std::string(run_mode_name(run.mode)) + "," + csv_number(held.mean) + "," +
           csv_number(back.mean_age) + "," + (back.oldest_kept ? oldest : "") + "," + csv_number(mass) + "\n";
    if (std::isfinite(mass) && run.budget > 0)
      figure.findings.push_back("<b>" + xml_escaped(short_policy(run)) + "</b> (" + kind + ") holds " + number(held.mean) + " of " +
                                std::to_string(run.retention.tokens()) + " rows per lane and with them " + number(mass * 100) +
                                " % of the last query’s full attention.");
  }
  figure.picture = "<table><thead><tr><th>policy</th><th>loop</th><th class=\"n\">rows held per lane</th><th class=\"n\">mean age (tokens)</th>"
                   "<th class=\"n\">oldest kept, sinks aside (position)</th><th class=\"n\">attention on kept rows</th></tr></thead><tbody>\n" +
                   rows + "</tbody></table>\n";
  figure.caption = "After the last step. Open loop: the policy chose rows from recorded full attention, which is exact for the first layer only, "
                   "since deeper layers would have seen other inputs. Attention on kept rows: share of the last query’s full attention, mean over lanes.";
  figure.numbers = {"policies.csv", csv};
  return figure;
}

namespace {

enum class TokenState { Evicted, Sink, Recent, Tree };

struct TokenView {
  TokenState state = TokenState::Evicted;
  unsigned level = 0;
};

TokenView view_of(const Run& run, const std::vector<uint16_t>& levels, Layer layer, Lane lane, Position position) {
  const Step step = last_step(run);
  if (!run.retention.kept_after(layer, lane, position, step)) return {};
  if (position.value < run.sinks) return {TokenState::Sink, 0};
  if (position.value + run.recent > step.value) return {TokenState::Recent, 0};
  return {TokenState::Tree, std::min<unsigned>(levels[position.index()], 8)};
}

std::string class_of(const TokenView& view) {
  switch (view.state) {
    case TokenState::Evicted:
      return "gone";
    case TokenState::Sink:
      return "sink";
    case TokenState::Recent:
      return "recent";
    case TokenState::Tree:
      return "l" + std::to_string(view.level);
  }
  return {};
}

std::string token_tooltip(const TraceReader& trace, const Run& run, Layer layer, Lane lane, Position position) {
  std::string text = "position " + std::to_string(position.value);
  const int32_t left = run.retention.evict_step(layer, lane)[position.index()];
  if (left < 0) return text + ", kept";
  text += ", left at step " + std::to_string(left);
  const int32_t rival = run.retention.rival(layer, lane)[position.index()];
  if (rival < 0) return text;
  return text + ", lost to \xE2\x80\x9C" + std::string(trace.tokens().piece(Position(rival))) + "\xE2\x80\x9D at " + std::to_string(rival);
}

std::string level_words(unsigned level) {
  if (level == 0) return "not yet compared";
  return "won " + std::to_string(level) + (level == 8 ? " times or more" : level == 1 ? " time" : " times");
}

std::string text_legend(const std::map<std::string, size_t>& counts) {
  std::string legend = "<p class=\"legend\">";
  const auto entry = [&](const std::string& name, const std::string& words) {
    const auto found = counts.find(name);
    if (found == counts.end()) return;
    legend += "<span class=\"" + name + "\">" + words + "</span> " + std::to_string(found->second) + " &nbsp; ";
  };
  entry("sink", "sinks");
  entry("recent", "recent");
  for (unsigned level = 0; level <= 8; ++level)
    entry("l" + std::to_string(level), "level " + std::to_string(level) + ": " + level_words(level));
  entry("gone", "evicted");
  return legend + "</p>\n";
}

}  // namespace

Figure text_figure(const TraceReader& trace, const Run& run) {
  Figure figure;
  figure.title = "The text, as one lane keeps it";
  const Layer layer(run.retention.layers() / 2);
  const Lane lane(run.retention.lanes() / 2);
  const std::vector<uint16_t> levels = run.retention.levels(layer, lane, last_step(run));
  std::map<std::string, size_t> counts;
  std::string text, csv = "position,token,state,level\n";
  for (uint32_t p = 0; p < run.retention.tokens(); ++p) {
    const Position position(p);
    const TokenView view = view_of(run, levels, layer, lane, position);
    const std::string name = class_of(view), piece(trace.tokens().piece(position));
    ++counts[name];
    text += "<span class=\"" + name + "\" title=\"" + xml_escaped(token_tooltip(trace, run, layer, lane, position)) + "\">" +
            xml_escaped(piece) + "</span>";
    if (view.state == TokenState::Tree) text += "<sup>" + std::to_string(view.level) + "</sup>";
    csv += std::to_string(p) + "," + csv_text(piece) + "," + (view.state == TokenState::Tree ? "tree" : name == "gone" ? "evicted" : name) +
           "," + (view.state == TokenState::Tree ? std::to_string(view.level) : "") + "\n";
  }
  figure.picture = text_legend(counts) + "<div class=\"text\">" + text + "</div>\n";
  figure.caption = "<code>" + xml_escaped(run.policy) + "</code>, layer " + std::to_string(layer.value) + ", KV head " +
                   std::to_string(lane.value) + ", after the last step. The small number is the tree level: how many neighbours a token has beaten. "
                   "Point at a token to see when it left and to whom it lost.";
  figure.numbers = {"text.csv", csv};
  return figure;
}

}  // namespace dendrokv
