#include "analysis/continuous_wavelets.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <numbers>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr double kPi = std::numbers::pi;

struct FamilyRow {
  ContinuousRow row;
  ContinuousFamily family;
  double parameter, gamma;  // defaults
  double lowest;            // of the parameter
};

// clang-format off
constexpr std::array kTable{
    FamilyRow{{"morlet", "a wave under a Gaussian", "w0, at least 5 (6)"}, ContinuousFamily::Morlet, 6, 3, 5},
    FamilyRow{{"paul", "short in time, wide in frequency", "m, 1 to 40 (4)"}, ContinuousFamily::Paul, 4, 3, 1},
    FamilyRow{{"dog", "derivative of a Gaussian, real", "m, 1 to 40 (2)"}, ContinuousFamily::Dog, 2, 3, 1},
    FamilyRow{{"morse", "generalised Morse", "beta,gamma (20,3)"}, ContinuousFamily::Morse, 20, 3, 0.5},
};
// clang-format on

/// Torrence and Compo's table 2, to its digits, so that reconstructions agree with theirs; the
/// integral gives 0.778, 1.133, 3.616 and 1.929, theirs is a finite sum over scales.
struct Published {
  ContinuousFamily family;
  double parameter, reconstruction, at_zero;
};
const std::array kPublished{
    Published{ContinuousFamily::Morlet, 6, 0.776, std::pow(kPi, -0.25)},
    Published{ContinuousFamily::Paul, 4, 1.132, 1.079},
    Published{ContinuousFamily::Dog, 2, 3.541, 0.867},
    Published{ContinuousFamily::Dog, 6, 1.966, 0.884},
};
const Published* published(const ContinuousWavelet& wavelet) {
  for (const Published& row : kPublished)
    if (row.family == wavelet.family && row.parameter == wavelet.parameter) return &row;
  return nullptr;
}

const FamilyRow& row_of(ContinuousFamily family) {
  return kTable[static_cast<size_t>(family)];
}

/// Simpson's rule; the integrands vanish at both ends.
double integral(const std::function<double(double)>& f, double from, double to) {
  constexpr int kSteps = 20'000;
  const double h = (to - from) / kSteps;
  double sum = f(from) + f(to);
  for (int i = 1; i < kSteps; ++i) sum += (i % 2 ? 4 : 2) * f(from + h * i);
  return sum * h / 3;
}

double power_of(double base, double exponent) {
  return exponent == 0 ? 1 : std::exp(exponent * std::log(base));
}

}  // namespace

std::string ContinuousWavelet::name() const {
  const auto plain = [](double number) {
    std::string text = std::to_string(number);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text;
  };
  std::string text = std::string(row_of(family).row.name) + ":" + plain(parameter);
  if (family == ContinuousFamily::Morse) text += "," + plain(gamma);
  return text;
}

double ContinuousWavelet::amplitude(double u) const {
  if (is_real()) {
    const double scale = 1 / std::sqrt(std::tgamma(parameter + 0.5));
    return scale * std::pow(u, parameter) * std::exp(-u * u / 2);
  }
  if (u <= 0) return 0;
  switch (family) {
    case ContinuousFamily::Morlet:
      return std::pow(kPi, -0.25) * std::exp(-(u - parameter) * (u - parameter) / 2);
    case ContinuousFamily::Paul: {
      const double log_scale =
          parameter * std::numbers::ln2 - 0.5 * (std::log(parameter) + std::lgamma(2 * parameter));
      return std::exp(log_scale + parameter * std::log(u) - u);
    }
    default: {
      const double r = (2 * parameter + 1) / gamma;
      const double log_square = std::log(gamma) + r * std::numbers::ln2 - std::lgamma(r);
      return std::exp(log_square / 2 + parameter * std::log(u) - power_of(u, gamma));
    }
  }
}

std::complex<double> ContinuousWavelet::phase() const {
  if (!is_real()) return 1;
  constexpr std::array<std::complex<double>, 4> kPowers = {{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}};
  return -kPowers[static_cast<size_t>(parameter) % 4];
}

double ContinuousWavelet::peak() const {
  switch (family) {
    case ContinuousFamily::Paul:
      return parameter;
    case ContinuousFamily::Dog:
      return std::sqrt(parameter);
    case ContinuousFamily::Morse:
      return std::pow(parameter / gamma, 1 / gamma);
    default:
      return parameter;
  }
}

ContinuousWavelet::Support ContinuousWavelet::support(double fraction) const {
  const double least = std::abs(amplitude(peak())) * fraction;
  const auto edge = [&](double inside, double outside) {
    for (int i = 0; i < 60; ++i) {
      const double middle = (inside + outside) / 2;
      (std::abs(amplitude(middle)) >= least ? inside : outside) = middle;
    }
    return outside;
  };
  double far = 2 * peak();
  while (std::abs(amplitude(far)) >= least) far *= 2;
  return {edge(peak(), 0), edge(peak(), far)};
}

