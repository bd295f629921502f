#pragma once
// The report: one self-contained HTML page about a trace, its analysis and the policies that ran
// over it, and the numbers of every figure as CSV.

#include <optional>
#include <string>
#include <vector>

#include "data/analysis_file.h"
#include "data/retention.h"
#include "data/trace_reader.h"

namespace dendrokv {

struct ReportInput {
  std::string command_line;
  const TraceReader* trace = nullptr;  // or none
  std::vector<Analysis> analyses;
  std::vector<Run> runs;
};

struct CsvFile {
  std::string name;  // "bands.csv"
  std::string contents;
};

struct SvgFile {
  std::string name;  // "bands.svg"
  std::string contents;
};

struct ReportPage {
  std::string html;
  std::vector<CsvFile> csv;
  std::vector<SvgFile> svg;  // each picture by itself, in light colours
};

/// Throws Error when the files do not belong together (a run or analysis of another trace).
ReportPage make_report(const ReportInput& input);

}  // namespace dendrokv
