// dendrokv tune: the policy that foretells a user's texts best under a budget of bytes.
//
//   1. the settings of a space, each with as many rows as the budget allows; texts cut into pieces, or traces
//   2. some pieces are held out; the search (analysis/search.h) chooses a setting on the others; then a local search between it and its
//      neighbours in the space
//   3. the winner, the next ones and the baseline on the held-out pieces: only what is gained there counts
// Stopped early, OUTPUT.part keeps what was measured, and the same command goes on from there.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <limits>
#include <map>
#include <numeric>

#include "analysis/search.h"
#include "cache/replay.h"
#include "cache/replay_numbers.h"
#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/ranges.h"
#include "cli/search_space.h"
#include "cli/stop.h"
#include "cli/tune_pieces.h"
#include "data/error.h"
#include "data/tune_file.h"
#include "model/cache_bytes.h"
#include "model/lane_errors.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostTokens = 1 << 24;
constexpr size_t kFinalists = 4;  // the baseline among them
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Stopped {};

/// Losses of specs on pieces, each measured once; kept from a run that was stopped.
class Ledger {
 public:
  void take_over(const TuneFile& before) {
    for (size_t setting = 0; setting < before.settings.size(); ++setting)
      for (size_t piece = 0; piece < before.pieces.size(); ++piece)
        if (!std::isnan(before.loss(setting, piece)))
          losses_[{before.settings[setting], before.pieces[piece]}] = before.loss(setting, piece);
  }
  bool has(const std::string& spec, const std::string& piece) const { return losses_.contains({spec, piece}); }
  double at(const std::string& spec, const std::string& piece) const {
    const auto found = losses_.find({spec, piece});
    return found == losses_.end() ? kNan : found->second;
  }
  void set(const std::string& spec, const std::string& piece, double loss) { losses_[{spec, piece}] = loss; }
  size_t size() const { return losses_.size(); }

  Grid<double> grid(const std::vector<std::string>& specs, const std::vector<std::string>& pieces) const {
    Grid<double> grid(specs.size(), pieces.size(), kNan);
    for (size_t spec = 0; spec < specs.size(); ++spec)
      for (size_t piece = 0; piece < pieces.size(); ++piece) grid(spec, piece) = at(specs[spec], pieces[piece]);
    return grid;
  }

 private:
  std::map<std::pair<std::string, std::string>, double> losses_;
};

/// Where losses come from: pieces of text through the engine, or traces.
class Bench {
 public:
  virtual ~Bench() = default;
  virtual std::vector<std::string> names() const = 0;
  /// False: stopped.
  virtual bool measure(std::span<const PolicyChoice> policies, size_t piece, const Progress& progress,
                       std::span<double> losses) = 0;
};

class TextBench : public Bench {
 public:
  TextBench(const Session& session, const Model& model, std::vector<TunePiece> pieces)
      : session_(session), model_(model), pieces_(std::move(pieces)) {}
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const TunePiece& piece : pieces_) names.push_back(piece.name);
    return names;
  }
  bool measure(std::span<const PolicyChoice> policies, size_t piece, const Progress& progress,
               std::span<double> losses) override {
    return measure_closed_loop(model_, policies, pieces_[piece], session_, progress, losses);
  }

 private:
  const Session& session_;
  const Model& model_;
  std::vector<TunePiece> pieces_;
};

class TraceBench : public Bench {
 public:
  TraceBench(const Session& session, std::vector<std::string> traces)
      : session_(session), traces_(std::move(traces)) {}
  std::vector<std::string> names() const override { return traces_; }
  bool measure(std::span<const PolicyChoice> policies, size_t piece, const Progress& progress,
               std::span<double> losses) override {
    const TraceReader trace(traces_[piece]);
    const auto runs = replay_trace(trace, policies, session_.threads, progress);
    if (!runs) return false;
    const std::vector<Step> steps = parse_steps("--steps", "every:" + std::to_string(std::max<uint32_t>(1, trace.info().tokens / 64)), trace.info().tokens);
    const auto numbers = measure_runs(trace, *runs, steps, session_.threads, progress);
    if (!numbers) return false;
    for (size_t run = 0; run < numbers->size(); ++run) losses[run] = summarise((*numbers)[run]).relative_error;
    return true;
  }

