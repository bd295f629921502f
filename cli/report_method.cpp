#include "cli/report_method.h"

#include "cli/claims_text.h"
#include "cli/format.h"
#include "data/identity.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

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
  const auto edge = [&](size_t at) {  // behind the space there, else between two characters
    const size_t space = command.find(' ', at);
    if (space != std::string::npos) return space + 1;
    while (at < command.size() && (command[at] & 0xC0) == 0x80) ++at;
    return at;
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

}  // namespace

std::string method_section(const ReportInput& input) {
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

}  // namespace dendrokv
