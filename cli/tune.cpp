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

#include <cmath>
#include <cstdio>
#include <iostream>

#include "analysis/search.h"
#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/lane_budget.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/ranges.h"
#include "cli/stop.h"
#include "cli/tune_search.h"
#include "data/error.h"
#include "data/identity.h"
#include "data/trace_reader.h"
#include "model/cache_bytes.h"
#include "model/lane_errors.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostTokens = 1 << 24;

std::string fixed(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", number);
  return text;
}

class Tune : public Command {
 public:
  void declare(Options& options) override {
    model_.declare(options);
    options.texts("--text", "FILE", texts_, "texts to tune on");
    options.texts("--trace", "FILE", traces_,
                  "with --objective error: traces of full attention instead of texts");
    options.texts("--held-out", "FILE", held_out_,
                  "texts or traces that decide at the end (default: every third piece)");
    options.count("--budget", budget_, {1}, "bytes of keys and values of the whole cache",
                  Need::Required);
    options.file("--space", space_,
                 "the settings to search, a small text file (docs/files.md; default: 32 trees)");
    options.file("-o,--output", plan_.output, "the file to write");
    options.texts("--candidate", "SPEC", candidates_,
                  "whole policies beside the space, as one with a budget map; none may take more "
                  "bytes than the budget");
    options.choice("--objective", "loss|error|needle", objective_,
                   "what is to be small: the loss of the texts (closed loop), the error of the "
                   "attention's output over traces (open loop), or the loss of answers about "
                   "planted facts (closed loop)");
    options.choice("--method", "halving|grid", plan_.method,
                   "all settings on all pieces, or the better half goes on");
    options.text(
        "--baseline", "SPEC", baseline_,
        "what to beat (default: treekv at the paper's proportions, 4 + 508 + 512 of 1024 rows)");
    options.count("--piece", piece_, {16, kMostTokens},
                  "tokens of a piece (default: three times the rows of a lane)");
    options.count(
        "--pieces", most_pieces_, {2, 4096},
        "take no more pieces than that for the choice, and a third of it for the decision");
    options.text(
        "--depths", "LIST", depths_,
        "needle: tokens between a fact and its question (default: 1/2, 3/2 and 5/2 of the rows)");
    options.count("--local", plan_.local, {0, 16},
                  "rounds of the search between the best setting and its neighbours");
    options.count(
        "--finalists", plan_.finalists, {2, 64},
        "settings that are measured on held-out pieces: the baseline, the winner, the next ones");
    options.count("--seed", seed_, {0}, "of planted facts");
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
    const bool open_loop = objective_ == "error";
    const Model model = model_.load(session, open_loop ? LoadDepth::Describe : LoadDepth::Run);
    if (open_loop) check_traces(model);
    TuneSettings settings = make_settings(model);
    plan_.baseline = baseline_.empty() ? settings.paper_spec() : baseline_;
    const Benches benches =
        open_loop
            ? benches_of_traces(session)
            : benches_of_texts(session, model, PolicyChoice(settings.specs()[0]).shape().budget);
    TuneFile file = make_file(session, model, benches);
    const StopOnSignals signals;
    TuneSearch search(plan_, session, settings, file);
    if (!search.run(*benches.chosen_on, *benches.held_out))
      return stopped(session, search.measured());
    if (!plan_.output.empty()) write_tune(plan_.output, file);
    session.json() ? print_json(file) : print_table(session, settings, file);
    return ExitStatus::Done;
  }

 private:
  /// What is wrong shows before the search, not after it.
  void check_options() const {
    const bool open_loop = objective_ == "error";
    const std::string objective = "beside --objective " + objective_;
    if (open_loop ? traces_.empty() : texts_.empty())
      fail_usage(open_loop ? "--trace" : "--text", "missing", "wanted something to tune on",
                 "see --help");
    if (open_loop ? !texts_.empty() : !traces_.empty())
      fail_usage(open_loop ? "--text" : "--trace", objective,
                 open_loop ? "wanted --trace" : "wanted --text");
    if (open_loop && piece_) fail_usage("--piece", objective, "wanted none: a piece is a trace");
    if (!depths_.empty() && objective_ != "needle")
      fail_usage("--depths", objective, "wanted --objective needle");
    for (const std::string& spec : candidates_) parse_policy(spec);
    if (!baseline_.empty()) parse_policy(baseline_);
    if (plan_.output.empty()) return;
    check_output(plan_.output, {});
    unfinished_part(plan_.output, "dendrokv-tune");
  }

  struct Benches {
    std::unique_ptr<TuneBench> chosen_on, held_out;
  };

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

  /// Bytes are counted by the model: the traces must be its own.
  void check_traces(const Model& model) const {
    for (const std::vector<std::string>& some : {traces_, held_out_})
      for (const std::string& trace : some) check_same_model(TraceReader(trace).info(), model);
  }

  Benches benches_of_traces(const Session& session) const {
    const PartedPieces parted = part_pieces(traces_.size(), held_out_.size(), most_pieces_);
    return {
        bench_of_traces(session, chosen(traces_, parted.chosen_on)),
        bench_of_traces(session, chosen(held_out_.empty() ? traces_ : held_out_, parted.held_out))};
  }

  Benches benches_of_texts(const Session& session, const Model& model, uint64_t rows) const {
    const std::vector<TunePiece> pieces = pieces_of(texts_, model, rows),
                                 held_out = pieces_of(held_out_, model, rows);
    const PartedPieces parted = part_pieces(pieces.size(), held_out.size(), most_pieces_);
    return {bench_of_texts(session, model, chosen(pieces, parted.chosen_on)),
            bench_of_texts(session, model,
                           chosen(held_out.empty() ? pieces : held_out, parted.held_out))};
  }

