#include "cache/file_checks.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>
#include <vector>

#include "cache/eval_check.h"
#include "cache/policies.h"
#include "cache/run_checks.h"
#include "data/analysis_file.h"
#include "data/error.h"
#include "data/file_root.h"

namespace dendrokv {
namespace {

/// Logits: [token, vocabulary].
std::string shapes_of_other(const h5::File& file) {
  if (!file.has("/logits")) return {};
  const h5::Dataset numbers = file.open_dataset("/logits", h5::Type::F32, {kAnyExtent, kAnyExtent});
  file.open_dataset("/tokens/id", h5::Type::I32, {numbers.shape()[0]});
  return "/logits " + h5::shape_text(numbers.shape());
}

/// Of a file that a dendrokv program wrote; importers know less.
bool is_ours(const FileRoot& root) {
  return root.creator.starts_with("dendrokv ");
}

}  // namespace

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
    const PolicyChoice choice(info.policy, info.lane_budget);
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
  if (!subject.runs.empty() && subject.runs[0].lane_budget != info.lane_budget)
    return bad("the rows of each lane are others beside the policy than in /run");
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

}  // namespace dendrokv