 private:
  const Session& session_;
  std::vector<std::string> traces_;
};

class Tune : public Command {
 public:
  void declare(Options& options) override {
    model_.declare(options);
    options.texts("--text", "FILE", texts_, "texts to tune on");
    options.texts("--trace", "FILE", traces_, "with --objective error: traces of full attention instead of texts");
    options.texts("--held-out", "FILE", held_out_, "texts or traces that decide at the end (default: every third piece)");
    options.count("--budget", budget_, {1}, "bytes of keys and values of the whole cache", Need::Required);
    options.file("--space", space_, "the settings to search, a small text file (docs/files.md; default: 32 trees)");
    options.file("-o,--output", output_, "the file to write");
    options.choice("--objective", "loss|error|needle", objective_,
                   "what is to be small: the loss of the texts (closed loop), the error of the attention's output over traces (open loop), or "
                   "the loss of answers about planted facts (closed loop)");
    options.choice("--method", "halving|grid", method_, "all settings on all pieces, or the better half goes on");
    options.text("--baseline", "SPEC", baseline_, "what to beat (default: treekv at the paper's proportions, 4 + 508 + 512 of 1024 rows)");
    options.count("--piece", piece_, {16, kMostTokens}, "tokens of a piece (default: three times the rows of a lane)");
    options.count("--pieces", most_pieces_, {2, 4096}, "take no more pieces than that for the choice, and a third of it for the decision");
    options.text("--depths", "LIST", depths_, "needle: tokens between a fact and its question (default: 1/2, 3/2 and 5/2 of the rows)");
    options.count("--local", local_, {0, 16}, "rounds of the search between the best setting and its neighbours");
    options.count("--seed", seed_, {0}, "of planted facts");
    options.explain(
        "The gain of a winner on the pieces it was chosen on is mostly luck, so it is measured again on held-out ones, in pairs with the "
        "baseline; the spec to use is the winner's only where the 95 % interval of that difference lies below 0. The last line is that "
        "spec. Several --budget make so many tasks (--shard). Stopped by a signal, the same command goes on.");
    options.example("dendrokv tune --text novel.txt --budget 20000000 -o tune.h5");
  }

  ExitStatus run(const Session& session) override {
    if (objective_ == "error" ? traces_.empty() : texts_.empty())
      fail_usage(objective_ == "error" ? "--trace" : "--text", "missing", "wanted something to tune on", "see --help");
    if (!output_.empty()) check_output(output_, {});
    const Model model = model_.load(session, objective_ == "error" ? LoadDepth::Describe : LoadDepth::Run);
    session_ = &session;
    make_settings(model);
    const auto benches = make_benches(model);
    start_file(model);
    const StopOnSignals signals;
    try {
      search(*benches.first);
      decide(*benches.second);
    } catch (const Stopped&) {
      return stopped();
    }
    file_.complete = true;
    file_.loss = ledger_.grid(file_.settings, file_.pieces);
    if (!output_.empty()) write_tune(output_, file_);
    print();
    return ExitStatus::Done;
  }

 private:
  using Benches = std::pair<std::unique_ptr<Bench>, std::unique_ptr<Bench>>;

  void make_settings(const Model& model) {
    const std::string subject = space_.empty() ? "the default search space" : space_.string();
    search_space_ = parse_space(subject, space_.empty() ? default_space() : read_text_file(space_));
    bytes_of_ = [&model](const std::string& spec) {
      return cache_bytes(model.config(), model.arithmetic(), PolicyChoice(spec));
    };
    std::string refusal;
    for (const SettingValues& values : combinations(search_space_)) {
      try {
        add_setting(values);
      } catch (const Error& error) {
        refusal = error.what();
      }
    }
    if (file_.settings.empty()) fail(subject, "no setting that the policy takes: " + refusal, "wanted at least one");
    rows_ = PolicyChoice(file_.settings[0]).shape().budget;
    baseline_spec_ = baseline_.empty() ? paper_spec() : parse_policy(baseline_).text();
  }

