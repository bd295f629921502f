// Opens a file, and asks every row of the table.
//
// To add a check: a function over what is open (Subject), and a row. `of` says which files can
// answer; for the others the audit says "not applicable" by itself. A check that depends on a
// broken structure is not made.

#include "cache/audit.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "cache/audit_subject.h"
#include "cache/eval_check.h"
#include "cache/file_checks.h"
#include "cache/record_check.h"
#include "cache/run_checks.h"
#include "data/error.h"
#include "data/hdf5.h"
#include "data/regular_file.h"

namespace dendrokv {
namespace {

// ---- rows of attention, found in one pass

Finding check_softmax(const Subject& subject) {
  return subject.rows->softmax;
}
Finding check_absent(const Subject& subject) {
  if (!subject.record_fault.empty()) return not_applicable("the record is broken (see time order)");
  return subject.rows->absent;
}
Finding check_reductions(const Subject& subject) {
  return subject.rows->reductions;
}
Finding check_pyramid(const Subject& subject) {
  return subject.rows->pyramid;
}

// ---- runs

/// The first red one, else the green ones of all runs.
template <class Ask>
Finding of_all_runs(const Subject& subject, Ask ask) {
  if (!subject.record_fault.empty()) return not_applicable("the record is broken (see time order)");
  if (subject.runs.empty()) return not_applicable("no policy ran that drops rows");
  std::optional<Finding> first_good, first_none;
  size_t made = 0;
  for (size_t run = 0; run < subject.runs.size(); ++run) {
    Finding finding = ask(subject.runs[run]);
    const std::string name = subject.runs.size() > 1 ? "run " + std::to_string(run) + ": " : "";
    finding.detail = name + finding.detail;
    if (finding.outcome == Outcome::Bad) return finding;
    made += finding.outcome == Outcome::Good;
    auto& first = finding.outcome == Outcome::Good ? first_good : first_none;
    if (!first) first = finding;
  }
  if (!first_good) return *first_none;
  if (subject.runs.size() > 1)
    first_good->detail = std::to_string(made) + " of " + std::to_string(subject.runs.size()) +
                         " runs; " + first_good->detail;
  return *first_good;
}

Finding check_manifest(const Subject& subject) {
  if (subject.is_trace()) return check_trace_manifest(subject);
  if (subject.is_runs()) return of_all_runs(subject, check_run_manifest);
  if (subject.is_eval()) return check_eval_manifest(*subject.eval);
  return check_analysis_manifest(subject);
}

Finding check_link(const Subject& subject) {
  const h5::File& file = subject.file;
  const std::string own = file.text_attribute("/", subject.is_trace() ? "uuid" : "trace_uuid");
  std::vector<std::string> groups;
  if (subject.is_trace() && file.has("/run")) groups = {"/run"};
  for (size_t run = 0; subject.is_runs() && file.has("/runs/" + std::to_string(run)); ++run)
    groups.push_back("/runs/" + std::to_string(run));
  if (groups.empty()) return not_applicable("there is no run that names a trace");
  for (const std::string& group : groups) {
    const std::string named = file.text_attribute(group, "trace_uuid");
    if (named != own) return bad(group + " names trace '" + named + "', the file '" + own + "'");
  }
  if (subject.is_runs() && subject.trace && subject.trace->info().uuid != own)
    return bad("the runs name trace '" + own + "', the one given is '" +
               subject.trace->info().uuid + "'");
  return good("trace " + own);
}

Finding check_order(const Subject& subject) {
  if (!subject.record_fault.empty()) return bad(subject.record_fault);
  return of_all_runs(subject, check_time_order);
}
Finding check_held(const Subject& subject) {
  return of_all_runs(subject, check_rows_held);
}
Finding check_protection(const Subject& subject) {
  return of_all_runs(subject, check_protected);
}
Finding check_covered(const Subject& subject) {
  return of_all_runs(subject, check_coverage);
}
Finding check_identical(const Subject& subject) {
  return of_all_runs(subject, check_identity);
}
Finding check_reason(const Subject& subject) {
  return of_all_runs(subject, check_reasons);
}
Finding check_positions(const Subject& subject) {
  if (subject.trace && subject.runs.empty() && subject.record_fault.empty() && subject.is_trace()) {
    const TraceInfo& info = subject.trace->info();  // nothing ever left
    const std::string found = std::to_string(info.tokens) + " positions of the text, context " +
                              std::to_string(info.model.context_length);
    if (info.model.context_length == 0) return not_applicable("the model's context is not known");
    return info.tokens <= info.model.context_length ? good(found) : bad(found);
  }
  return of_all_runs(subject, [&](const Run& run) {
    return check_position_map(run, subject.trace ? subject.trace->info().model.context_length : 0);
  });
}
Finding check_bytes(const Subject& subject) {
  return of_all_runs(subject, [&](const Run& run) {
    if (!subject.trace && run.mode == RunMode::ClosedLoop)
      return not_applicable("the model's shape is not known");
    return check_memory(run, subject.trace ? subject.trace->info().model : ModelFacts{});
  });
}
Finding check_measured(const Subject& subject) {
  if (subject.is_eval()) return check_eval_numbers(*subject.eval);
  return of_all_runs(subject, check_numbers);
}

Finding check_record(const Subject& subject) {
  return of_all_runs(subject, [&](const Run& run) {
    if (!subject.trace) return not_applicable("the trace is not at hand (--trace)");
    if (subject.trace->info().uuid != run.trace_uuid)
      return not_applicable("the trace is another one (see uuid link)");
    if (run.mode == RunMode::ClosedLoop)
      return check_closed_record(*subject.trace, run, subject.options.progress);
    return check_open_record(*subject.trace, run, subject.options.threads,
                             subject.options.progress);
  });
}

Finding check_engine(const Subject&) {
  return not_applicable("a file holds no running cache (--audit of trace, generate or eval looks)");
}

// ----

constexpr unsigned kTrace = 1, kRuns = 2, kAnalysis = 4, kEval = 8, kOther = 16;
constexpr unsigned kAll = kTrace | kRuns | kAnalysis | kEval | kOther;

struct CheckRow {
  std::string_view name, meaning;
  unsigned of;  // kinds of files that can answer
  Finding (*check)(const Subject&);
};

constexpr CheckRow kTable[] = {
    {"root", "format, version, uuid, time and creator are those of a file of ours", kAll,
     check_root},
    {"complete", "the writer finished", kAll, check_complete},
    {"structure", "every array is there, of the type and shape of the others", kAll,
     check_structure},
    {"manifest", "model hash, policy with all its options, protocol and command are in the file",
     kTrace | kRuns | kAnalysis | kEval, check_manifest},
    {"uuid link", "runs and trace name the same trace", kTrace | kRuns, check_link},
    {"tokens", "every id is of the vocabulary", kTrace | kEval, check_tokens},
    {"losses", "finite and not negative, none for the first token", kTrace | kEval, check_losses},
    {"value rows", "values and keys are finite numbers", kTrace, check_rows_of_values},
    {"rows of p",
     "attention is finite, not negative, and sums to 1 within 1e-3 and the encoding's loss", kTrace,
     check_softmax},
    {"absent rows", "a weight is absent exactly where the record says that the row was not held",
     kTrace, check_absent},
    {"reductions", "top-k, pools and entropy are those of a softmax, and of the row beside them",
     kTrace, check_reductions},
    {"pyramid", "every cell is the max, sum and count of the weights that it stands for", kTrace,
     check_pyramid},
    {"time order", "what left had come, and what it lost to was still there", kTrace | kRuns,
     check_order},
    {"rows = budget", "after every step a lane holds what its policy may hold", kTrace | kRuns,
     check_held},
    {"protected", "sinks and recent rows never left", kTrace | kRuns, check_protection},
    {"coverage", "rows left every lane that had to give up some", kTrace | kRuns, check_covered},
    {"identity", "where the budget holds the whole text, nothing left and full is reproduced",
     kTrace | kRuns, check_identical},
    {"reasons", "a loser scored no more than its rival, a tie is one", kTrace | kRuns,
     check_reason},
    {"position map", "places in the text, or ranks in the cache, lie within the model's context",
     kTrace | kRuns, check_positions},
    {"record", "departures, rivals and with them levels agree with a slow replay", kTrace | kRuns,
     check_record},
    {"memory", "the bytes that were held are those of the rows on record", kTrace | kRuns,
     check_bytes},
    {"numbers", "what was measured against the full cache is possible", kRuns | kEval,
     check_measured},
    {"alignment", "positions, scores, counts, keys and values of a slot belong to one token", 0,
     check_engine},
    {"RoPE relativity", "a kept suffix scores the same wherever it sits", 0, check_engine},
};

std::string_view kind_text(const Subject& subject) {
  if (subject.is_trace()) return "a trace";
  if (subject.is_runs()) return "a file of runs";
  if (subject.format == "dendrokv-analysis") return "an analysis";
  if (subject.is_eval()) return "an evaluation";
  return "such a file";
}

unsigned kind_of(const Subject& subject) {
  if (subject.is_trace()) return kTrace;
  if (subject.is_runs()) return kRuns;
  if (subject.is_eval()) return kEval;
  return subject.format == "dendrokv-analysis" ? kAnalysis : kOther;
}

Finding ask(const CheckRow& row, const Subject& subject) {
  if (row.of == 0) return row.check(subject);
  if ((row.of & kind_of(subject)) == 0)
    return not_applicable(std::string(kind_text(subject)) + " has nothing to look at");
  const bool looks_inside = row.of != kAll;
  if (looks_inside && !subject.structure_fault.empty())
    return not_applicable("the structure is broken");
  try {
    return row.check(subject);
  } catch (const Error& error) {
    return bad(error.what());
  }
}

// ---- opening

}  // namespace

Audit audit_file(const std::filesystem::path& path, const AuditOptions& options) {
  check_regular_file(h5::place_of(path).file, "a file that dendrokv wrote");
  const h5::File file = h5::File::open(path);
  if (!file.has_attribute("/", "format"))
    fail(file.name(), "is an HDF5 file without the attribute 'format'",
         "wanted a file that dendrokv wrote");
  Subject subject{.file = file, .format = file.text_attribute("/", "format"), .options = options};
  if (!subject.format.starts_with("dendrokv-"))
    fail(file.name(), "has format '" + subject.format + "'", "wanted a file that dendrokv wrote");
  if (!options.trace.empty() && !subject.is_runs())
    fail(options.trace.string(), "a trace beside " + std::string(kind_text(subject)),
         "wanted it beside a file of runs that were replayed over it");
  if (!options.trace.empty()) subject.trace.emplace(options.trace);
  open(subject);
  Audit audit{.subject = path.string(), .checks = {}};
  for (const CheckRow& row : kTable)
    audit.checks.push_back({std::string(row.name), std::string(row.meaning), ask(row, subject)});
  return audit;
}

Audit audit_run(const Run& run, const ModelFacts& model) {
  Audit audit{.subject = "policy " + run.policy, .checks = {}};
  const auto add = [&](const char* name, Finding finding) {
    audit.checks.push_back({name, std::string(check_meaning(name)), std::move(finding)});
  };
  add("manifest", check_run_manifest(run));
  add("time order", check_time_order(run));
  if (!audit.ok()) return audit;
  add("rows = budget", check_rows_held(run));
  add("protected", check_protected(run));
  add("coverage", check_coverage(run));
  add("identity", check_identity(run));
  add("reasons", check_reasons(run));
  add("position map", check_position_map(run, model.context_length));
  add("memory", model.head_dim == 0 ? not_applicable("the model's shape is not known")
                                    : check_memory(run, model));
  return audit;
}

void merge(Audit& audit, std::span<const Check> others) {
  for (const Check& other : others) {
    const auto same = std::ranges::find(audit.checks, other.name, &Check::name);
    if (same == audit.checks.end()) {
      audit.checks.push_back(other);
      continue;
    }
    Finding& finding = same->finding;
    if (other.finding.outcome == Outcome::NotApplicable || finding.outcome == Outcome::Bad)
      continue;
    if (finding.outcome == Outcome::NotApplicable || other.finding.outcome == Outcome::Bad)
      finding = other.finding;
    else
      finding.detail += "; running: " + other.finding.detail;
  }
}

std::string_view check_meaning(std::string_view name) {
  const auto row = std::ranges::find(kTable, name, &CheckRow::name);
  DENDROKV_ASSERT(row != std::end(kTable));
  return row->meaning;
}

}  // namespace dendrokv
