#include "analysis/surrogates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numeric>
#include <utility>

#include "analysis/fft.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kSmoothRadius = 16;  // positions on either side
constexpr int kSurrogateSteps = 20;   // of IAAFT; the spectrum is met to a few per cent by then

std::vector<size_t> permutation(IndexRange usable, RandomStream& random) {
  std::vector<size_t> from(usable.count);
  std::iota(from.begin(), from.end(), usable.first);
  random.shuffle(std::span(from));
  return from;
}

void shuffle_values(Grid<float>&, Grid<float>& values, IndexRange usable, RandomStream& random) {
  const std::vector<size_t> from = permutation(usable, random);
  const Grid<float> before = values;
  for (size_t i = 0; i < usable.count; ++i)
    std::ranges::copy(before.row(from[i]), values.row(usable.first + i).begin());
}

void shuffle_weights(Grid<float>& weights, Grid<float>&, IndexRange usable, RandomStream& random) {
  const std::vector<size_t> from = permutation(usable, random);
  const Grid<float> before = weights;
  for (size_t head = 0; head < weights.rows(); ++head)
    for (size_t i = 0; i < usable.count; ++i)
      weights(head, usable.first + i) = before(head, from[i]);
}

void reverse_values(Grid<float>&, Grid<float>& values, IndexRange usable, RandomStream&) {
  for (size_t i = 0; i < usable.count / 2; ++i)
    std::swap_ranges(values.row(usable.first + i).begin(), values.row(usable.first + i).end(),
                     values.row(usable.first + usable.count - 1 - i).begin());
}

void smooth_weights(Grid<float>& weights, Grid<float>&, IndexRange usable, RandomStream&) {
  for (size_t head = 0; head < weights.rows(); ++head) {
    const auto row = weights.row(head).subspan(usable.first, usable.count);
    const std::vector<float> before(row.begin(), row.end());
    for (size_t i = 0; i < usable.count; ++i) {
      const size_t low = i - std::min(i, kSmoothRadius),
                   high = std::min(i + kSmoothRadius + 1, usable.count);
      // Each sum anew: differences of running sums lose small weights behind a large one.
      double sum = 0;
      for (size_t k = low; k < high; ++k) sum += double{before[k]};
      row[i] = static_cast<float>(sum / static_cast<double>(high - low));
    }
  }
}

/// Mean of the rows, and the lower triangle L of covariance = L L'. A channel that others determine
/// gets a zero column.
struct Normal {
  std::vector<double> mean;
  Grid<double> factor;
};

Normal fitted(const Grid<float>& values, IndexRange usable) {
  const size_t channels = values.cols();
  Normal normal{std::vector<double>(channels), Grid<double>(channels, channels)};
  const auto count = static_cast<double>(usable.count);
  for (size_t i = 0; i < usable.count; ++i)
    for (size_t c = 0; c < channels; ++c)
      normal.mean[c] += double{values(usable.first + i, c)} / count;
  Grid<double>& covariance = normal.factor;
  for (size_t i = 0; i < usable.count; ++i)
    for (size_t a = 0; a < channels; ++a)
      for (size_t b = 0; b <= a; ++b)
        covariance(a, b) += (double{values(usable.first + i, a)} - normal.mean[a]) *
                            (double{values(usable.first + i, b)} - normal.mean[b]) / count;
  for (size_t b = 0; b < channels; ++b) {
    const double whole = covariance(b, b);
    for (size_t k = 0; k < b; ++k) covariance(b, b) -= covariance(b, k) * covariance(b, k);
    const bool determined = covariance(b, b) <= 1e-12 * whole;
    covariance(b, b) = determined ? 0 : std::sqrt(covariance(b, b));
    for (size_t a = b + 1; a < channels; ++a) {
      for (size_t k = 0; k < b; ++k) covariance(a, b) -= covariance(a, k) * covariance(b, k);
      covariance(a, b) = determined ? 0 : covariance(a, b) / covariance(b, b);
    }
  }
  return normal;
}

