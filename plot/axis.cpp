#include "plot/axis.h"

// Ticks of a linear axis: the smallest step of 1, 2 or 5 times a power of ten that gives at most
// 3/2 of the wanted number. Of a log axis: whole powers of the base, thinned by a whole factor; an
// axis that holds fewer than two powers of ten falls back to 1, 2, 5 within a decade, then to
// linear ticks. Values are computed as whole multiples of the step, so that 0.30000000000000004
// never shows.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "data/error.h"

namespace dendrokv {
namespace {

double transform(ScaleKind kind, double data) {
  switch (kind) {
    case ScaleKind::Linear:
      return data;
    case ScaleKind::Log10:
      return std::log10(data);
    case ScaleKind::Log2:
      return std::log2(data);
  }
  return data;
}

double inverse(ScaleKind kind, double transformed) {
  switch (kind) {
    case ScaleKind::Linear:
      return transformed;
    case ScaleKind::Log10:
      return std::pow(10.0, transformed);
    case ScaleKind::Log2:
      return std::exp2(transformed);
  }
  return transformed;
}

struct Range {
  double low, high;
  bool contains(double value) const { return value >= low && value <= high; }
};

Range data_range(const Axis& axis) {
  return {std::min(axis.data_first, axis.data_last), std::max(axis.data_first, axis.data_last)};
}

/// `value` with `decimals` digits, without the sign of a negative zero.
std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value == 0 ? 0.0 : value);
  return text;
}

int decade(double value) {
  return static_cast<int>(std::floor(std::log10(std::abs(value)) + 1e-9));
}

/// "3e-4", "2.15e-3": as many digits as the step `finest` needs, no trailing zeros.
std::string scientific(double value, double finest) {
  const int exponent = decade(value);
  std::string mantissa =
      fixed(value / std::pow(10.0, exponent), std::max(0, exponent - decade(finest)));
  if (mantissa.find('.') != std::string::npos) {
    mantissa.erase(mantissa.find_last_not_of('0') + 1);
    if (mantissa.back() == '.') mantissa.pop_back();
  }
  return mantissa + "e" + std::to_string(exponent);
}

/// One label style for a whole axis, from its step (or smallest value) and its largest value.
std::function<std::string(double)> labeller(double finest, double largest) {
  if (largest >= 1e6 || (largest > 0 && largest < 1e-2))
    return [finest](double value) {
      return value == 0 ? std::string("0") : scientific(value, finest);
    };
  const int decimals = std::max(0, -decade(finest));
  return [decimals](double value) { return fixed(value, decimals); };
}

std::vector<Tick> linear_ticks(Range range, int wanted) {
  const double span = range.high - range.low;
  if (!(span > 0)) return {{range.low, labeller(1, std::abs(range.low))(range.low)}};
  const double most = 1.5 * wanted;
  const double power = std::pow(10.0, std::floor(std::log10(span / most)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = factor * power;
    if (span / step <= most) break;
  }
  const auto label = labeller(step, std::max(std::abs(range.low), std::abs(range.high)));
  // A hair beyond the ends, so that an end which is a multiple of the step up to rounding counts.
  const double slack = 1e-9;
  std::vector<Tick> found;
  for (double count = std::ceil(range.low / step - slack); count <= range.high / step + slack;
       ++count) {
    const double value = std::clamp(count * step, range.low, range.high);
    found.push_back({value, label(value)});
  }
  return found;
}

/// Powers of the base inside the range, every k-th so that at most 3/2 of `wanted` stay.
std::vector<double> powers(ScaleKind kind, Range range, int wanted) {
  const int first = static_cast<int>(std::ceil(transform(kind, range.low) - 1e-9));
  const int last = static_cast<int>(std::floor(transform(kind, range.high) + 1e-9));
  const int most = std::max(1, wanted * 3 / 2);
  const int every = std::max(1, (last - first + most) / most);
  std::vector<double> values;
  for (int exponent = first; exponent <= last; ++exponent)
    if (exponent % every == 0)
      values.push_back(std::clamp(inverse(kind, exponent), range.low, range.high));
  return values;
}

std::vector<double> one_two_five(Range range) {
  std::vector<double> values;
  const int first = static_cast<int>(std::floor(std::log10(range.low)));
  const int last = static_cast<int>(std::ceil(std::log10(range.high)));
  for (int exponent = first; exponent <= last; ++exponent)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10.0, exponent);
      if (range.contains(value)) values.push_back(value);
    }
  return values;
}

std::vector<Tick> log_ticks(ScaleKind kind, Range range, int wanted) {
  std::vector<double> values = powers(kind, range, wanted);
  if (kind == ScaleKind::Log10 && values.size() < 3 && range.high / range.low < 1e3) {
    const std::vector<double> finer = one_two_five(range);
    if (finer.size() <= static_cast<size_t>(2 * wanted)) values = finer;
  }
  if (values.size() < 2) return linear_ticks(range, wanted);
  const auto label = labeller(std::min(values.front(), 1.0), values.back());
  const bool wide = values.back() / values.front() > 1e4 || values.front() < 1e-2;
  std::vector<Tick> found;
  for (const double value : values)
    found.push_back(
        {value, wide && kind == ScaleKind::Log10 ? scientific(value, value) : label(value)});
  return found;
}

}  // namespace

bool has_place(double value, ScaleKind scale) {
  return std::isfinite(value) && (scale == ScaleKind::Linear || value > 0);
}

double Axis::pixel(double data_value) const {
  const double first = transform(kind, data_first), last = transform(kind, data_last);
  const double fraction =
      last == first ? 0 : (transform(kind, data_value) - first) / (last - first);
  return pixel_first + fraction * (pixel_last - pixel_first);
}

double Axis::data(double pixel_value) const {
  const double first = transform(kind, data_first), last = transform(kind, data_last);
  const double fraction =
      pixel_last == pixel_first ? 0 : (pixel_value - pixel_first) / (pixel_last - pixel_first);
  return inverse(kind, first + fraction * (last - first));
}

std::vector<Tick> ticks(const Axis& axis, int wanted) {
  DENDROKV_ASSERT(wanted >= 1);
  const Range range = data_range(axis);
  if (axis.kind == ScaleKind::Linear) return linear_ticks(range, wanted);
  DENDROKV_ASSERT(range.low > 0);
  return log_ticks(axis.kind, range, wanted);
}

std::vector<Tick> binary_ticks(const Axis& axis, int wanted) {
  DENDROKV_ASSERT(wanted >= 1);
  const Range range = data_range(axis);
  double step = 1;
  while ((range.high - range.low) / step > 1.5 * wanted) step *= 2;
  std::vector<Tick> found;
  for (double count = std::ceil(range.low / step); count * step <= range.high; ++count)
    found.push_back({count * step, fixed(count * step, 0)});
  return found;
}

}  // namespace dendrokv
