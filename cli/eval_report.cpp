#include "cli/eval_report.h"

#include <cmath>
#include <cstdio>

#include "cli/csv.h"
#include "cli/format.h"
#include "cli/outputs.h"
#include "data/error.h"

namespace dendrokv {
namespace {

std::string fixed(double number, int decimals) {
  if (!std::isfinite(number)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, number);
  return text;
}

std::string with_sign(double number) {
  return std::isfinite(number) && number > 0 ? "+" + fixed(number, 4) : fixed(number, 4);
}

std::string interval(const Estimate& estimate, std::string (*text)(double)) {
  if (!std::isfinite(estimate.lower)) return "-";
  return "[" + text(estimate.lower) + ", " + text(estimate.upper) + "]";
}

std::string loss_text(double number) {
  return fixed(number, 4);
}

void set_estimate(Json& json, const std::string& name, const Estimate& estimate) {
  json.set(name, estimate.mean)
      .set(name + "_lower", estimate.lower)
      .set(name + "_upper", estimate.upper);
}

Json policy_json(const EvalFile& file, const LossSummary& summary, size_t policy) {
  const PolicySummary& of = summary.policies[policy];
  Json json = Json::object()
                  .set("policy", file.policies[policy])
                  .set("mean_nll", of.nll.mean)
                  .set("perplexity", of.perplexity)
                  .set("tokens_scored", of.tokens_scored)
                  .set("kv_bytes_peak", of.cache.most_bytes)
                  .set("tokens_per_second", static_cast<double>(summary.tokens) / summary.seconds)
                  .set("mean_nll_lower", of.nll.lower)
                  .set("mean_nll_upper", of.nll.upper);
  set_estimate(json, "nll_difference", of.difference);
  set_estimate(json, "top1_accuracy", of.hits);
  set_estimate(json, "kl", of.kl);
  set_estimate(json, "top1_agreement", of.agreement);
  return json.set("kv_rows_peak", of.rows_held)
      .set("kv_rows_read_per_token", of.rows_read)
      .set("kv_bytes_read_per_token", of.bytes_read);
}

std::string csv_estimate(const Estimate& estimate) {
  return "," + csv_number(estimate.mean) + "," + csv_number(estimate.lower) + "," +
         csv_number(estimate.upper);
}

}  // namespace

std::string loss_table(const EvalFile& file, const LossSummary& summary,
                       const std::vector<std::string>& names) {
  TextTable table;
  const bool compared = file.reference.has_value();
  const std::string baseline = compared ? "full" : "the first";
  std::vector<std::string> head{"policy",           "loss",    "interval", "perplexity",
                                "over " + baseline, "interval"};
  if (compared) head.insert(head.end(), {"KL", "same top token"});
  head.insert(head.end(), {"rows", "bytes held", "read per token"});
  table.row(std::move(head));
  for (size_t policy = 0; policy < summary.policies.size(); ++policy) {
    const PolicySummary& of = summary.policies[policy];
    const bool is_baseline = policy == summary.baseline;
    std::vector<std::string> cells{names[policy],
                                   loss_text(of.nll.mean),
                                   interval(of.nll, loss_text),
                                   fixed(of.perplexity, 3),
                                   is_baseline ? "-" : with_sign(of.difference.mean),
                                   is_baseline ? "-" : interval(of.difference, with_sign)};
    if (compared)
      cells.insert(cells.end(), {is_baseline ? "-" : fixed(of.kl.mean, 4),
                                 is_baseline ? "-" : fixed(100 * of.agreement.mean, 1) + " %"});
    cells.insert(cells.end(), {significant(of.rows_held), bytes_text(of.cache.most_bytes),
                               bytes_text(static_cast<uint64_t>(of.bytes_read))});
    table.row(std::move(cells));
  }
  return table.text();
}

std::string interval_words(const LossSummary& summary) {
  if (summary.units < 2) return "no intervals: too few tokens";
  if (summary.unit == ResamplingUnit::Texts)
    return "95 % intervals: bootstrap over " + std::to_string(summary.units) + " texts";
  return "95 % intervals: bootstrap over " + std::to_string(summary.units) + " blocks of " +
         std::to_string(summary.block_tokens) +
         " tokens of the same text; they say nothing about other texts";
}

Json loss_json(const EvalFile& file, const LossSummary& summary) {
  Json results = Json::array();
  for (size_t policy = 0; policy < summary.policies.size(); ++policy)
    results.add(policy_json(file, summary, policy));
  const bool by_texts = summary.unit == ResamplingUnit::Texts;
  return Json::object()
      .set("model", file.model.name)
      .set("tokens", summary.tokens)
      .set("results", results)
      .set("model_sha256", file.model.sha256)
      .set("arithmetic", file.arithmetic)
      .set("texts", uint64_t{file.texts.size()})
      .set("scored_from", file.scored_from)
      .set("baseline", file.policies[summary.baseline])
      .set("reference", file.reference ? Json(file.policies[*file.reference]) : Json::null())
      .set("interval_unit", by_texts ? "texts" : "blocks")
      .set("interval_units", uint64_t{summary.units})
      .set("interval_block_tokens", uint64_t{summary.block_tokens})
      .set("interval_confidence", kEvalConfidence)
      .set("seed", file.seed)
      .set("seconds", summary.seconds);
}

CsvTable loss_csv(const EvalFile& file, const LossSummary& summary) {
  std::string csv =
      "policy,tokens_scored,mean_nll,mean_nll_lower,mean_nll_upper,perplexity,nll_difference,"
      "nll_difference_lower,nll_difference_upper,top1_accuracy,top1_accuracy_lower,"
      "top1_accuracy_upper,kl,kl_lower,kl_upper,top1_agreement,top1_agreement_lower,"
      "top1_agreement_upper,kv_rows_peak,kv_bytes_peak,kv_rows_read_per_token,"
      "kv_bytes_read_per_token\n";
  for (size_t policy = 0; policy < summary.policies.size(); ++policy) {
    const PolicySummary& of = summary.policies[policy];
    csv += csv_text(file.policies[policy]) + "," + std::to_string(of.tokens_scored) +
           csv_estimate(of.nll) + "," + csv_number(of.perplexity) + csv_estimate(of.difference) +
           csv_estimate(of.hits) + csv_estimate(of.kl) + csv_estimate(of.agreement) + "," +
           csv_number(of.rows_held) + "," + std::to_string(of.cache.most_bytes) + "," +
           csv_number(of.rows_read) + "," + csv_number(of.bytes_read) + "\n";
  }
  return {"policies.csv", csv};
}

CsvTable texts_csv(const EvalFile& file) {
  std::string csv = "text,policy,tokens,tokens_scored,mean_nll,mean_kl\n";
  for (const EvalText& text : file.texts) {
    const uint32_t first = std::max(file.scored_from, 1u);
    for (size_t policy = 0; policy < file.policies.size(); ++policy) {
      double nll = 0, kl = 0;
      for (uint32_t t = first; t < text.reached; ++t) {
        nll += static_cast<double>(text.nll(policy, t));
        if (file.reference) kl += static_cast<double>(text.kl(policy, t));
      }
      const uint32_t count = text.reached > first ? text.reached - first : 0;
      csv += csv_text(text.name) + "," + csv_text(file.policies[policy]) + "," +
             std::to_string(text.reached) + "," + std::to_string(count) + "," +
             csv_number(nll / count) + "," + (file.reference ? csv_number(kl / count) : "") + "\n";
    }
  }
  return {"texts.csv", csv};
}

CsvTable tokens_csv(const EvalFile& file) {
  std::string csv = "text,position,token";
  for (const std::string& policy : file.policies) csv += "," + csv_text("nll " + policy);
  if (file.reference)
    for (const std::string& policy : file.policies) csv += "," + csv_text("kl " + policy);
  csv += "\n";
  for (size_t i = 0; i < file.texts.size(); ++i) {
    const EvalText& text = file.texts[i];
    for (size_t t = 0; t < text.reached; ++t) {
      csv += std::to_string(i) + "," + std::to_string(t) + "," + std::to_string(text.ids[t]);
      for (size_t policy = 0; policy < file.policies.size(); ++policy)
        csv += "," + csv_number(static_cast<double>(text.nll(policy, t)));
      if (file.reference)
        for (size_t policy = 0; policy < file.policies.size(); ++policy)
          csv += "," + csv_number(static_cast<double>(text.kl(policy, t)));
      csv += "\n";
    }
  }
  return {"tokens.csv", csv};
}

void write_csv(const std::filesystem::path& path, const std::vector<CsvTable>& tables) {
  if (path.extension() == ".csv") return write_whole(path, tables.front().contents);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    fail(path.string(), "cannot be made: " + error.message(), "wanted a folder for the CSV files");
  for (const CsvTable& table : tables) write_whole(path / table.name, table.contents);
}

}  // namespace dendrokv
