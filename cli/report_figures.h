#pragma once
// The figures of the report: each gives its picture, what it says in words, and its numbers.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/csv.h"
#include "cli/report_page.h"

namespace dendrokv {

struct Figure {
  enum class Kind : uint8_t { Verdict, Picture };
  Kind kind = Kind::Picture;
  std::string title;
  std::string picture;                // SVG or HTML
  std::string caption;                // HTML
  std::vector<std::string> findings;  // sentences for the summary, HTML
  CsvFile numbers;
};

// --- of an analysis (report_verdicts.cpp, report_analysis.cpp)

/// What the sample says about each claim, in plain words.
Figure verdict_figure(const Analysis& analysis);
/// Curves of the bands with their confidence bands, and the nulls.
Figure band_figure(const Analysis& analysis);
/// How much more than under the first null (without one: in relation to the size), bin by bin.
Figure beyond_figure(const Analysis& analysis);
Figure head_map_figure(const Analysis& analysis);
Figure scalogram_figure(const Analysis& analysis);
Figure variance_figure(const Analysis& analysis);

// --- of runs

Figure density_figure(std::span<const Run> runs);
Figure policy_table(const ReportInput& input);
/// The text under the first TreeKV run (else the first run that evicts), in the middle lane of the
/// middle layer (report_tokens.cpp).
Figure text_figure(const TraceReader& trace, const Run& run);

// --- numbers as text

std::string number(double value);  // "–" when it is not finite
std::string p_value_text(double p);
/// exp of it, as "4.89×"; with more digits where it is close to 1.
std::string times(double log_ratio);

}  // namespace dendrokv
