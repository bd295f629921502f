// dendrokv eval spans: named parts of a prompt (system, instructions, question), and how much of
// each the caches of several policies keep.

#include <algorithm>
#include <charconv>
#include <iostream>

#include "cli/audit_text.h"
#include "cli/csv.h"
#include "cli/eval_report.h"
#include "cli/evaluation.h"
#include "cli/format.h"
#include "cli/make_command.h"
#include "cli/ranges.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kSteps = 256;  // at which spans are looked at, unless said

/// "12:40" as tokens; nothing when it is another text.
std::optional<SpanWords> token_range(std::string_view text) {
  SpanWords range;
  const char* const end = text.data() + text.size();
  const auto [colon, error] = std::from_chars(text.data(), end, range.first);
  if (error != std::errc() || colon == end || *colon != ':') return std::nullopt;
  const auto [stop, second] = std::from_chars(colon + 1, end, range.end);
  if (second != std::errc() || stop != end) return std::nullopt;
  return range;
}

SpanWords parse_span(const std::string& text) {
  const size_t sign = text.find('=');
  if (sign == 0 || sign == std::string::npos || sign + 1 == text.size())
    fail_usage("--span", "'" + text + "'",
               "wanted NAME=FIRST:END in tokens, or NAME= and words of the text");
  const std::string where = text.substr(sign + 1);
  SpanWords words = token_range(where).value_or(SpanWords{.name = {}, .text = where});
  words.name = text.substr(0, sign);
  return words;
}

// The tokens that have a byte of a quotation.
TextSpan find_quotation(const SpanWords& words, const TokenText& text) {
  const std::string subject = "span '" + words.name + "'";
  const size_t found = text.bytes.find(words.text);
  if (found == std::string::npos)
    fail(subject, "'" + words.text + "' is not in the text that is read",
         "wanted words as they stand in it", "or say the tokens, as in " + words.name + "=12:40");
  if (text.bytes.find(words.text, found + 1) != std::string::npos)
    fail(subject, "'" + words.text + "' is there more than once",
         "wanted words that are there once",
         "quote more of it, or say the tokens, as in " + words.name + "=12:40");
  const auto first = std::ranges::upper_bound(text.offset, found) - text.offset.begin() - 1;
  const auto end =
      std::ranges::lower_bound(text.offset, found + words.text.size()) - text.offset.begin();
  return {words.name, static_cast<uint32_t>(first), static_cast<uint32_t>(end)};
}

TextSpan find_span(const SpanWords& words, const TokenText& text) {
  if (!words.text.empty()) return find_quotation(words, text);
  if (words.first >= words.end || words.end > text.id.size())
    fail("span '" + words.name + "'",
         "tokens " + std::to_string(words.first) + ":" + std::to_string(words.end),
         "wanted FIRST:END with FIRST below END, and END at most " +
             std::to_string(text.id.size()) + ", the tokens of the text");
  return {words.name, words.first, words.end};
}

class EvalSpans : public Command {
 public:
  void declare(Options& options) override {
    shared_.declare(options);
    options.texts(
        "--span", "NAME=WHERE", spans_,
        "a part of the text: FIRST:END in tokens, END not included, or words that stand in "
        "it once");
    options.file("--spans", file_,
                 "a JSON object of them: {\"system\": [0, 24], \"question\": \"What is\"}");
    options.text("--steps", "STEPS", steps_,
                 "after which steps it is looked how much is left: all, last, every:K or a list");
    options.count("--tokens", tokens_, {2},
                  "take no more than the first N tokens (default: the whole text)");
    options.explain(
        "A part's share is that of its tokens over all lanes of the cache; quartiles are over "
        "lanes. The file has both for each step that was looked at, and for each lane the step at "
        "which it lost the last token of a part.");
    options.example(
        "dendrokv eval spans --text prompt.txt --span system=0:24 --span 'question=What is the' "
        "--policy treekv:budget=64,recent=28 --policy streaming:budget=64 -o spans.h5");
  }