  template <class Piece>
  static std::vector<Piece> chosen(const std::vector<Piece>& pieces,
                                   const std::vector<size_t>& places) {
    std::vector<Piece> some;
    for (const size_t place : places) some.push_back(pieces[place]);
    return some;
  }

  /// `rows_of_lane`: the first of them do not count, or say how deep facts lie.
  std::vector<TunePiece> pieces_of(const std::vector<std::string>& texts, const Model& model,
                                   uint64_t rows_of_lane) const {
    std::vector<TunePiece> pieces;
    const auto rows = static_cast<uint32_t>(rows_of_lane);
    const auto tokens = static_cast<uint32_t>(piece_.value_or(3 * rows_of_lane));
    if (tokens <= rows)
      fail_usage("--piece " + std::to_string(tokens),
                 std::to_string(rows) + " rows of a lane hold it whole",
                 "wanted more tokens than rows, so that something leaves");
    for (const std::string& text : texts) {
      const std::vector<int32_t> ids = read_tokens(text, TextForm::Text, std::nullopt, model);
      const auto some = objective_ == "loss"
                            ? cut_pieces(text, ids, tokens, rows)
                            : plant_pieces(text, ids, tokens, depths(rows), seed_, model);
      pieces.insert(pieces.end(), some.begin(), some.end());
    }
    return pieces;
  }

  std::vector<uint32_t> depths(uint32_t rows) const {
    if (depths_.empty()) return {rows / 2, rows * 3 / 2, rows * 5 / 2};
    return parse_ranges("--depths", "depth", depths_, kMostTokens);
  }

  TuneFile make_file(const Session& session, const Model& model, const Benches& benches) const {
    TuneFile file;
    file.uuid = session.uuid;
    file.created = session.created;
    file.command_line = session.command_line;
    file.model = model.config().name;
    file.model_sha256 = model.sha256();
    file.arithmetic = model.arithmetic() == Arithmetic::Exact ? "exact" : "fast";
    file.objective = objective_;
    file.method = plan_.method;
    file.unit = objective_ == "error" ? "relative output error" : "nat per token";
    file.budget_bytes = budget_;
    file.seed = seed_;
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

  void print_json(const TuneFile& file) const {
    Json finalists = Json::array();
    for (size_t i = 0; i < file.finalists.size(); ++i) {
      Json finalist = Json::object()
                          .set("policy", file.settings[file.finalists[i]])
                          .set("chosen_on_difference", gain_where_chosen(file, i))
                          .set("held_out_mean", file.mean[i])
                          .set("difference", file.difference[i])
                          .set("lower", file.lower[i])
                          .set("upper", file.upper[i]);
      if (const auto lanes = file.lane_budget(file.finalists[i]))
        finalist.set("lane_budget", lanes_json(*lanes));
      finalists.add(finalist);
    }
    Json json = Json::object()
                    .set("objective", file.objective)
                    .set("budget_bytes", file.budget_bytes)
                    .set("settings", uint64_t{file.settings.size()})
                    .set("pieces", uint64_t{file.pieces.size()})
                    .set("cost", file.cost)
                    .set("finalists", finalists)
                    .set("spec", file.spec);
    if (!plan_.output.empty()) json.set("output", plan_.output.string());
    std::cout << json.text() << "\n";
  }

  void print_table(const Session& session, const TuneSettings& settings,
                   const TuneFile& file) const {
    TextTable table;
    table.row({"setting", "chosen on: to the baseline", "held-out " + file.objective,
               "to the baseline", "95 % interval", "bytes"});
    for (size_t i = 0; i < file.finalists.size(); ++i) {
      const size_t setting = file.finalists[i];
      const double gain = gain_where_chosen(file, i);
      const std::optional<uint64_t> bytes = settings.bytes(setting);
      table.row({i == 0 ? "baseline" : settings.name(setting),
                 i == 0 || std::isnan(gain) ? "-" : fixed(gain), fixed(file.mean[i]),
                 fixed(file.difference[i]),
                 i == 0 ? "-" : fixed(file.lower[i]) + " to " + fixed(file.upper[i]),
                 bytes ? std::to_string(*bytes) : "-"});
    }
    std::cout << table.text();
    const bool better = file.spec != file.settings[file.finalists[0]];
    session.note("tune: on " + std::to_string(file.held_out_pieces.size()) +
                 " held-out pieces the winner " +
                 (better ? "beats the baseline; its spec:"
                         : "does not beat the baseline beyond doubt; the baseline's spec:"));
    std::cout << file.spec << "\n";
  }

  /// Difference to the baseline on the pieces that it was chosen on, where luck is part of it; NaN
  /// where they have none in common.
  static double gain_where_chosen(const TuneFile& file, size_t finalist) {
    return paired_difference(file.loss.row(file.finalists[finalist]),
                             file.loss.row(file.finalists[0]), file.confidence)
        .mean;
  }

  ModelOption model_;
  std::vector<std::string> texts_, traces_, held_out_, candidates_;
  uint64_t budget_ = 0, seed_ = 1;
  fs::path space_;
  std::string objective_ = "loss", baseline_, depths_;
  std::optional<uint64_t> piece_, most_pieces_;
  TunePlan plan_;
};

}  // namespace

std::unique_ptr<Command> make_tune() {
  return std::make_unique<Tune>();
}

}  // namespace dendrokv
