// dendrokv eval: the loss of texts under several cache policies, closed loop, in one pass over the
// weights.
//
//   1. texts, policies; refused before the run when a policy has no room for a text
//   2. block by block through all caches at once (model/stream_scorer); logits of one block at a
//      time
//   3. means with intervals, a table, the file. Stopped early: OUTPUT.part holds what was scored,
//      and the same command goes on.

#include <iostream>

#include "cli/audit_text.h"
#include "cli/eval_report.h"
#include "cli/evaluation.h"
#include "cli/format.h"
#include "cli/make_command.h"
#include "data/error.h"

namespace dendrokv {
namespace {

class Eval : public Command {
 public:
  void declare(Options& options) override {
    shared_.declare(options);
    options.count("--tokens", tokens_, {2},
                  "take no more than the first N tokens of each text (default: the whole text)");
    options.count("--from", from_, {0},
                  "leave the first N tokens of each text out of the means; the file has all");
    options.choice(
        "--interval", "auto|texts|blocks", interval_,
        "what is drawn for intervals: whole texts, or blocks of tokens; auto takes texts "
        "where there are several");
    options.explain(
        "Every policy decides what its own cache holds, and its losses come from that cache "
        "(closed loop). Texts may be longer than the model's context where the cache is bounded "
        "and places are ranks (positions=rank). Where the full cache runs too, among the policies "
        "or by --against-full, the table adds KL(full || policy) in nat and how often both find "
        "the same token likeliest. Differences are per token, to full or else to the first policy. "
        "Stopped by Ctrl-C or SIGTERM, OUTPUT.part keeps what was scored, and the same command "
        "goes on behind the last whole text. tokens_per_second counts tokens of the text, whatever "
        "the number of policies.");
    options.example(
        "dendrokv eval --text data/samples/tide-ledger.txt --tokens 1024 --policy full "
        "--policy treekv:budget=128,sinks=4,recent=60 --policy streaming:budget=128 -o eval.h5");
    options.example(
        "dendrokv eval --text one.txt --text two.txt --policy treekv --policy streaming --from "
        "1024 --csv numbers");
  }

  ExitStatus run(const Session& session) override {
    const std::vector<EvalSource> sources = shared_.sources();
    const EvalPolicies policies = shared_.policies();
    shared_.check_outputs(shared_.model.path);
    const Model model = shared_.model.load(session, LoadDepth::Run);
    shared_.check_outputs(model.path());
    EvalFile file = eval_file(session, model, policies, shared_, "loss");
    file.scored_from = static_cast<uint32_t>(from_);
    for (const EvalSource& source : sources) file.texts.push_back(read(source, model, policies));
    session.note("eval: " + std::to_string(file.texts.size()) +
                 (file.texts.size() == 1 ? " text, " : " texts, ") +
                 std::to_string(tokens_of(file)) + " tokens, " +
                 std::to_string(policies.choices.size()) +
                 (policies.choices.size() == 1 ? " policy" : " policies in one pass") +
                 (policies.reference ? ", compared with the full cache" : ""));
    Evaluation evaluation(session, model, policies, shared_, file);
    if (!evaluation.run(EvictionLog::Discard, {})) return ExitStatus::Stopped;
    evaluation.finish();
    print(session, file, policies, evaluation.audits());
    return audits_status(evaluation.audits());
  }

 private:
  EvalText read(const EvalSource& source, const Model& model, const EvalPolicies& policies) const {
    const std::string subject = source.path.string();
    std::vector<int32_t> ids = read_tokens(source.path, source.form, tokens_, model);
    if (ids.size() < 2) fail(subject, "one token", "wanted at least two: the first is not scored");
    if (ids.size() <= from_)
      fail(subject, std::to_string(ids.size()) + " tokens",
           "wanted more than the " + std::to_string(from_) + " that --from leaves out");
    check_contexts(subject, ids.size(), model, policies);
    return unscored_text(subject, std::move(ids), policies.choices.size(), policies.reference);
  }

  static uint64_t tokens_of(const EvalFile& file) {
    uint64_t tokens = 0;
    for (const EvalText& text : file.texts) tokens += text.ids.size();
    return tokens;
  }

  std::optional<ResamplingUnit> unit() const {
    if (interval_ == "texts") return ResamplingUnit::Texts;
    if (interval_ == "blocks") return ResamplingUnit::Blocks;
    return std::nullopt;
  }

  void print(const Session& session, const EvalFile& file, const EvalPolicies& policies,
             std::span<const Audit> audits) const {
    const LossSummary summary = summarise(file, unit(), kEvalConfidence, {.seed = file.seed});
    if (!shared_.csv.empty())
      write_csv(shared_.csv, {loss_csv(file, summary), texts_csv(file), tokens_csv(file)});
    if (session.json()) {
      Json json = loss_json(file, summary);
      if (!shared_.output.empty()) json.set("output", shared_.output.string());
      if (!audits.empty()) json.set("audit", audits_json(audits));
      std::cout << json.text() << "\n";
      return;
    }
    std::cout << loss_table(file, summary, policies.names);
    session.note(interval_words(summary));
    session.note("eval: " + std::to_string(summary.tokens) + " tokens in " +
                 significant(summary.seconds) + " s, " +
                 significant(static_cast<double>(summary.tokens) / summary.seconds) +
                 " tokens/s through all caches");
    if (!shared_.output.empty()) std::cout << shared_.output.string() << "\n";
    std::cout << audits_text(audits, colour_of_output());
  }

  EvalOptions shared_;
  std::optional<uint64_t> tokens_;
  uint64_t from_ = 0;
  std::string interval_ = "auto";
};

}  // namespace

std::unique_ptr<Command> make_eval() {
  return std::make_unique<Eval>();
}

}  // namespace dendrokv
