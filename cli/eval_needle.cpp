// dendrokv eval needle: facts planted at chosen depths of a long text, asked for at its end, under
// several cache policies.
//
//   1. a text of filler for each round: one fact per depth, the questions behind it, the nearest
//      fact first (cli/needles)
//   2. all policies in one pass; answers are fed as they should be, so that greedy decoding finds
//      one exactly if every token of it was the likeliest
//   3. from the record of evictions: how much of a fact the lanes held when its question came, and
//      until which step

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>

#include "cli/audit_text.h"
#include "cli/csv.h"
#include "cli/eval_report.h"
#include "cli/evaluation.h"
#include "cli/format.h"
#include "cli/make_command.h"
#include "cli/needle_curves.h"
#include "cli/needles.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint64_t kMostFacts = 1000;
constexpr uint32_t kMostDepth = 1u << 24;
constexpr uint64_t kMostTokens = 1u << 28;  // as in a trace
constexpr size_t kSteps = 256;              // at which spans are looked at, about
constexpr uint32_t kBeforeDeepest = 256;    // tokens

std::vector<uint32_t> parse_depths(const std::string& text) {
  std::vector<uint32_t> depths;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    uint32_t depth = 0;
    const auto [stop, error] = std::from_chars(at, end, depth);
    if (error != std::errc() || depth > kMostDepth || (stop != end && *stop != ','))
      fail_usage("--depths", "'" + text + "'", "wanted numbers of tokens, as in 0,512,4096");
    depths.push_back(depth);
    if (stop == end) break;
    at = stop + 1;
  }
  std::ranges::sort(depths);
  if (std::ranges::adjacent_find(depths) != depths.end())
    fail_usage("--depths", "'" + text + "' has a depth twice", "wanted each depth once",
               "ask for several facts of each with --facts");
  return depths;
}

class EvalNeedle : public Command {
 public:
  void declare(Options& options) override {
    shared_.declare(options);
    options.text("--depths", "LIST", depths_,
                 "tokens between a fact and its question, as in 0,512,4096");
    options.count("--facts", facts_, {1, kMostFacts},
                  "facts of each depth; each takes a pass over another part of the text");
    options.count("--tokens", tokens_, {2, kMostTokens},
                  "tokens before the first question (default: the deepest depth and some more)");
    options.explain(
        "A fact is a sentence such as \"The secret word of Bandwick is lamp.\" with a made-up name "
        "and a word by the seed; the rest of a text is yours. The answer is found when each of its "
        "tokens was the likeliest one; the interval holds its probability with 95 % (Wilson). "
        "'held' is the share of the word's tokens over all lanes of the cache when the question "
        "begins; 'held for' the median over lanes of the steps after which none of them was left. "
        "Where the model does not find the answers with the full cache (--against-full), what a "
        "policy does not find says nothing about the policy.");
    options.example(
        "dendrokv eval needle --text novel.txt --depths 0,256,1024,4096 --facts 4 --against-full "
        "--policy treekv:budget=256,recent=124 --policy streaming:budget=256 -o needle.h5");
  }

  ExitStatus run(const Session& session) override {
    const std::vector<EvalSource> sources = shared_.sources();
    const EvalPolicies policies = shared_.policies();
    shared_.check_outputs(shared_.model.path);
    NeedlePlan plan{.depths = parse_depths(depths_)};
    plan.seed = shared_.seed;
    plan.tokens = static_cast<uint32_t>(tokens_.value_or(plan.depths.back() + kBeforeDeepest));
    const Model model = shared_.model.load(session, LoadDepth::Run);
    shared_.check_outputs(model.path());
    EvalFile file = eval_file(session, model, policies, shared_, "needle");
    const std::vector<PlantedText> planted = plant_all(plan, sources, model);
    for (size_t round = 0; round < planted.size(); ++round) {
      const std::string name =
          sources[round % sources.size()].path.string() + ", round " + std::to_string(round);
      check_contexts(name, planted[round].ids.size(), model, policies);
      file.texts.push_back(
          unscored_text(name, planted[round].ids, policies.choices.size(), policies.reference));
    }
    session.note("eval needle: " + std::to_string(planted.size()) + " rounds of " +
                 std::to_string(planted[0].ids.size()) + " tokens, a fact at each of " +
                 std::to_string(plan.depths.size()) + " depths, " +
                 std::to_string(policies.choices.size()) + " policies in one pass");
    Evaluation evaluation(session, model, policies, shared_, file);
    const auto done = [&](EvalText& text, const Streams& streams) {
      judge(planted[static_cast<size_t>(&text - file.texts.data())], streams, text);
    };
    if (!evaluation.run(EvictionLog::Keep, done)) return ExitStatus::Stopped;
    evaluation.finish();
    print(session, file, policies, evaluation.audits());
    return audits_status(evaluation.audits());
  }

