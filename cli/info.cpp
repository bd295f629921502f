// dendrokv info: what a file holds, by what it is: model, trace, runs, analysis or evaluation.
//
// Each kind becomes a list of fields first; the same list is printed as JSON or as a table.

#include <algorithm>
#include <iostream>

#include "cli/claims_text.h"
#include "cli/description.h"
#include "cli/lane_budget.h"
#include "cli/make_command.h"
#include "data/analysis_file.h"
#include "data/eval_file.h"
#include "data/hdf5.h"
#include "data/runs_file.h"
#include "data/trace_reader.h"

namespace dendrokv {
namespace {

/// "0-29" or "0, 3, 7": rising numbers with runs drawn together.
template <class Name>
std::string list_text(const std::vector<Name>& numbers) {
  std::string text;
  for (size_t first = 0; first < numbers.size();) {
    size_t last = first;
    while (last + 1 < numbers.size() && numbers[last + 1].value == numbers[last].value + 1) ++last;
    if (!text.empty()) text += ", ";
    text += std::to_string(numbers[first].value);
    if (last > first) text += "-" + std::to_string(numbers[last].value);
    first = last + 1;
  }
  constexpr size_t kMost = 60;
  return text.size() <= kMost ? text : text.substr(0, text.rfind(',', kMost)) + ", ...";
}

template <class Name>
std::string count_text(const std::vector<Name>& numbers) {
  return std::to_string(numbers.size()) + " (" + list_text(numbers) + ")";
}

Json capture_json(const Capture& capture) {
  return Json::object()
      .set("full_rows", capture.rows == FullRows::Record)
      .set("top_k", capture.top_k)
      .set("pool", capture.pool)
      .set("entropy", capture.entropy == EntropyRows::Record);
}

/// A file whose writer stopped early is described too, and says so.
Description describe_trace(const std::filesystem::path& path) {
  const TraceReader reader(path, Incomplete::TakeWhatIsThere);
  const TraceInfo& info = reader.info();
  Description description;
  description.fields = {
      field("kind", "trace"),
      field("uuid", info.uuid),
      field("model", info.model.name),
      field("tokens", info.tokens),
      {"layers", Json(uint64_t{info.layers.size()}), count_text(info.layers)},
      {"heads", Json(uint64_t{info.heads.size()}), count_text(info.heads)},
      {"steps", Json(uint64_t{info.steps.size()}), count_text(info.steps)},
      field("encoding", std::string(encoding_name(info.encoding))),
      field("policy", info.policy),
      {"capture", capture_json(info.capture), info.capture.text()},
      {"keys", Json(info.keys == KeyRows::Record), info.keys == KeyRows::Record ? "yes" : "no"},
      {"complete", Json(info.complete), info.complete ? "yes" : "no: the run was stopped early"},
      bytes_field("logical_bytes", info.logical_bytes),
      bytes_field("bytes", std::filesystem::file_size(h5::place_of(path).file)),
      field("model_sha256", info.model.sha256),
      field("created", info.created),
      field("creator", info.creator),
      field("command_line", info.command_line),
  };
  if (info.lane_budget)
    description.fields.push_back(
        {"lane_budget", lanes_json(*info.lane_budget), lanes_text(*info.lane_budget)});
  return description;
}

std::string rows_text(const Run& run) {
  if (run.budget == 0) return "all rows";
  return run.lane_budget ? lanes_text(*run.lane_budget) : std::to_string(run.budget) + " rows";
}

Json run_json(const Run& run) {
  Json json = Json::object()
                  .set("policy", run.policy)
                  .set("mode", run_mode_name(run.mode))
                  .set("lane", lane_kind_name(run.lane_kind))
                  .set("budget", run.budget)
                  .set("sinks", run.sinks)
                  .set("recent", run.recent)
                  .set("positions", run.positions)
                  .set("layers", run.retention.layers())
                  .set("lanes", run.retention.lanes())
                  .set("tokens", run.retention.tokens());
  if (run.lane_budget) json.set("lane_budget", lanes_json(*run.lane_budget));
  return json;
}

Description describe_runs(const std::filesystem::path& path) {
  const RunsFile file = read_runs(path);
  Description description;
  description.fields = {
      field("kind", "runs"),
      field("uuid", file.uuid),
      field("trace_uuid", file.trace_uuid),
      field("created", file.created),
      field("creator", file.creator),
      field("command_line", file.command_line),
  };
  Json runs = Json::array();
  TextTable table;
  for (const Run& run : file.runs) {
    runs.add(run_json(run));
    table.row({run.policy, std::string(run_mode_name(run.mode)), rows_text(run)});
  }
  description.json.set("runs", runs);
  description.text = "runs: policy, mode, budget of a lane\n" + table.text(2);
  return description;
}

Description describe_analysis(const std::filesystem::path& path) {
  const Analysis analysis = read_analysis(path);
  const std::string last = std::to_string(analysis.valid_first + analysis.valid_count);
  Description description;
  description.fields = {
      field("kind", "analysis"),
      field("uuid", analysis.uuid),
      {"trace_uuids", Json(analysis.trace_uuids), std::to_string(analysis.trace_uuids.size())},
      field("samples", analysis.samples),
      field("transform", analysis.transform),
      field("wavelet", analysis.wavelet),
      field("levels", analysis.levels),
      field("boundary", analysis.boundary),
      field("signal", analysis.signal),
      field("unit", analysis.unit),
      field("positions", analysis.positions),
      field("step", analysis.step),
      field("valid_first", analysis.valid_first),
      field("valid_count", analysis.valid_count),
      field("exclude_first", analysis.exclude_first),
      field("exclude_last", analysis.exclude_last),
      {"layers", Json(uint64_t{analysis.layers.size()}), count_text(analysis.layers)},
      {"heads", Json(uint64_t{analysis.heads.size()}), count_text(analysis.heads)},
      field("created", analysis.created),
      field("creator", analysis.creator),
      field("command_line", analysis.command_line),
  };
  const Statistics& statistics = analysis.statistics;
  description.fields.push_back({"sample", Json(statistics.unit), sample_words(analysis)});
  description.fields.push_back(
      {"nulls", Json(statistics.nulls), statistics.nulls.empty() ? "none" : ""});
  for (const std::string& null : statistics.nulls)
    description.fields.back().text += (description.fields.back().text.empty() ? "" : ", ") + null;
  description.fields.push_back({"seed", Json(statistics.seed), std::to_string(statistics.seed)});
  Json claims = Json::array();
  for (const Claim& claim : statistics.claims)
    claims.add(Json::object()
                   .set("name", claim.name)
                   .set("statement", claim.statement)
                   .set("verdict", verdict_name(claim.verdict))
                   .set("effect", claim.effect)
                   .set("p_adjusted", claim.p_value));
  description.json.set("claims", claims);
  description.text = claims_text(analysis);
  return description;
}

Json eval_text_json(const EvalText& text) {
  return Json::object()
      .set("name", text.name)
      .set("tokens", uint64_t{text.ids.size()})
      .set("tokens_reached", text.reached)
      .set("spans", uint64_t{text.spans ? text.spans->spans.size() : 0})
      .set("needles", uint64_t{text.needles ? text.needles->needles.size() : 0})
      .set("seconds", text.seconds);
}

/// A file whose writer stopped early is described too, and says so.
Description describe_eval(const std::filesystem::path& path) {
  const EvalFile file = read_eval(path, Incomplete::TakeWhatIsThere);
  uint64_t tokens = 0, reached = 0;
  Json texts = Json::array();
  TextTable table;
  for (const EvalText& text : file.texts) {
    tokens += text.ids.size();
    reached += text.reached;
    texts.add(eval_text_json(text));
    table.row({text.name, std::to_string(text.reached) + " of " + std::to_string(text.ids.size()) +
                              " tokens"});
  }
  const std::string reference = file.reference ? file.policies[*file.reference] : std::string();
  Description description;
  description.fields = {
      field("kind", "eval"),
      field("uuid", file.uuid),
      field("protocol", file.protocol),
      field("model", file.model.name),
      field("texts", uint64_t{file.texts.size()}),
      field("tokens", tokens),
      field("tokens_reached", reached),
      {"policies", Json(file.policies), std::to_string(file.policies.size())},
      {"reference", file.reference ? Json(reference) : Json::null(), reference},
      field("scored_from", uint64_t{file.scored_from}),
      field("arithmetic", file.arithmetic),
      field("seed", file.seed),
      {"complete", Json(file.complete), file.complete ? "yes" : "no: the run was stopped early"},
      bytes_field("bytes", std::filesystem::file_size(h5::place_of(path).file)),
      field("model_sha256", file.model.sha256),
      field("created", file.created),
      field("creator", file.creator),
      field("command_line", file.command_line),
  };
  if (!file.lane_budgets.empty())
    description.json.set("lane_budget", lanes_json(file.lane_budgets));
  description.json.set("text", texts);
  description.text = "texts\n" + table.text(2) + "policies\n";
  for (const std::string& policy : file.policies) description.text += "  " + policy + "\n";
  return description;
}

Description describe(const std::filesystem::path& path, TensorList tensors) {
  if (std::optional<Description> found = describe_tasks(path)) return std::move(*found);
  switch (sniff_file(path)) {
    case FileKind::Gguf:
      return describe_model(path, tensors);
    case FileKind::Trace:
      return describe_trace(path);
    case FileKind::Runs:
      return describe_runs(path);
    case FileKind::Analysis:
      return describe_analysis(path);
    case FileKind::Eval:
      return describe_eval(path);
  }
  fail(path.string(), "a kind of file that is not known",
       "wanted a model, trace, runs, analysis or evaluation");
}

class Info : public Command {
 public:
  void declare(Options& options) override {
    options.positional("FILE", file_,
                       "a GGUF model, or any file that dendrokv writes; of a set also one of its "
                       "members, SET/item/K");
    options.flag("--tensors", tensors_,
                 "of a model: list every tensor with its type, shape and size");
    options.explain(
        "Of a model: what the engine reads from it, then every key of the file; of arrays of more "
        "than 16 elements the first ones.");
    options.example("dendrokv info trace.h5");
    options.example("dendrokv info model.gguf --tensors");
  }

  ExitStatus run(const Session& session) override {
    Description description = describe(file_, tensors_ ? TensorList::Show : TensorList::Omit);
    std::cout << (session.json() ? as_json(description) : as_text(description));
    return ExitStatus::Done;
  }

 private:
  static std::string as_json(const Description& description) {
    Json json = Json::object();
    for (const Field& field : description.fields) json.set(field.name, field.json);
    json.merge(description.json);
    return json.text() + "\n";
  }

  static std::string as_text(const Description& description) {
    TextTable table;
    for (const Field& field : description.fields) {
      std::string name = field.name;
      std::replace(name.begin(), name.end(), '_', ' ');
      table.row({name, field.text.empty() ? "-" : field.text});
    }
    return table.text() + description.text;
  }

  std::filesystem::path file_;
  bool tensors_ = false;
};

}  // namespace

std::unique_ptr<Command> make_info() {
  return std::make_unique<Info>();
}

}  // namespace dendrokv
