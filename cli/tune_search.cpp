#include "cli/tune_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/search.h"
#include "cli/format.h"
#include "cli/outputs.h"
#include "data/error.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

void Ledger::take_over(const TuneFile& before) {
  for (size_t setting = 0; setting < before.settings.size(); ++setting)
    for (size_t piece = 0; piece < before.pieces.size(); ++piece)
      if (!std::isnan(before.loss(setting, piece)))
        losses_[{before.settings[setting], before.pieces[piece]}] = before.loss(setting, piece);
}

double Ledger::at(const std::string& spec, const std::string& piece) const {
  const auto found = losses_.find({spec, piece});
  return found == losses_.end() ? kNan : found->second;
}

Grid<double> Ledger::grid(const std::vector<std::string>& specs,
                          const std::vector<std::string>& pieces) const {
  Grid<double> grid(specs.size(), pieces.size(), kNan);
  for (size_t spec = 0; spec < specs.size(); ++spec)
    for (size_t piece = 0; piece < pieces.size(); ++piece)
      grid(spec, piece) = at(specs[spec], pieces[piece]);
  return grid;
}

TuneSearch::TuneSearch(const TunePlan& plan, const Session& session, TuneSettings& settings,
                       TuneFile& file)
    : plan_(plan), session_(session), settings_(settings), file_(file), baseline_(plan.baseline) {
  take_over();
}

void TuneSearch::take_over() {
  if (plan_.output.empty()) return;
  fs::path part = plan_.output;
  part += ".part";
  const Unfinished unfinished = unfinished_part(plan_.output, "dendrokv-tune");
  if (unfinished == Unfinished::Damaged)
    session_.note("tune: nothing is taken over from " + part.string() + ": it is damaged");
  if (unfinished != Unfinished::There) return;
  const TuneFile before = read_tune(part, Incomplete::TakeWhatIsThere);
  if (before.model_sha256 != file_.model_sha256 || before.arithmetic != file_.arithmetic ||
      before.objective != file_.objective || before.pieces_sha256 != file_.pieces_sha256)
    return;
  ledger_.take_over(before);
  session_.note("tune: " + std::to_string(ledger_.size()) + " losses are taken over from " +
                part.string());
}

bool TuneSearch::run(TuneBench& bench, TuneBench& held_out) {
  try {
    search(bench);
    decide(held_out);
  } catch (const Stopped&) {
    return false;
  }
  file_.settings = settings_.specs();
  file_.lane_budgets = settings_.lane_budgets();
  file_.loss = ledger_.grid(file_.settings, file_.pieces);
  const auto known = [](double loss) { return !std::isnan(loss); };
  file_.cost = static_cast<uint64_t>(std::ranges::count_if(file_.loss.all(), known) +
                                     std::ranges::count_if(file_.held_out_loss.all(), known));
  return true;
}

std::vector<double> TuneSearch::measure(TuneBench& bench, const std::vector<std::string>& names,
                                        std::span<const size_t> settings, size_t piece,
                                        const Progress& progress) {
  std::vector<PolicyChoice> unknown;
  std::vector<std::string> specs;
  for (const size_t setting : settings) {
    const std::string& spec = settings_.specs()[setting];
    if (ledger_.has(spec, names[piece])) continue;
    specs.push_back(spec);
    unknown.push_back(settings_.policy(setting));
  }
  std::vector<double> losses(unknown.size(), kNan);
  if (!unknown.empty()) {
    if (!bench.measure(unknown, piece, progress, losses)) throw Stopped{};
    for (size_t i = 0; i < specs.size(); ++i) ledger_.set(specs[i], names[piece], losses[i]);
    save();
  }
  std::vector<double> all;
  for (const size_t setting : settings)
    all.push_back(ledger_.at(settings_.specs()[setting], names[piece]));
  return all;
}

/// Throws Stopped.
Grid<double> TuneSearch::measure_all(TuneBench& bench, const std::vector<std::string>& names,
                                     std::span<const size_t> settings, const std::string& work) {
  Grid<double> all(settings.size(), names.size());
  ProgressLine line(work, "pieces", session_.verbosity);
  for (size_t piece = 0; piece < names.size(); ++piece) {
    const auto progress = [&](uint64_t, uint64_t) { return line.update(piece, names.size()); };
    const std::vector<double> losses = measure(bench, names, settings, piece, progress);
    for (size_t i = 0; i < losses.size(); ++i) all(i, piece) = losses[i];
  }
  line.clear();
  return all;
}

void TuneSearch::save() {
  if (plan_.output.empty()) return;
  TuneFile part = file_;
  part.complete = false;
  part.settings = settings_.specs();
  part.lane_budgets = settings_.lane_budgets();
  part.pieces.insert(part.pieces.end(), part.held_out_pieces.begin(), part.held_out_pieces.end());
  part.loss = ledger_.grid(part.settings, part.pieces);
  part.held_out_pieces.clear();
  part.held_out_loss = {};
  part.finalists.clear();
  write_tune(plan_.output, part);
}

