#include "analysis/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/distributions.h"

namespace dendrokv {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Search empty_search(size_t settings, size_t pieces) {
  Search search;
  search.losses = Grid<double>(settings, pieces, kNan);
  search.measured.assign(settings, 0);
  return search;
}

/// False when it was stopped.
bool measure_piece(Search& search, std::span<const size_t> settings, size_t piece,
                   const MeasurePiece& measure) {
  std::vector<double> losses(settings.size(), kNan);
  if (!measure(settings, piece, losses)) {
    search.stopped = true;
    return false;
  }
  for (size_t i = 0; i < settings.size(); ++i) {
    search.losses(settings[i], piece) = losses[i];
    ++search.measured[settings[i]];
  }
  search.cost += settings.size();
  return true;
}

/// Over the first `pieces` pieces.
double mean_loss(const Search& search, size_t setting, size_t pieces) {
  const auto row = search.losses.row(setting).first(pieces);
  return std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(pieces);
}

/// Sorts by mean loss over the first `pieces` pieces, of equals the first setting first.
void sort_by_loss(const Search& search, size_t pieces, std::vector<size_t>& settings) {
  std::ranges::stable_sort(settings, [&](size_t one, size_t other) {
    return mean_loss(search, one, pieces) < mean_loss(search, other, pieces);
  });
}

/// The better half of sorted settings, without those that are worse than the first beyond doubt.
void drop_settings(const Search& search, size_t pieces, const HalvingOptions& options,
                   std::vector<size_t>& alive) {
  alive.resize((alive.size() + 1) / 2);
  if (pieces < options.fewest_pieces) return;
  const auto best = search.losses.row(alive[0]).first(pieces);
  const auto worse = [&](size_t setting) {
    if (setting == alive[0]) return false;
    return paired_difference(search.losses.row(setting).first(pieces), best, options.confidence)
               .lower > 0;
  };
  const size_t first = alive[0];
  std::erase_if(alive, [&](size_t setting) { return setting != first && worse(setting); });
}

}  // namespace

Search grid_search(size_t settings, size_t pieces, const MeasurePiece& measure) {
  Search search = empty_search(settings, pieces);
  std::vector<size_t> all(settings);
  std::iota(all.begin(), all.end(), size_t{0});
  size_t piece = 0;
  while (piece < pieces && measure_piece(search, all, piece, measure)) ++piece;
  if (piece > 0) sort_by_loss(search, piece, all);
  search.best = all[0];
  return search;
}

Search successive_halving(size_t settings, size_t pieces, const HalvingOptions& options,
                          const MeasurePiece& measure) {
  Search search = empty_search(settings, pieces);
  std::vector<size_t> alive(settings);
  std::iota(alive.begin(), alive.end(), size_t{0});
  size_t piece = 0;
  for (size_t wanted = options.first_pieces; alive.size() > 1 && piece < pieces; wanted *= 2) {
    const size_t end = std::min(wanted, pieces);
    while (piece < end && measure_piece(search, alive, piece, measure)) ++piece;
    if (piece == 0) break;
    sort_by_loss(search, piece, alive);
    if (search.stopped || piece == pieces) break;
    drop_settings(search, piece, options, alive);
  }
  search.best = alive[0];
  return search;
}

Interval paired_difference(std::span<const double> a, std::span<const double> b,
                           double confidence) {
  std::vector<double> differences;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (!std::isnan(a[i]) && !std::isnan(b[i])) differences.push_back(a[i] - b[i]);
  const auto count = static_cast<double>(differences.size());
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (differences.empty()) return {kNan, -kInfinity, kInfinity};
  const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) / count;
  if (differences.size() < 2) return {mean, -kInfinity, kInfinity};
  double squares = 0;
  for (const double difference : differences) squares += (difference - mean) * (difference - mean);
  const double half =
      student_quantile(count - 1, (1 + confidence) / 2) * std::sqrt(squares / (count - 1) / count);
  return {mean, mean - half, mean + half};
}

}  // namespace dendrokv
