#pragma once
// The figures of the report: each gives its picture, what it says in words, and its numbers.

#include <span>
#include <string>
#include <vector>

#include "cli/report_page.h"

namespace dendrokv {

struct Figure {
  std::string title;
  std::string picture;  // SVG or HTML
  std::string caption;  // HTML
  std::vector<std::string> findings;  // sentences for the summary, HTML
  CsvFile numbers;
};

Figure band_figure(const Analysis& analysis);
Figure head_map_figure(const Analysis& analysis);
Figure density_figure(std::span<const Run> runs);
Figure policy_table(const ReportInput& input);
/// The text under the first TreeKV run (else the first run that evicts), in the middle lane of the middle layer.
Figure text_figure(const TraceReader& trace, const Run& run);

}  // namespace dendrokv