  ExitStatus run(const Session& session) override {
    const EvalSource source = only_source();
    const EvalPolicies policies = shared_.policies();
    std::vector<SpanWords> words;
    for (const std::string& span : spans_) words.push_back(parse_span(span));
    if (!file_.empty())
      for (SpanWords& span : parse_spans(file_.string(), read_text_file(file_)))
        words.push_back(std::move(span));
    check_names(words);
    shared_.check_outputs(shared_.model.path);
    const Model model = shared_.model.load(session, LoadDepth::Run);
    shared_.check_outputs(model.path());
    const TokenText text =
        model.tokenizer().text_of(read_tokens(source.path, source.form, tokens_, model));
    const std::string name = source.path.string();
    if (text.id.size() < 2) fail(name, "one token", "wanted at least two: the first is not scored");
    check_contexts(name, text.id.size(), model, policies);
    EvalFile file = eval_file(session, model, policies, shared_, "spans");
    file.texts.push_back(unscored_text(name, text.id, policies.choices.size(), policies.reference));
    SpanTable table;
    for (const SpanWords& span : words) table.spans.push_back(find_span(span, text));
    table.steps = steps(static_cast<uint32_t>(text.id.size()));
    Evaluation evaluation(session, model, policies, shared_, file);
    const auto done = [&](EvalText& scored, const Streams& streams) {
      for (size_t policy = 0; policy < streams.count(); ++policy)
        table.policies.push_back(survival(streams.run(policy), table.spans, table.steps));
      scored.spans = table;
    };
    if (!evaluation.run(EvictionLog::Keep, done)) return ExitStatus::Stopped;
    evaluation.finish();
    print(session, file, policies, evaluation.audits());
    return audits_status(evaluation.audits());
  }

 private:
  EvalSource only_source() const {
    const std::vector<EvalSource> sources = shared_.sources();
    if (sources.size() > 1)
      fail_usage("--text", std::to_string(sources.size()) + " texts", "wanted one");
    return sources[0];
  }