double ContinuousWavelet::period() const {
  switch (family) {
    case ContinuousFamily::Morlet:
      return 4 * kPi / (parameter + std::sqrt(2 + parameter * parameter));
    case ContinuousFamily::Paul:
      return 4 * kPi / (2 * parameter + 1);
    case ContinuousFamily::Dog:
      return 2 * kPi / std::sqrt(parameter + 0.5);
    default:  // s psi^(s w)^2 is largest where u^(2 beta + 1) exp(-2 u^gamma) is
      return 2 * kPi / std::pow((parameter + 0.5) / gamma, 1 / gamma);
  }
}

double ContinuousWavelet::e_folding() const {
  switch (family) {
    case ContinuousFamily::Paul:
      return std::numbers::sqrt2 / 2;
    case ContinuousFamily::Morse:  // as the Gaussian of the same curvature at the peak
      return std::numbers::sqrt2 * std::sqrt(parameter * gamma) / peak();
    default:
      return std::numbers::sqrt2;
  }
}

// Paul: |psi| is that of |1 - i t|^-(m + 1). DOG: a Hermite polynomial, behind its zeros below t^m,
// under a Gaussian; its largest value is about (m - 1)!!. Morse: a Gaussian, then the tail that the
// corner of u^beta at 0 gives, Gamma(beta + 1) / t^(beta + 1).
double ContinuousWavelet::half_width(double fraction) const {
  const double fall = -std::log(fraction), gaussian = e_folding() * std::sqrt(fall);
  switch (family) {
    case ContinuousFamily::Paul:
      return std::sqrt(std::expm1(2 * fall / (parameter + 1)));
    case ContinuousFamily::Dog: {
      const double peak_log = parameter / 2 * std::numbers::ln2 + std::lgamma((parameter + 1) / 2) -
                              0.5 * std::log(kPi);
      double t = gaussian;
      for (int i = 0; i < 50; ++i) t = std::sqrt(2 * (fall + parameter * std::log(t) - peak_log));
      return t;
    }
    case ContinuousFamily::Morse: {
      const double order = parameter + 1;
      const double tail = std::lgamma(order) + std::log(gamma) - std::lgamma(order / gamma) + fall;
      return std::max(gaussian, std::exp(tail / order));
    }
    default:
      return gaussian;
  }
}

double ContinuousWavelet::at_zero() const {
  if (const Published* row = published(*this)) return row->at_zero;
  const Support wide = support(1e-14);
  const double one_side =
      integral([&](double u) { return amplitude(u); }, wide.low, wide.high) / std::sqrt(2 * kPi);
  return is_real() ? 2 * one_side * phase().real() : one_side;
}

/// C_delta = pi / (psi(0) sqrt(2 pi) ln 2) * integral of psi^(u) / u: the sum over scales of
/// equation 13 as an integral.
double ContinuousWavelet::reconstruction() const {
  if (const Published* row = published(*this)) return row->reconstruction;
  const Support wide = support(1e-14);
  const double one_side =
      integral([&](double u) { return u > 0 ? amplitude(u) / u : 0; }, wide.low, wide.high);
  const double both = is_real() ? 2 * one_side * phase().real() : one_side;
  return kPi / (at_zero() * std::sqrt(2 * kPi) * std::numbers::ln2) * both;
}

ContinuousWavelet parse_continuous_wavelet(std::string_view text) {
  const std::string_view name = text.substr(0, text.find(':'));
  std::vector<std::string_view> names;
  for (const FamilyRow& row : kTable) names.push_back(row.row.name);
  const auto found = std::ranges::find(names, name);
  if (found == names.end())
    fail("wavelet '" + std::string(text) + "'", "not known", "wanted morlet, paul, dog or morse",
         did_you_mean(name, names));
  const FamilyRow& row = kTable[static_cast<size_t>(found - names.begin())];
  ContinuousWavelet wavelet{row.family, row.parameter, row.gamma};
  if (name.size() == text.size()) return wavelet;
  std::string_view rest = text.substr(name.size() + 1);
  const auto number = [&](double& value) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc{}) return false;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    return true;
  };
  bool good =
      number(wavelet.parameter) && wavelet.parameter >= row.lowest && wavelet.parameter <= 200;
  if (good && !rest.empty() && row.family == ContinuousFamily::Morse && rest[0] == ',') {
    rest.remove_prefix(1);
    good = number(wavelet.gamma) && wavelet.gamma >= 1 && wavelet.gamma <= 10;
  }
  const bool whole = row.family == ContinuousFamily::Paul || row.family == ContinuousFamily::Dog;
  if (whole)
    good = good && wavelet.parameter == std::floor(wavelet.parameter) && wavelet.parameter <= 40;
  if (!good || !rest.empty())
    fail("wavelet '" + std::string(text) + "'", "parameters out of range",
         "wanted " + std::string(row.row.name) + ":" + std::string(row.row.parameters));
  return wavelet;
}

std::vector<ContinuousRow> continuous_wavelets() {
  std::vector<ContinuousRow> rows;
  for (const FamilyRow& row : kTable) rows.push_back(row.row);
  return rows;
}

}  // namespace dendrokv