  void add_setting(const SettingValues& values) {
    const std::string spec = PolicyChoice(spec_within(search_space_, values, budget_, bytes_of_)).text();
    if (std::ranges::find(file_.settings, spec) != file_.settings.end()) return;
    file_.settings.push_back(spec);
    values_.push_back(values);
  }

  std::string paper_spec() const {
    const SearchSpace paper = parse_space("the paper", "policy treekv\nsinks 4\nrecent 508/1024\n");
    return PolicyChoice(spec_within(paper, {"4", "508/1024"}, budget_, bytes_of_)).text();
  }

  /// Bytes are counted by the model: the traces must be its own.
  void check_traces(const Model& model) const {
    for (const std::vector<std::string>& some : {traces_, held_out_})
      for (const std::string& trace : some) check_same_model(TraceReader(trace).info(), model);
  }

  Benches make_benches(const Model& model) {
    if (objective_ == "error") check_traces(model);
    if (objective_ == "error") return split<std::string>(traces_, held_out_, [&](std::vector<std::string> traces) {
      return std::make_unique<TraceBench>(*session_, std::move(traces));
    });
    std::vector<TunePiece> pieces, held_out;
    for (const std::string& text : texts_) add_pieces(model, text, pieces);
    for (const std::string& text : held_out_) add_pieces(model, text, held_out);
    return split<TunePiece>(std::move(pieces), std::move(held_out), [&](std::vector<TunePiece> some) {
      return std::make_unique<TextBench>(*session_, model, std::move(some));
    });
  }

  void add_pieces(const Model& model, const std::string& text, std::vector<TunePiece>& pieces) const {
    const std::vector<int32_t> ids = read_tokens(text, TextForm::Text, std::nullopt, model);
    const auto rows = static_cast<uint32_t>(rows_);
    const auto tokens = static_cast<uint32_t>(piece_.value_or(3 * rows_));
    const auto some = objective_ == "loss" ? cut_pieces(text, ids, tokens, std::min(rows, tokens - 1))
                                           : plant_pieces(text, ids, tokens, depths(rows), seed_, model);
    pieces.insert(pieces.end(), some.begin(), some.end());
  }

  std::vector<uint32_t> depths(uint32_t rows) const {
    if (depths_.empty()) return {rows / 2, rows * 3 / 2, rows * 5 / 2};
    return parse_ranges("--depths", "depth", depths_, kMostTokens);
  }

  /// Every third one is held out where none are named.
  template <class Piece, class Make>
  Benches split(std::vector<Piece> pieces, std::vector<Piece> held_out, const Make& make) const {
    if (held_out.empty()) {
      std::vector<Piece> chosen;
      for (size_t i = 0; i < pieces.size(); ++i) (i % 3 == 2 ? held_out : chosen).push_back(pieces[i]);
      pieces = std::move(chosen);
    }
    if (most_pieces_ && pieces.size() > *most_pieces_) thin(pieces, *most_pieces_);
    if (most_pieces_ && held_out.size() > std::max<uint64_t>(2, *most_pieces_ / 3) && held_out_.empty())
      thin(held_out, std::max<uint64_t>(2, *most_pieces_ / 3));
    if (pieces.size() < 2 || held_out.size() < 2)
      fail("texts", std::to_string(pieces.size()) + " pieces to choose on and " + std::to_string(held_out.size()) + " held out",
           "wanted two of each", "give longer or more texts, or a smaller --piece");
    return {make(std::move(pieces)), make(std::move(held_out))};
  }