  static void check_names(const std::vector<SpanWords>& words) {
    if (words.empty())
      fail_usage("--span", "missing", "wanted a part of the text to look at",
                 "as in --span system=0:24");
    for (size_t i = 0; i < words.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (words[i].name == words[j].name)
          fail_usage("--span", "two of the name '" + words[i].name + "'", "wanted a name for each");
  }

  std::vector<Step> steps(uint32_t tokens) const {
    if (!steps_.empty()) return parse_steps("--steps", steps_, tokens);
    std::vector<Step> steps;
    const auto every = static_cast<uint32_t>(std::max<size_t>(1, tokens / kSteps));
    for (uint32_t step = every - 1; step < tokens; step += every) steps.emplace_back(step);
    if (steps.back().value != tokens - 1) steps.emplace_back(tokens - 1);
    return steps;
  }

  void print(const Session& session, const EvalFile& file, const EvalPolicies& policies,
             std::span<const Audit> audits) const {
    const SpanTable& table = *file.texts[0].spans;
    if (!shared_.csv.empty()) write_csv(shared_.csv, {spans_csv(file)});
    if (session.json()) {
      Json json = Json::object()
                      .set("model", file.model.name)
                      .set("tokens", uint64_t{file.texts[0].ids.size()})
                      .set("step", uint64_t{table.steps.back().value})
                      .set("results", results_json(file));
      if (!shared_.output.empty()) json.set("output", shared_.output.string());
      if (!audits.empty()) json.set("audit", audits_json(audits));
      std::cout << json.text() << "\n";
      return;
    }
    TextTable rows;
    rows.row({"policy", "part", "tokens", "kept", "lanes: fewest", "quartiles", "most",
              "lanes without"});
    for (size_t policy = 0; policy < table.policies.size(); ++policy)
      for (size_t span = 0; span < table.spans.size(); ++span)
        rows.row(cells(policies.names[policy], table, policy, span));
    std::cout << rows.text();
    session.note("eval spans: shares after step " + std::to_string(table.steps.back().value) +
                 ", over layers and lanes");
    if (!shared_.output.empty()) std::cout << shared_.output.string() << "\n";
    std::cout << audits_text(audits, colour_of_output());
  }

  static std::vector<std::string> cells(const std::string& policy, const SpanTable& table, size_t p,
                                        size_t span) {
    const TextSpan& of = table.spans[span];
    const auto share = [&](double number) { return significant(100 * number) + " %"; };
    const auto quantile = [&](size_t q) { return share(last_quantile(table, p, span, q)); };
    const size_t last = table.steps.size() - 1;
    return {policy,
            of.name,
            std::to_string(of.end - of.first),
            share(static_cast<double>(table.policies[p].kept(span, last))),
            quantile(0),
            quantile(1) + ", " + quantile(2) + ", " + quantile(3),
            quantile(4),
            share(without(table, p, span))};
  }

  static double last_quantile(const SpanTable& table, size_t policy, size_t span, size_t q) {
    return static_cast<double>(
        table.policies[policy].quantiles(span * kSpanQuantiles.size() + q, table.steps.size() - 1));
  }

  /// Share of the lanes that hold nothing of a span at the end.
  static double without(const SpanTable& table, size_t policy, size_t span) {
    const SpanSurvival& found = table.policies[policy];
    const size_t lanes = size_t{found.layers} * found.lanes;
    const auto of_span = std::span(found.held_until).subspan(span * lanes, lanes);
    const auto none = std::ranges::count_if(of_span, [](int32_t until) { return until >= 0; });
    return static_cast<double>(none) / static_cast<double>(lanes);
  }

  static Json results_json(const EvalFile& file) {
    const SpanTable& table = *file.texts[0].spans;
    Json results = Json::array();
    for (size_t policy = 0; policy < table.policies.size(); ++policy)
      for (size_t span = 0; span < table.spans.size(); ++span) {
        const TextSpan& of = table.spans[span];
        Json quantiles = Json::array();
        for (size_t q = 0; q < kSpanQuantiles.size(); ++q)
          quantiles.add(last_quantile(table, policy, span, q));
        results.add(Json::object()
                        .set("policy", file.policies[policy])
                        .set("span", of.name)
                        .set("first", of.first)
                        .set("end", of.end)
                        .set("kept", static_cast<double>(
                                         table.policies[policy].kept(span, table.steps.size() - 1)))
                        .set("quantiles", quantiles)
                        .set("lanes_without", without(table, policy, span)));
      }
    return results;
  }

  /// A row per policy, span and step.
  static CsvTable spans_csv(const EvalFile& file) {
    const SpanTable& table = *file.texts[0].spans;
    std::string csv = "policy,span,step,kept,fewest,quartile1,median,quartile3,most\n";
    for (size_t policy = 0; policy < table.policies.size(); ++policy)
      for (size_t span = 0; span < table.spans.size(); ++span)
        for (size_t at = 0; at < table.steps.size(); ++at) {
          const SpanSurvival& found = table.policies[policy];
          csv += csv_text(file.policies[policy]) + "," + csv_text(table.spans[span].name) + "," +
                 std::to_string(table.steps[at].value) + "," +
                 csv_number(static_cast<double>(found.kept(span, at)));
          for (size_t q = 0; q < kSpanQuantiles.size(); ++q)
            csv += "," + csv_number(static_cast<double>(
                             found.quantiles(span * kSpanQuantiles.size() + q, at)));
          csv += "\n";
        }
    return {"spans.csv", csv};
  }

  EvalOptions shared_;
  std::vector<std::string> spans_;
  std::filesystem::path file_;
  std::string steps_;
  std::optional<uint64_t> tokens_;
};

}  // namespace

std::unique_ptr<Command> make_eval_spans() {
  return std::make_unique<EvalSpans>();
}

}  // namespace dendrokv
