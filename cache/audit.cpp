// Opens a file, and asks every row of the table.
//
// To add a check: a function over what is open (Subject), and a row. `of` says which files can answer; for the
// others the audit says "not applicable" by itself. A check that depends on a broken structure is not made.

#include "cache/audit.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cache/eval_check.h"
#include "cache/policies.h"
#include "cache/record_check.h"
#include "cache/row_checks.h"
#include "cache/run_checks.h"
#include "data/analysis_file.h"
#include "data/error.h"
#include "data/eval_file.h"
#include "data/file_root.h"
#include "data/hdf5.h"
#include "data/pyramid.h"
#include "data/run_group.h"
#include "data/runs_file.h"
#include "data/trace_reader.h"

namespace dendrokv {
namespace {

constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();

/// What is open.
struct Subject {
  const h5::File& file;
  std::string format;
  const AuditOptions& options;
  std::optional<TraceReader> trace = {};  // the file itself, or the one its runs name
  std::vector<Run> runs = {};
  std::optional<EvalFile> eval = {};
  std::string structure_fault = {}, record_fault = {};
  std::optional<RowFindings> rows = {};

  bool is_trace() const { return format == "dendrokv-trace"; }
  bool is_runs() const { return format == "dendrokv-runs"; }
  bool is_eval() const { return format == "dendrokv-eval"; }
};

// ---- every file

Finding check_root(const Subject& subject) {
  const auto text = [&](std::string_view name) { return subject.file.text_attribute("/", name); };
  try {
    const FileRoot root = read_root(subject.file, subject.format);
    const auto is_hex = [](char letter) {
      return std::isxdigit(static_cast<unsigned char>(letter));
    };
    std::string digits = root.uuid;
    std::erase(digits, '-');
    if (root.uuid.size() != 36 || digits.size() != 32 || !std::ranges::all_of(digits, is_hex))
      return bad("uuid is '" + root.uuid + "'");
    if (root.created.size() != 20 || root.created[10] != 'T' || root.created.back() != 'Z')
      return bad("created is '" + root.created + "', wanted UTC as in 2031-05-04T13:02:11Z");
    if (root.creator.empty()) return bad("creator is empty");
    return good(subject.format + ", uuid " + root.uuid + ", " + text("created"));
  } catch (const Error& error) {
    return bad(error.what());
  }
}

Finding check_complete(const Subject& subject) {
  try {
    return is_complete(subject.file) ? good("complete = 1")
                                     : bad("complete is not 1: the writer did not finish");
  } catch (const Error& error) {
    return bad(error.what());
  }
}

/// Logits: [token, vocabulary].
std::string shapes_of_other(const h5::File& file) {
  if (!file.has("/logits")) return {};
  const h5::Dataset numbers = file.open_dataset("/logits", h5::Type::F32, {kAny, kAny});
  file.open_dataset("/tokens/id", h5::Type::I32, {numbers.shape()[0]});
  return "/logits " + h5::shape_text(numbers.shape());
}

Finding check_structure(const Subject& subject) {
  if (!subject.structure_fault.empty()) return bad(subject.structure_fault);
  try {
    if (subject.is_trace()) {
      const TraceInfo& info = subject.trace->info();
      return good(std::to_string(info.layers.size()) + " layers x " +
                  std::to_string(info.heads.size()) + " heads x " +
                  std::to_string(info.steps.size()) + " steps x " + std::to_string(info.tokens) +
                  " positions, " + info.capture.text());
    }
    if (subject.is_runs()) return good(std::to_string(subject.runs.size()) + " runs");
    if (subject.is_eval())
      return good(std::to_string(subject.eval->policies.size()) + " policies x " +
                  std::to_string(subject.eval->texts.size()) + " texts");
    if (subject.format == "dendrokv-analysis") {
      const Analysis analysis = read_analysis(subject.file.name());
      return good(std::to_string(analysis.levels) + " levels x " +
                  std::to_string(analysis.positions) + " positions");
    }
    const std::string shapes = shapes_of_other(subject.file);
    if (shapes.empty())
      return not_applicable("no shapes are known of a " + subject.format + " file");
    return good(shapes);
  } catch (const Error& error) {
    return bad(error.what());
  }
}

// ---- what a trace says of itself

/// Of a file that a dendrokv program wrote; importers know less.
bool is_ours(const FileRoot& root) {
  return root.creator.starts_with("dendrokv ");
}

Finding check_trace_manifest(const Subject& subject) {
  const TraceInfo& info = subject.trace->info();
  const FileRoot root = read_root(subject.file, subject.format);
  const auto is_hex = [](char letter) { return std::isxdigit(static_cast<unsigned char>(letter)); };
  const std::string& hash = info.model.sha256;
  if ((is_ours(root) || !hash.empty()) && (hash.size() != 64 || !std::ranges::all_of(hash, is_hex)))
    return bad("the model's sha256 is '" + hash + "', wanted 64 hex digits");
  if (is_ours(root) && info.model.architecture.empty()) return bad("the architecture is empty");
  if (is_ours(root) && root.command_line.empty()) return bad("the command line is empty");
  try {
    const PolicyChoice choice(info.policy);
    if (choice.text() != info.policy)
      return bad("the policy '" + info.policy + "' leaves options out");
    const bool wants_run = choice.shape().budget > 0;
    if (wants_run != !subject.runs.empty() && subject.record_fault.empty())
      return bad(wants_run ? "a policy ran, but /run is missing"
                           : "/run, but the policy keeps all rows");
    if (!subject.runs.empty() && subject.runs[0].policy != info.policy)
      return bad("/run is of policy '" + subject.runs[0].policy + "', the trace of '" +
                 info.policy + "'");
  } catch (const Error& error) {
    return bad(error.what());
  }
  if (!subject.runs.empty()) {
    const Finding run = check_run_manifest(subject.runs[0]);
    if (run.outcome == Outcome::Bad) return run;
  }
  return good("model " + (hash.empty() ? "of another program" : hash.substr(0, 12) + "..") +
              ", policy " + info.policy);
}

Finding check_analysis_manifest(const Subject& subject) {
  const Analysis analysis = read_analysis(subject.file.name());
  if (analysis.transform.empty() || analysis.wavelet.empty() || analysis.boundary.empty() ||
      analysis.signal.empty() || analysis.trace_uuids.empty())
    return bad("transform, wavelet, boundary, signal or traces are not said");
  return good(analysis.transform + ", " + analysis.wavelet + ", " + analysis.boundary + ", " +
              analysis.signal);
}

Finding check_tokens(const Subject& subject) {
  if (subject.is_eval()) return check_eval_tokens(*subject.eval);
  const TraceInfo& info = subject.trace->info();
  const TokenText& tokens = subject.trace->tokens();
  for (size_t place = 0; place < tokens.id.size(); ++place)
    if (tokens.id[place] < 0 || (info.model.vocabulary > 0 &&
                                 static_cast<uint32_t>(tokens.id[place]) >= info.model.vocabulary))
      return bad("token " + std::to_string(place) + " has id " + std::to_string(tokens.id[place]) +
                 ", the vocabulary has " + std::to_string(info.model.vocabulary));
  return good(std::to_string(tokens.id.size()) + " ids of a vocabulary of " +
              std::to_string(info.model.vocabulary));
}

Finding check_losses(const Subject& subject) {
  if (subject.is_eval()) return check_eval_losses(*subject.eval);
  const std::vector<float> nll = subject.trace->read_loss();
  if (std::ranges::all_of(nll, [](float loss) { return std::isnan(loss); }))
    return not_applicable("no losses were recorded");
  if (!std::isnan(nll[0])) return bad("the first token has a loss, though nothing foretold it");
  double sum = 0;
  for (size_t place = 1; place < nll.size(); ++place) {
    if (std::isnan(nll[place]) && !subject.trace->info().complete) break;
    if (!std::isfinite(nll[place]) || nll[place] < 0)
      return bad("token " + std::to_string(place) + " has loss " + std::to_string(nll[place]));
    sum += double{nll[place]};
  }
  return good("mean " +
              std::to_string(sum / static_cast<double>(std::max<size_t>(1, nll.size() - 1))) +
              " nat");
}

Finding check_rows_of_values(const Subject& subject) {
  const TraceInfo& info = subject.trace->info();
  Grid<float> rows(info.tokens, info.model.head_dim);
  const auto fault_of = [&](const char* what, size_t layer, uint32_t kv_head) {
    for (uint32_t position = 0; position < info.tokens; ++position)
      for (const float number : rows.row(position))
        if (!std::isfinite(number))
          return std::string(what) + " of layer " + std::to_string(info.layers[layer].value) +
                 ", KV head " + std::to_string(kv_head) + ", position " + std::to_string(position) +
                 " holds " + std::to_string(number);
    return std::string();
  };
  for (size_t layer = 0; info.complete && layer < info.layers.size(); ++layer)
    for (uint32_t kv_head = 0; kv_head < info.model.kv_heads; ++kv_head) {
      const IndexRange all{0, info.tokens};
      subject.trace->read_values(layer, KvHead(kv_head), all, rows.view());
      std::string fault = fault_of("the value row", layer, kv_head);
      if (fault.empty() && info.keys == KeyRows::Record) {
        subject.trace->read_keys(layer, KvHead(kv_head), all, rows.view());
        fault = fault_of("the key row", layer, kv_head);
      }
      if (!fault.empty()) return bad(fault);
    }
  if (!info.complete) return not_applicable("the trace is not complete");
  return good(std::string(info.keys == KeyRows::Record ? "values and keys" : "values") + " of " +
              std::to_string(info.tokens) + " positions are finite");
}

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

void check_pyramid_shapes(const h5::File& file, const TraceInfo& info) {
  if (info.capture.rows == FullRows::Omit || !info.complete || !file.has("/pyramid/1")) return;
  const auto extents = pyramid_extents(info.steps.size(), info.tokens);
  for (size_t level = 0; level < extents.size(); ++level)
    file.open_dataset(
        "/pyramid/" + std::to_string(level + 1) + "/max", h5::Type::F16,
        {info.layers.size(), info.heads.size(), extents[level].rows, extents[level].cols});
}

/// Throws Error where the arrays of a run are not there or not of one shape.
void check_record_shapes(const h5::File& file, const std::string& group, const h5::Shape& shape) {
  const h5::Type types[] = {h5::Type::I32, h5::Type::I32, h5::Type::F32, h5::Type::F32,
                            h5::Type::U8};
  const char* names[] = {"evict_step", "rival", "score", "rival_score", "reason"};
  for (size_t array = 0; array < std::size(names); ++array)
    file.open_dataset(group + "/" + names[array], types[array], shape);
}

/// Shapes are the structure; entries that cannot be are a broken record.
void read_record(Subject& subject, const std::string& group, const h5::Shape& shape) {
  check_record_shapes(subject.file, group, shape);
  try {
    subject.runs.push_back(read_run_group(subject.file, group));
  } catch (const Error& error) {
    if (subject.record_fault.empty()) subject.record_fault = error.what();
  }
}

void open_trace(Subject& subject) {
  subject.trace.emplace(subject.file.name(), Incomplete::TakeWhatIsThere);
  const TraceInfo& info = subject.trace->info();
  check_pyramid_shapes(subject.file, info);
  if (info.complete) subject.file.open_dataset("/loss/nll", h5::Type::F32, {info.tokens});
  if (!subject.file.has("/run")) return;
  h5::Shape shape = {info.model.layers, kAny, info.tokens};
  const h5::Dataset steps = subject.file.open_dataset("/run/evict_step", h5::Type::I32, shape);
  shape[1] = steps.shape()[1];
  if (shape[1] == 0 || info.model.heads % shape[1] != 0)
    fail(steps.subject(), std::to_string(shape[1]) + " lanes",
         "wanted a part of the model's heads");
  read_record(subject, "/run", shape);
}

void open_runs(Subject& subject) {
  const uint64_t count = subject.file.count_attribute("/runs", "count");
  for (uint64_t run = 0; run < count; ++run) {
    const std::string group = "/runs/" + std::to_string(run);
    const h5::Dataset steps =
        subject.file.open_dataset(group + "/evict_step", h5::Type::I32, {kAny, kAny, kAny});
    read_record(subject, group, steps.shape());
  }
  if (!subject.options.trace.empty()) subject.trace.emplace(subject.options.trace);
}

void open(Subject& subject) {
  try {
    if (subject.is_trace()) open_trace(subject);
    if (subject.is_runs()) open_runs(subject);
    if (subject.is_eval())
      subject.eval = read_eval(subject.file.name(), Incomplete::TakeWhatIsThere);
    if (subject.is_trace()) {
      const Run* run = subject.runs.empty() ? nullptr : &subject.runs[0];
      subject.rows = check_attention_rows(*subject.trace, subject.file, run,
                                          subject.options.most_bytes, subject.options.progress);
    }
  } catch (const Error& error) {
    subject.structure_fault = error.what();
  }
}

}  // namespace

Audit audit_file(const std::filesystem::path& path, const AuditOptions& options) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    fail(path.string(), "does not exist", "wanted a file that dendrokv wrote");
  const h5::File file = h5::File::open(path);
  if (!file.has_attribute("/", "format"))
    fail(file.name(), "is an HDF5 file without the attribute 'format'",
         "wanted a file that dendrokv wrote");
  Subject subject{.file = file, .format = file.text_attribute("/", "format"), .options = options};
  if (!subject.format.starts_with("dendrokv-"))
    fail(file.name(), "has format '" + subject.format + "'", "wanted a file that dendrokv wrote");
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