  /// `count` of them, evenly spread.
  template <class Piece>
  static void thin(std::vector<Piece>& pieces, uint64_t count) {
    std::vector<Piece> some;
    for (uint64_t i = 0; i < count; ++i) some.push_back(pieces[i * pieces.size() / count]);
    pieces = std::move(some);
  }

  void start_file(const Model& model) {
    file_.uuid = session_->uuid;
    file_.created = session_->created;
    file_.command_line = session_->command_line;
    file_.model = model.config().name;
    file_.model_sha256 = model.sha256();
    file_.objective = objective_;
    file_.method = method_;
    file_.unit = objective_ == "error" ? "relative output error" : "nat per token";
    file_.budget_bytes = budget_;
    file_.seed = seed_;
    fs::path part = output_;
    part += ".part";
    std::error_code ignored;
    if (output_.empty() || !fs::is_regular_file(part, ignored)) return;
    const TuneFile before = read_tune(part, Incomplete::TakeWhatIsThere);
    if (before.model_sha256 != file_.model_sha256 || before.objective != objective_ || before.seed != seed_) return;
    ledger_.take_over(before);
    session_->note("tune: " + std::to_string(ledger_.size()) + " losses are taken over from " + part.string());
  }

  /// Measures what is not known yet; keeps it on disk. Throws Stopped.
  std::vector<double> measure(Bench& bench, const std::vector<std::string>& names, std::span<const size_t> settings,
                              size_t piece, const Progress& progress) {
    std::vector<PolicyChoice> unknown;
    std::vector<std::string> specs;
    for (const size_t setting : settings)
      if (!ledger_.has(file_.settings[setting], names[piece])) {
        specs.push_back(file_.settings[setting]);
        unknown.emplace_back(specs.back());
      }
    std::vector<double> losses(unknown.size(), kNan);
    if (!unknown.empty()) {
      if (!bench.measure(unknown, piece, progress, losses)) throw Stopped{};
      for (size_t i = 0; i < specs.size(); ++i) ledger_.set(specs[i], names[piece], losses[i]);
      file_.cost += specs.size();
      save();
    }
    std::vector<double> all;
    for (const size_t setting : settings) all.push_back(ledger_.at(file_.settings[setting], names[piece]));
    return all;
  }

  void save() {
    if (output_.empty()) return;
    TuneFile part = file_;
    part.complete = false;
    part.pieces.insert(part.pieces.end(), part.held_out_pieces.begin(), part.held_out_pieces.end());
    part.loss = ledger_.grid(part.settings, part.pieces);
    part.held_out_pieces.clear();
    part.finalists.clear();
    write_tune(output_, part);
  }

  void search(Bench& bench) {
    file_.pieces = bench.names();
    const size_t count = file_.settings.size(), pieces = file_.pieces.size();
    ProgressLine line("tune", "settings x pieces", session_->verbosity);
    const uint64_t expected = method_ == "grid" ? count * pieces : count * pieces / 4;
    uint64_t done = 0;
    const MeasurePiece piece = [&](std::span<const size_t> settings, size_t number, std::span<double> losses) {
      const auto progress = [&](uint64_t part, uint64_t whole) {
        return line.update(done + settings.size() * part / std::max<uint64_t>(whole, 1), std::max(expected, done));
      };
      std::ranges::copy(measure(bench, file_.pieces, settings, number, progress), losses.begin());
      done += settings.size();
      tell_best(settings, number, line);
      return true;
    };
    const HalvingOptions options{.first_pieces = std::max<size_t>(1, pieces / 16)};
    const Search found = method_ == "grid" ? grid_search(count, pieces, piece)
                                           : successive_halving(count, pieces, options, piece);
    best_ = found.best;
    search_locally(bench, line);
    line.clear();
  }

