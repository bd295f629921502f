// dendrokv tune: the policy that foretells a user's texts best under a budget of bytes.
//
//   1. the settings of a space, each with as many rows as the budget allows (cli/tune_settings.h);
//      texts cut into pieces, or traces
//   2. some pieces are held out; the search (analysis/search.h) chooses a setting on the others;
//      then a local search between it and its neighbours in the space
//   3. the winner, the next ones and the baseline on the held-out pieces: only what is gained there
//      counts
// Stopped early, OUTPUT.part keeps what was measured, and the same command goes on from there
// (cli/tune_search.h).

#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/stop.h"
#include "cli/tune_inputs.h"
#include "cli/tune_report.h"
#include "cli/tune_search.h"
#include "data/error.h"
#include "data/identity.h"
#include "model/cache_bytes.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

class Tune : public Command {
 public:
  void declare(Options& options) override {
    model_.declare(options);
    options.texts("--text", "FILE", inputs_.texts, "texts to tune on");
    options.texts("--trace", "FILE", inputs_.traces,
                  "with --objective error: traces of full attention instead of texts");
    options.texts("--held-out", "FILE", inputs_.held_out,
                  "texts or traces that decide at the end (default: every third piece)");
    options.count("--budget", budget_, {1}, "bytes of keys and values of the whole cache",
                  Need::Required);
    options.file("--space", space_,
                 "the settings to search, a small text file (docs/files.md; default: 32 trees)");
    options.file("-o,--output", plan_.output, "the file to write");
    options.texts("--candidate", "SPEC", candidates_,
                  "whole policies beside the space, as one with a budget map; none may take more "
                  "bytes than the budget");
    options.choice("--objective", "loss|error|needle", inputs_.objective,
                   "what is to be small: the loss of the texts (closed loop), the error of the "
                   "attention's output over traces (open loop), or the loss of answers about "
                   "planted facts (closed loop)");
    options.choice("--method", "halving|grid", plan_.method,
                   "all settings on all pieces, or the better half goes on");
    options.text(
        "--baseline", "SPEC", baseline_,
        "what to beat (default: treekv at the paper's proportions, 4 + 508 + 512 of 1024 rows)");
    options.count("--piece", inputs_.piece, {16, kMostTuneTokens},
                  "tokens of a piece (default: three times the rows of a lane)");
    options.count(
        "--pieces", inputs_.most_pieces, {2, 4096},
        "take no more pieces than that for the choice, and a third of it for the decision");
    options.text(
        "--depths", "LIST", inputs_.depths,
        "needle: tokens between a fact and its question (default: 1/2, 3/2 and 5/2 of the rows)");
    options.count("--local", plan_.local, {0, 16},
                  "rounds of the search between the best setting and its neighbours");
    options.count(
        "--finalists", plan_.finalists, {2, 64},
        "settings that are measured on held-out pieces: the baseline, the winner, the next ones");
    options.count("--seed", inputs_.seed, {0}, "of planted facts");
    options.explain(
        "The gain of a winner on the pieces it was chosen on is mostly luck, so it is measured "
        "again on held-out ones, in pairs with the baseline; the spec to use is the winner's only "
        "where the 95 % interval of that difference lies below 0. The last line is that spec. "
        "Several --budget make so many tasks (--shard). Stopped by a signal, the same command goes "
        "on.");
    options.example("dendrokv tune --text novel.txt --budget 20000000 -o tune.h5");
    options.example(
        "dendrokv tune --text novel.txt --held-out other.txt --budget 9987840 --candidate "
        "treekv:sinks=4,recent=28,budget-map=map.txt --objective needle -o needle.h5");
  }

  ExitStatus run(const Session& session) override {
    check_options();
    const Model model =
        model_.load(session, inputs_.open_loop() ? LoadDepth::Describe : LoadDepth::Run);
    inputs_.check_model(model);
    TuneSettings settings = make_settings(model);
    plan_.baseline = baseline_.empty() ? settings.paper_spec() : baseline_;
    const TuneBenches benches =
        inputs_.benches(session, model, PolicyChoice(settings.specs()[0]).shape().budget);
    TuneFile file = make_file(session, model, benches);
    const StopOnSignals signals;
    TuneSearch search(plan_, session, settings, file);
    if (!search.run(*benches.chosen_on, *benches.held_out))
      return stopped(session, search.measured());
    if (!plan_.output.empty()) write_tune(plan_.output, file);
    session.json() ? print_tune_json(plan_.output, file)
                   : print_tune_table(session, settings, file);
    return ExitStatus::Done;
  }

 private:
  /// What is wrong shows before the search, not after it.
  void check_options() const {
    inputs_.check();
    for (const std::string& spec : candidates_) parse_policy(spec);
    if (!baseline_.empty()) parse_policy(baseline_);
    if (plan_.output.empty()) return;
    check_output(plan_.output, {});
    unfinished_part(plan_.output, "dendrokv-tune");
  }

  TuneSettings make_settings(const Model& model) const {
    const std::string subject = space_.empty() ? "the default search space" : space_.string();
    TuneSettings settings(
        parse_space(subject, space_.empty() ? default_space() : read_text_file(space_)), budget_,
        [&model](const PolicyChoice& policy) {
          return cache_bytes(model.config(), model.arithmetic(), policy);
        });
    settings.add_space(subject);
    for (const std::string& spec : candidates_) settings.add_candidate(spec);
    return settings;
  }

  TuneFile make_file(const Session& session, const Model& model, const TuneBenches& benches) const {
    TuneFile file;
    file.uuid = session.uuid;
    file.created = session.created;
    file.command_line = session.command_line;
    file.model = model.config().name;
    file.model_sha256 = model.sha256();
    file.arithmetic = model.arithmetic() == Arithmetic::Exact ? "exact" : "fast";
    file.objective = inputs_.objective;
    file.method = plan_.method;
    file.unit = inputs_.open_loop() ? "relative output error" : "nat per token";
    file.budget_bytes = budget_;
    file.seed = inputs_.seed;
    file.pieces_sha256 = sha256_of_text(benches.chosen_on->fingerprint() +
                                        benches.held_out->fingerprint() + map_fingerprint());
    return file;
  }

  /// Of budget maps, which specs name without what is in them; empty where none does.
  std::string map_fingerprint() const {
    std::string all;
    std::vector<std::string> specs = candidates_;
    if (!baseline_.empty()) specs.push_back(baseline_);
    for (const std::string& spec : specs)
      if (const auto lanes = PolicyChoice(spec).lane_budget())
        for (const uint32_t rows : lanes->rows) all += std::to_string(rows) + " ";
    return all;
  }

  ExitStatus stopped(const Session& session, size_t measured) const {
    say(session.verbosity, Verbosity::Quiet,
        "dendrokv: tune: stopped after " + std::to_string(measured) + " losses" +
            (measured == 0 ? "; run the same command again"
             : plan_.output.empty()
                 ? "; nothing was written: with -o FILE they are kept"
                 : "; " + plan_.output.string() + ".part holds them; the same command goes on"));
    return ExitStatus::Stopped;
  }

  ModelOption model_;
  TuneInputs inputs_;
  uint64_t budget_ = 0;
  fs::path space_;
  std::vector<std::string> candidates_;
  std::string baseline_;
  TunePlan plan_;
};

}  // namespace

std::unique_ptr<Command> make_tune() {
  return std::make_unique<Tune>();
}

}  // namespace dendrokv
