// What the sample says about each claim of an analysis: in words, as a table, as numbers.

#include <array>
#include <cmath>
#include <cstdio>

#include "analysis/rise_claims.h"
#include "cli/claims_text.h"
#include "cli/report_figures.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

struct Badge {
  const char *sign, *name;
};
Badge badge_of(Verdict verdict) {
  constexpr std::array<Badge, kVerdicts> kBadges = {
      {{"✓", "yes"}, {"~", "open"}, {"✗", "no"}, {"?", "unknown"}}};
  return kBadges[static_cast<size_t>(verdict)];
}

const Claim* claim_named(const Analysis& analysis, std::string_view name) {
  for (const Claim& claim : analysis.statistics.claims)
    if (claim.name == name) return &claim;
  return nullptr;
}

std::string interval(const Claim& claim) {
  if (!std::isfinite(claim.effect)) return "–";
  if (!std::isfinite(claim.lower)) return times(claim.effect);
  return times(claim.effect) + " <span class=\"range\">" + times(claim.lower) + " to " +
         times(claim.upper) + "</span>";
}

std::string in_words(const Claim& claim) {
  const std::string verdict = "<b>" + std::string(verdict_name(claim.verdict)) + "</b>";
  return "“" + xml_escaped(claim.statement) + "”: " + verdict;
}

std::string why_not_testable(const Analysis& analysis) {
  const Statistics& statistics = analysis.statistics;
  if (statistics.bin_first.size() < 2)
    return "the positions that count do not fill two bins to compare.";
  const size_t least = least_documents(statistics.nulls.size(), statistics.significance);
  if (statistics.units.size() < least)
    return "a test compares texts with each other and needs " + std::to_string(least) +
           " or more of them.";
  return "a part of a text has no contribution at all.";
}

/// The answer to the question of the paper, in one sentence.
std::vector<std::string> answers(const Analysis& analysis) {
  if (analysis.statistics.claims.empty()) return {};
  const Claim& rise = analysis.statistics.claims.front();
  if (rise.verdict == Verdict::NotTestable)
    return {
        "Whether contributions vary more towards the end <b>cannot be told from this sample</b> (" +
        sample_words(analysis) + "): " + why_not_testable(analysis) +
        " The figures below describe it."};
  std::vector<std::string> found = {in_words(rise) + ", by " + times(rise.effect) +
                                    " from the first bin to the last (" + times(rise.lower) +
                                    " to " + times(rise.upper) + ")."};
  if (analysis.statistics.nulls.empty()) return found;
  const std::string& null = analysis.statistics.nulls[0];
  if (const Claim* beyond = claim_named(analysis, "rise-beyond-" + null)) {
    std::string text = in_words(*beyond) + ", by " + times(beyond->effect) + ". ";
    if (beyond->effect < 0.1 * rise.effect)
      text += "Nearly all of the rise is what the null gives as well.";
    found.push_back(text);
  }
  if (const Claim* high = claim_named(analysis, "high-most-beyond-" + null)) {
    const Claim* plain = claim_named(analysis, "high-most");
    found.push_back((plain ? in_words(*plain) + "; " : "") + in_words(*high) + ".");
  }
  return found;
}

std::string claim_row(const Claim& claim) {
  const Badge badge = badge_of(claim.verdict);
  return "<tr><td><span class=\"badge " + std::string(badge.name) + "\">" + badge.sign + " " +
         std::string(verdict_name(claim.verdict)) + "</span></td><td>" +
         xml_escaped(claim.statement) + "</td><td class=\"n\">" + interval(claim) +
         "</td><td class=\"n\">" + p_value_text(claim.raw_p_value) + "</td><td class=\"n\">" +
         p_value_text(claim.p_value) + "</td></tr>\n";
}

std::string claim_table(const Analysis& analysis, const std::vector<Claim>& claims) {
  std::string rows;
  for (const Claim& claim : claims) rows += claim_row(claim);
  return "<table class=\"claims\"><thead><tr><th>verdict</th><th>claim</th><th class=\"n\">end / "
         "start (" +
         confidence_words(analysis) +
         " interval)</th><th class=\"n\">p</th>"
         "<th class=\"n\">p adjusted</th></tr></thead><tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string claims_csv(const Analysis& analysis) {
  std::string csv = "ends,claim,statement,verdict,ln_effect,ln_lower,ln_upper,p,p_adjusted,n\n";
  const auto add = [&](const char* ends, const std::vector<Claim>& claims) {
    for (const Claim& claim : claims)
      csv += std::string(ends) + "," + claim.name + "," + csv_text(claim.statement) + "," +
             std::string(verdict_name(claim.verdict)) + "," + csv_number(claim.effect) + "," +
             csv_number(claim.lower) + "," + csv_number(claim.upper) + "," +
             csv_number(claim.raw_p_value) + "," + csv_number(claim.p_value) + "," +
             std::to_string(claim.units) + "\n";
  };
  add("left out", analysis.statistics.claims);
  add("included", analysis.statistics.claims_with_ends);
  return csv;
}

std::string sample_caption(const Analysis& analysis) {
  const Statistics& statistics = analysis.statistics;
  std::string text = "Tested over " + sample_words(analysis) + ".";
  if (statistics.unit == "window")
    text +=
        " Windows of one text share its author and subject, so the tests speak for these texts; "
        "other texts may differ.";
  return text;
}

}  // namespace

std::string times(double log_ratio) {
  if (!std::isfinite(log_ratio)) return "–";
  const double ratio = std::exp(log_ratio);
  if (std::fabs(log_ratio) >= 0.05) return number(ratio) + "×";
  char text[16];
  std::snprintf(text, sizeof text, "%.3f", ratio);
  return std::string(text) + "×";
}

Figure verdict_figure(const Analysis& analysis) {
  Figure figure;
  figure.kind = Figure::Kind::Verdict;
  const Statistics& statistics = analysis.statistics;
  figure.title = "Do contributions vary more towards the end?";
  figure.picture = claim_table(analysis, statistics.claims) +
                   "<details><summary>The same with the first " +
                   std::to_string(analysis.exclude_first) + " and the last " +
                   std::to_string(analysis.exclude_last) + " positions included</summary>" +
                   claim_table(analysis, statistics.claims_with_ends) + "</details>\n";
  figure.caption = sample_caption(analysis) +
                   " Amplitudes are compared as ratios, on a log scale, by the slope over " +
                   std::to_string(statistics.bin_first.size()) +
                   " bins of positions counted from the end; sign-flip tests and bootstraps of " +
                   std::to_string(statistics.draws) +
                   " draws, p adjusted for all claims together (Benjamini and Yekutieli). The last "
                   "two claims are judged by a band that holds all "
                   "steps between bins at once. “High frequency” is the first band.";
  figure.findings = answers(analysis);
  figure.numbers = {"claims.csv", claims_csv(analysis)};
  return figure;
}

}  // namespace dendrokv