  /// The best so far, over the pieces that all of `settings` have been measured on.
  void tell_best(std::span<const size_t> settings, size_t piece, ProgressLine& line) const {
    size_t best = settings[0];
    double least = std::numeric_limits<double>::infinity();
    for (const size_t setting : settings) {
      double sum = 0;
      for (size_t i = 0; i <= piece; ++i) sum += ledger_.at(file_.settings[setting], file_.pieces[i]);
      const double mean = sum / static_cast<double>(piece + 1);
      if (mean < least) {
        least = mean;
        best = setting;
      }
    }
    line.clear();
    session_->note("tune: piece " + std::to_string(piece + 1) + " of " + std::to_string(file_.pieces.size()) + ", " +
                   std::to_string(settings.size()) + " settings, best so far " + short_spec(best) + " at " + significant(least));
  }

  /// Between the best and its neighbours, on all pieces, while that finds something better.
  void search_locally(Bench& bench, ProgressLine& line) {
    const auto progress = [&](uint64_t, uint64_t) { return line.update(0, 0); };
    for (uint64_t round = 0; round < local_; ++round) {
      std::vector<size_t> candidates{best_};
      for (const SettingValues& values : between(search_space_, values_[best_])) {
        const size_t before = file_.settings.size();
        try {
          add_setting(values);
        } catch (const Error&) {
          continue;  // the policy refuses what lies between
        }
        if (file_.settings.size() > before) candidates.push_back(before);
      }
      if (candidates.size() == 1) return;
      std::vector<double> sums(candidates.size());
      for (size_t piece = 0; piece < file_.pieces.size(); ++piece) {
        const std::vector<double> losses = measure(bench, file_.pieces, candidates, piece, progress);
        for (size_t i = 0; i < losses.size(); ++i) sums[i] += losses[i];
      }
      const size_t winner = candidates[static_cast<size_t>(std::ranges::min_element(sums) - sums.begin())];
      if (winner == best_) return;
      best_ = winner;
    }
  }

  /// The baseline, the winner, and the settings that came next.
  std::vector<size_t> finalists() {
    auto place = std::ranges::find(file_.settings, baseline_spec_);
    const auto baseline = static_cast<size_t>(place - file_.settings.begin());
    if (place == file_.settings.end()) {
      file_.settings.push_back(baseline_spec_);
      values_.emplace_back();
    }
    std::vector<size_t> next(file_.settings.size()), chosen{baseline};
    std::iota(next.begin(), next.end(), size_t{0});
    std::vector<std::pair<size_t, double>> rank;  // pieces it lasted for, and its loss there
    for (const size_t setting : next) {
      double sum = 0;
      size_t count = 0;
      for (const std::string& piece : file_.pieces)
        if (ledger_.has(file_.settings[setting], piece)) {
          sum += ledger_.at(file_.settings[setting], piece);
          ++count;
        }
      rank.emplace_back(count, count == 0 ? 0 : sum / static_cast<double>(count));
    }
    std::ranges::stable_sort(next, [&](size_t one, size_t other) {
      if ((one == best_) != (other == best_)) return one == best_;
      return rank[one].first != rank[other].first ? rank[one].first > rank[other].first
                                                  : rank[one].second < rank[other].second;
    });
    for (const size_t setting : next)
      if (chosen.size() < kFinalists && setting != baseline && rank[setting].first > 0) chosen.push_back(setting);
    return chosen;
  }

  void decide(Bench& bench) {
    file_.held_out_pieces = bench.names();
    const std::vector<size_t> chosen = finalists();
    const size_t pieces = file_.held_out_pieces.size();
    file_.held_out_loss = Grid<double>(chosen.size(), pieces);
    ProgressLine line("tune: held-out pieces", "pieces", session_->verbosity);
    for (size_t piece = 0; piece < pieces; ++piece) {
      const auto progress = [&](uint64_t, uint64_t) { return line.update(piece, pieces); };
      const std::vector<double> losses = measure(bench, file_.held_out_pieces, chosen, piece, progress);
      for (size_t i = 0; i < chosen.size(); ++i) file_.held_out_loss(i, piece) = losses[i];
    }
    for (size_t i = 0; i < chosen.size(); ++i) {
      const auto row = file_.held_out_loss.row(i);
      const Interval gain = paired_difference(row, file_.held_out_loss.row(0), file_.confidence);
      file_.finalists.push_back(static_cast<uint32_t>(chosen[i]));
      file_.mean.push_back(std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(pieces));
      file_.difference.push_back(gain.mean);
      file_.lower.push_back(gain.lower);
      file_.upper.push_back(gain.upper);
    }
    const size_t winner = chosen.size() > 1 ? 1 : 0;
    file_.spec = file_.settings[chosen[file_.upper[winner] < 0 ? winner : 0]];
  }

