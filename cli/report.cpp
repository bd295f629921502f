// dendrokv report: one page about a trace, its analysis and the policies that ran over it.

#include <iostream>
#include <optional>

#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/report_page.h"
#include "data/runs_file.h"

namespace dendrokv {
namespace {

class Report : public Command {
 public:
  void declare(Options& options) override {
    options.positionals("FILE", files_, "at most one trace, and analyses and runs of it");
    options.file("-o,--output", output_, "the HTML page to write", Need::Required);
    options.file("--csv", csv_, "a folder for the numbers of each figure, made if it is not there");
    options.file("--svg", svg_,
                 "a folder for each picture as an SVG file of its own, made if it is not there");
    options.explain(
        "The page is one file that fetches nothing: it opens anywhere, light or dark, prints, and "
        "reads whole without scripts. With them, curves and maps show their values where you "
        "point, and layer, head and step of the sample text can be chosen.");
    options.example("dendrokv report trace.h5 runs.h5 analysis.h5 -o report.html --csv numbers");
  }

  ExitStatus run(const Session& session) override {
    check_output(output_, files_);
    for (const std::filesystem::path* folder : {&csv_, &svg_})
      if (!folder->empty()) check_output_folder(*folder);
    std::optional<TraceReader> trace;
    ReportInput input;
    for (const std::filesystem::path& path : files_) take(path, trace, input);
    if (trace) {
      input.trace = &*trace;
      if (auto closed = trace->read_run())
        input.runs.insert(input.runs.begin(), std::move(*closed));
    }
    input.command_line = session.command_line;
    const ReportPage page = make_report(input);
    write_whole(output_, page.html);
    if (!csv_.empty()) write_all(csv_, page.csv);
    if (!svg_.empty()) write_all(svg_, page.svg);
    if (session.json())
      std::cout << Json::object()
                       .set("output", output_.string())
                       .set("figures", uint64_t{page.csv.size()})
                       .text()
                << "\n";
    else
      std::cout << output_.string() << "\n";
    return ExitStatus::Done;
  }

 private:
  static void take(const std::filesystem::path& path, std::optional<TraceReader>& trace,
                   ReportInput& input) {
    switch (sniff_file(path)) {
      case FileKind::Trace:
        if (trace) fail_usage(path.string(), "a second trace", "wanted at most one");
        trace.emplace(path);
        return;
      case FileKind::Runs:
        for (Run& run : read_runs(path).runs) input.runs.push_back(std::move(run));
        return;
      case FileKind::Analysis:
        input.analyses.push_back(read_analysis(path));
        return;
      default:
        fail_usage(path.string(), "not a file that a report can show",
                   "wanted a trace, runs or analysis file", "look at it with dendrokv info");
    }
  }

  template <class File>
  static void write_all(const std::filesystem::path& folder, const std::vector<File>& files) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) fail(folder.string(), "cannot be made: " + error.message(), "wanted a folder");
    for (const File& file : files) write_whole(folder / file.name, file.contents);
  }

  std::vector<std::filesystem::path> files_;
  std::filesystem::path output_, csv_, svg_;
};

}  // namespace

std::unique_ptr<Command> make_report() {
  return std::make_unique<Report>();
}

}  // namespace dendrokv