void TuneSearch::search(TuneBench& bench) {
  file_.pieces = bench.names();
  const size_t count = settings_.size(), pieces = file_.pieces.size();
  ProgressLine line("tune", "settings x pieces", session_.verbosity);
  const uint64_t expected = plan_.method == "grid" ? count * pieces : count * pieces / 4;
  uint64_t done = 0;
  const MeasurePiece piece = [&](std::span<const size_t> settings, size_t number,
                                 std::span<double> losses) {
    const auto progress = [&](uint64_t part, uint64_t whole) {
      return line.update(done + settings.size() * part / std::max<uint64_t>(whole, 1),
                         std::max(expected, done));
    };
    std::ranges::copy(measure(bench, file_.pieces, settings, number, progress), losses.begin());
    done += settings.size();
    tell_best(settings, number, line);
    return true;
  };
  const HalvingOptions options{.first_pieces = std::max<size_t>(1, pieces / 16)};
  const Search found = plan_.method == "grid" ? grid_search(count, pieces, piece)
                                              : successive_halving(count, pieces, options, piece);
  best_ = found.best;
  line.clear();
  search_locally(bench);
  measure_gain(bench);
}

/// The best so far, over the pieces that all of `settings` have been measured on.
void TuneSearch::tell_best(std::span<const size_t> settings, size_t piece,
                           ProgressLine& line) const {
  size_t best = settings[0];
  double least = std::numeric_limits<double>::infinity();
  for (const size_t setting : settings) {
    double sum = 0;
    for (size_t i = 0; i <= piece; ++i)
      sum += ledger_.at(settings_.specs()[setting], file_.pieces[i]);
    const double mean = sum / static_cast<double>(piece + 1);
    if (mean >= least) continue;
    least = mean;
    best = setting;
  }
  line.clear();
  session_.note("tune: piece " + std::to_string(piece + 1) + " of " +
                std::to_string(file_.pieces.size()) + ", " + std::to_string(settings.size()) +
                " settings, best so far " + settings_.name(best) + " at " + significant(least));
}

/// Between the best and its neighbours, on all pieces, while that finds something better.
void TuneSearch::search_locally(TuneBench& bench) {
  for (uint64_t round = 0; round < plan_.local; ++round) {
    std::vector<size_t> candidates = settings_.add_between(best_);
    if (candidates.empty()) return;
    candidates.insert(candidates.begin(), best_);
    const Grid<double> losses =
        measure_all(bench, file_.pieces, candidates, "tune: between neighbours");
    std::vector<double> sums(candidates.size());
    for (size_t i = 0; i < sums.size(); ++i)
      sums[i] = std::accumulate(losses.row(i).begin(), losses.row(i).end(), 0.0);
    const size_t winner =
        candidates[static_cast<size_t>(std::ranges::min_element(sums) - sums.begin())];
    if (winner == best_) return;
    best_ = winner;
  }
}

/// The winner and the baseline on all pieces: what the choice seems to gain, beside what it does
/// gain.
void TuneSearch::measure_gain(TuneBench& bench) {
  const std::vector<size_t> both{settings_.add_baseline(baseline_), best_};
  measure_all(bench, file_.pieces, both, "tune: winner and baseline");
}

/// The baseline, the winner, and the settings that came next.
std::vector<size_t> TuneSearch::finalists() {
  const size_t baseline = settings_.add_baseline(baseline_);
  std::vector<size_t> next(settings_.size()), chosen{baseline};
  std::iota(next.begin(), next.end(), size_t{0});
  std::vector<std::pair<size_t, double>> rank;  // pieces it lasted for, and its loss there
  for (const std::string& spec : settings_.specs()) {
    double sum = 0;
    size_t count = 0;
    for (const std::string& piece : file_.pieces)
      if (ledger_.has(spec, piece)) {
        sum += ledger_.at(spec, piece);
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
    if (chosen.size() < plan_.finalists && setting != baseline && rank[setting].first > 0)
      chosen.push_back(setting);
  return chosen;
}

void TuneSearch::decide(TuneBench& bench) {
  file_.held_out_pieces = bench.names();
  const std::vector<size_t> chosen = finalists();
  file_.held_out_loss = measure_all(bench, file_.held_out_pieces, chosen, "tune: held-out");
  compare(chosen);
}

void TuneSearch::compare(const std::vector<size_t>& chosen) {
  for (size_t i = 0; i < chosen.size(); ++i) {
    const auto row = file_.held_out_loss.row(i);
    const Interval gain = paired_difference(row, file_.held_out_loss.row(0), file_.confidence);
    file_.finalists.push_back(static_cast<uint32_t>(chosen[i]));
    file_.mean.push_back(std::accumulate(row.begin(), row.end(), 0.0) /
                         static_cast<double>(row.size()));
    file_.difference.push_back(gain.mean);
    file_.lower.push_back(gain.lower);
    file_.upper.push_back(gain.upper);
  }
  const size_t winner = chosen.size() > 1 ? 1 : 0;
  file_.spec = settings_.specs()[chosen[file_.upper[winner] < 0 ? winner : 0]];
}

}  // namespace dendrokv