  std::string short_spec(size_t setting) const {
    std::string text;
    for (size_t key = 0; key < values_[setting].size(); ++key)
      text += (key ? "," : "") + search_space_.keys[key].first + "=" + values_[setting][key];
    return text.empty() ? "baseline" : text;
  }

  ExitStatus stopped() const {
    const std::string part = output_.string() + ".part";
    say(session_->verbosity, Verbosity::Quiet,
        "dendrokv: tune: stopped after " + std::to_string(ledger_.size()) + " losses" +
            (output_.empty() ? "; nothing was written: with -o FILE they are kept"
                             : "; " + part + " holds them; the same command goes on"));
    return ExitStatus::Stopped;
  }

  void print() const {
    if (session_->json()) {
      Json finalists = Json::array();
      for (size_t i = 0; i < file_.finalists.size(); ++i)
        finalists.add(Json::object()
                          .set("policy", file_.settings[file_.finalists[i]])
                          .set("held_out_mean", file_.mean[i])
                          .set("difference", file_.difference[i])
                          .set("lower", file_.lower[i])
                          .set("upper", file_.upper[i]));
      Json json = Json::object()
                      .set("objective", file_.objective)
                      .set("budget_bytes", file_.budget_bytes)
                      .set("settings", uint64_t{file_.settings.size()})
                      .set("pieces", uint64_t{file_.pieces.size()})
                      .set("cost", file_.cost)
                      .set("finalists", finalists)
                      .set("spec", file_.spec);
      if (!output_.empty()) json.set("output", output_.string());
      std::cout << json.text() << "\n";
      return;
    }
    TextTable table;
    table.row({"setting", "held-out " + file_.objective, "to the baseline", "95 % interval", "bytes"});
    for (size_t i = 0; i < file_.finalists.size(); ++i) {
      const size_t setting = file_.finalists[i];
      table.row({i == 0 ? "baseline" : short_spec(setting), fixed(file_.mean[i]), fixed(file_.difference[i]),
                 i == 0 ? "-" : fixed(file_.lower[i]) + " to " + fixed(file_.upper[i]),
                 std::to_string(bytes_of_(file_.settings[setting]))});
    }
    std::cout << table.text();
    const bool better = file_.spec != baseline_spec_;
    session_->note(std::string("tune: on ") + std::to_string(file_.held_out_pieces.size()) + " held-out pieces the winner " +
                   (better ? "beats the baseline; its spec:" : "does not beat the baseline beyond doubt; the baseline's spec:"));
    std::cout << file_.spec << "\n";
  }

  static std::string fixed(double number) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4f", number);
    return text;
  }

  ModelOption model_;
  std::vector<std::string> texts_, traces_, held_out_;
  uint64_t budget_ = 0, seed_ = 1, local_ = 1;
  fs::path space_, output_;
  std::string objective_ = "loss", method_ = "halving", baseline_, depths_;
  std::optional<uint64_t> piece_, most_pieces_;

  const Session* session_ = nullptr;
  SearchSpace search_space_;
  std::function<uint64_t(const std::string&)> bytes_of_;
  std::vector<SettingValues> values_;  // of file_.settings; empty for the baseline
  std::string baseline_spec_;
  uint64_t rows_ = 0;
  size_t best_ = 0;
  Ledger ledger_;
  TuneFile file_;
};

}  // namespace

std::unique_ptr<Command> make_tune() {
  return std::make_unique<Tune>();
}

}  // namespace dendrokv