 private:
  std::vector<PlantedText> plant_all(NeedlePlan plan, const std::vector<EvalSource>& sources,
                                     const Model& model) const {
    std::vector<std::vector<int32_t>> fillers;
    const std::vector<int32_t> first = model.tokenizer().add_bos()
                                           ? std::vector<int32_t>{model.tokenizer().bos()}
                                           : std::vector<int32_t>{};
    for (const EvalSource& source : sources) {
      std::vector<int32_t> filler = read_tokens(source.path, source.form, std::nullopt, model);
      if (!first.empty() && source.form == TextForm::Text) filler.erase(filler.begin());
      if (filler.size() < plan.tokens)
        fail(source.path.string(), std::to_string(filler.size()) + " tokens",
             "wanted at least the " + std::to_string(plan.tokens) + " before the first question",
             "give a longer text, smaller --depths or fewer --tokens");
      fillers.push_back(std::move(filler));
    }
    std::vector<PlantedText> planted;
    for (uint64_t round = 0; round < facts_; ++round) {
      const std::vector<int32_t>& filler = fillers[round % fillers.size()];
      // Rounds over the same text are spread over it.
      const uint64_t turns = (facts_ + fillers.size() - 1) / fillers.size();
      const uint64_t spare = filler.size() - plan.tokens;
      const uint64_t offset = turns == 1 ? 0 : spare * (round / fillers.size()) / (turns - 1);
      plan.stream = round;
      planted.push_back(plant(plan, std::span(filler).subspan(offset), first, model.tokenizer()));
    }
    return planted;
  }

  static void judge(const PlantedText& planted, const Streams& streams, EvalText& text) {
    const size_t policies = streams.count(), needles = planted.needles.size();
    NeedleTable table{planted.needles, Grid<float>(policies, needles),
                      Grid<int32_t>(policies, needles), Grid<float>(policies, needles)};
    SpanTable spans{planted.spans, {}, {}};
    const uint32_t every = std::max<uint32_t>(1, static_cast<uint32_t>(text.ids.size() / kSteps));
    for (uint32_t step = 0; step < text.ids.size(); step += every) spans.steps.emplace_back(step);
    for (size_t policy = 0; policy < policies; ++policy) {
      const Run run = streams.run(policy);
      spans.policies.push_back(survival(run, spans.spans, spans.steps));
      for (size_t i = 0; i < needles; ++i) {
        const Needle& needle = planted.needles[i];
        double loss = 0;
        int32_t hits = 0;
        for (uint32_t t = needle.answer_first; t < needle.answer_end; ++t) {
          loss += static_cast<double>(text.nll(policy, t));
          hits += text.top1(policy, t) == text.ids[t] ? 1 : 0;
        }
        const uint32_t count = needle.answer_end - needle.answer_first;
        table.loss(policy, i) = static_cast<float>(loss / count);
        table.found(policy, i) = hits == static_cast<int32_t>(count) ? 1 : 0;
        table.held(policy, i) = static_cast<float>(fraction_held(
            run.retention, planted.spans[2 * i + 1], Step(needle.question_first - 1)));
      }
    }
    text.needles = std::move(table);
    text.spans = std::move(spans);
  }

  void print(const Session& session, const EvalFile& file, const EvalPolicies& policies,
             std::span<const Audit> audits) const {
    const auto curves = curves_of(file);
    if (!shared_.csv.empty()) write_csv(shared_.csv, {curve_csv(file, curves), needles_csv(file)});
    if (session.json()) {
      Json json = Json::object()
                      .set("model", file.model.name)
                      .set("tokens", uint64_t{file.texts[0].ids.size()});
      json.set("results", curve_json(file, curves))
          .set("rounds", uint64_t{file.texts.size()})
          .set("seed", file.seed);
      if (!shared_.output.empty()) json.set("output", shared_.output.string());
      if (!audits.empty()) json.set("audit", audits_json(audits));
      std::cout << json.text() << "\n";
      return;
    }
    TextTable table;
    table.row({"policy", "depth", "found", "interval", "loss of the answer", "held",
               "lanes that hold some", "held for"});
    for (size_t policy = 0; policy < curves.size(); ++policy)
      for (const auto& [depth, curve] : curves[policy]) {
        const auto facts = static_cast<double>(curve.facts);
        const double steps = median_steps(curve);
        const FoundInterval share = found_interval(curve);
        table.row({policies.names[policy], std::to_string(depth),
                   std::to_string(curve.found) + " of " + std::to_string(curve.facts),
                   significant(100 * share.low) + " to " + significant(100 * share.high) + " %",
                   significant(curve.loss / facts), significant(100 * curve.held / facts) + " %",
                   significant(100 * lanes_holding(curve)) + " %",
                   std::isinf(steps) ? "all along" : significant(steps) + " steps"});
      }
    std::cout << table.text();
    if (!shared_.output.empty()) std::cout << shared_.output.string() << "\n";
    std::cout << audits_text(audits, colour_of_output());
  }

  static CsvTable needles_csv(const EvalFile& file) {
    std::string csv = "round,policy,depth,subject,answer,found,answer_nll,held\n";
    for (size_t round = 0; round < file.texts.size(); ++round) {
      const NeedleTable& table = *file.texts[round].needles;
      for (size_t policy = 0; policy < file.policies.size(); ++policy)
        for (size_t i = 0; i < table.needles.size(); ++i)
          csv += std::to_string(round) + "," + csv_text(file.policies[policy]) + "," +
                 std::to_string(table.needles[i].depth) + "," + csv_text(table.needles[i].subject) +
                 "," + csv_text(table.needles[i].answer) + "," +
                 std::to_string(table.found(policy, i)) + "," +
                 csv_number(static_cast<double>(table.loss(policy, i))) + "," +
                 csv_number(static_cast<double>(table.held(policy, i))) + "\n";
    }
    return {"needles.csv", csv};
  }

  EvalOptions shared_;
  std::string depths_ = "0,128,256,512,1024";
  std::optional<uint64_t> tokens_;
  uint64_t facts_ = 4;
};

}  // namespace

std::unique_ptr<Command> make_eval_needle() {
  return std::make_unique<EvalNeedle>();
}

}  // namespace dendrokv