void gaussian_values(Grid<float>&, Grid<float>& values, IndexRange usable, RandomStream& random) {
  const Normal normal = fitted(values, usable);
  std::vector<double> draw(values.cols());
  for (size_t i = 0; i < usable.count; ++i) {
    for (double& number : draw) number = random.normal();
    for (size_t c = 0; c < values.cols(); ++c) {
      double sum = normal.mean[c];
      for (size_t k = 0; k <= c; ++k) sum += normal.factor(c, k) * draw[k];
      values(usable.first + i, c) = static_cast<float>(sum);
    }
  }
}

/// A series with the values of `series` and nearly its spectrum, in an order of its own (Schreiber
/// and Schmitz 1996).
void iaaft(std::vector<double>& series, RandomStream& random) {
  const size_t length = series.size();
  if (length < 4) return;  // no spectrum to keep
  const Fourier<double> fourier(length);
  const FourierBuffer<double> time(length);
  const FourierBuffer<std::complex<double>> frequency(length / 2 + 1);
  std::vector<double> sorted = series, target(length / 2 + 1);
  std::ranges::sort(sorted);
  std::ranges::copy(series, time.data());
  fourier.forward(time, frequency);
  for (size_t k = 0; k < target.size(); ++k) target[k] = std::abs(frequency[k]);
  random.shuffle(std::span(series));
  std::vector<size_t> order(length);
  for (int step = 0; step < kSurrogateSteps; ++step) {
    std::ranges::copy(series, time.data());
    fourier.forward(time, frequency);
    for (size_t k = 0; k < target.size(); ++k) {
      const double size = std::abs(frequency[k]);
      frequency[k] = size > 0 ? frequency[k] * (target[k] / size) : std::complex<double>(target[k]);
    }
    fourier.inverse(frequency, time);
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t i) { return time[i]; });
    for (size_t rank = 0; rank < length; ++rank) series[order[rank]] = sorted[rank];
  }
}

void iaaft_values(Grid<float>&, Grid<float>& values, IndexRange usable, RandomStream& random) {
  std::vector<double> series(usable.count);
  for (size_t c = 0; c < values.cols(); ++c) {
    for (size_t i = 0; i < usable.count; ++i) series[i] = double{values(usable.first + i, c)};
    iaaft(series, random);
    for (size_t i = 0; i < usable.count; ++i)
      values(usable.first + i, c) = static_cast<float>(series[i]);
  }
}

constexpr std::array<Surrogate, 6> kTable = {{
    {"shuffle-values",
     "weights kept, value rows permuted: what the weights alone make of the values",
     ChangedPart::Values, DrawKind::Random, shuffle_values},
    {"gaussian-values",
     "weights kept, value rows drawn from a normal distribution of their mean and covariance",
     ChangedPart::Values, DrawKind::Random, gaussian_values},
    {"shuffle-weights", "values kept, weights permuted", ChangedPart::Weights, DrawKind::Random,
     shuffle_weights},
    {"smooth-weights", "values kept, each weight the mean of 33 around it", ChangedPart::Weights,
     DrawKind::Fixed, smooth_weights},
    {"reverse", "weights kept, value rows in reverse order", ChangedPart::Values, DrawKind::Fixed,
     reverse_values},
    {"iaaft",
     "weights kept, every value channel replaced by a series of the same numbers and spectrum",
     ChangedPart::Values, DrawKind::Random, iaaft_values},
}};

}  // namespace

std::span<const Surrogate> surrogate_table() {
  return kTable;
}

const Surrogate& find_surrogate(std::string_view name) {
  const auto found = std::ranges::find(kTable, name, &Surrogate::name);
  if (found != kTable.end()) return *found;
  std::vector<std::string_view> names;
  std::string all;
  for (const Surrogate& row : kTable) {
    names.push_back(row.name);
    all += (all.empty() ? "" : ", ") + std::string(row.name);
  }
  fail("null '" + std::string(name) + "'", "not known", "wanted one of " + all,
       did_you_mean(name, names));
}

}  // namespace dendrokv
