#include "gui/value_scale.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace dendrokv {
namespace {

double shaped(const ValueScale& scale, double value) {
  switch (scale.shape) {
    case ScaleShape::Linear:
      return value;
    case ScaleShape::Asinh:
      return std::asinh(value / scale.knee);
    case ScaleShape::Log:
      return std::log(value);
  }
  return value;
}

double unshaped(const ValueScale& scale, double value) {
  switch (scale.shape) {
    case ScaleShape::Linear:
      return value;
    case ScaleShape::Asinh:
      return std::sinh(value) * scale.knee;
    case ScaleShape::Log:
      return std::exp(value);
  }
  return value;
}

/// Value below which `fraction` of the values lie; they are put in order up to there.
float quantile(std::vector<float>& values, double fraction) {
  const size_t place = static_cast<size_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(place), values.end());
  return values[place];
}

void count_clipped(ValueScale& scale, std::span<const float> values) {
  const double count = static_cast<double>(values.size());
  const auto share = [&](auto outside) {
    return static_cast<double>(std::count_if(values.begin(), values.end(), outside)) / count;
  };
  scale.clipped_below = share([&](float value) { return double{value} < scale.low; });
  scale.clipped_above = share([&](float value) { return double{value} > scale.high; });
}

}  // namespace

std::string scale_shape_name(ScaleShape shape) {
  switch (shape) {
    case ScaleShape::Linear:
      return "linear";
    case ScaleShape::Asinh:
      return "asinh";
    case ScaleShape::Log:
      return "log";
  }
  return {};
}

double ValueScale::fraction(double wanted) const {
  const double first = shaped(*this, low), last = shaped(*this, high);
  if (!(last > first)) return 0;
  return std::clamp((shaped(*this, std::clamp(wanted, low, high)) - first) / (last - first), 0.0,
                    1.0);
}

double ValueScale::value(double wanted) const {
  const double first = shaped(*this, low), last = shaped(*this, high);
  return unshaped(*this, first + wanted * (last - first));
}

ValueScale asinh_scale(std::vector<float> values) {
  std::erase_if(values, [](float value) { return !std::isfinite(value) || value < 0; });
  ValueScale scale{.shape = ScaleShape::Asinh};
  if (values.empty()) return scale;
  const double high = quantile(values, 0.995);
  if (!(high > 0)) return scale;
  scale.high = high;
  // Below a ten-thousandth of the top the bar would be all logarithm: nothing there is worth a
  // colour.
  scale.knee = std::max<double>(quantile(values, 0.5), high * 1e-4);
  count_clipped(scale, values);
  return scale;
}

ValueScale log_scale(std::vector<float> values) {
  std::erase_if(values, [](float value) { return !std::isfinite(value) || value <= 0; });
  ValueScale scale{.shape = ScaleShape::Log, .low = 0.5, .high = 2};
  if (values.empty()) return scale;
  const double low = quantile(values, 0.03), high = quantile(values, 0.97);
  if (high > low) {
    scale.low = low;
    scale.high = high;
  } else {
    scale.low = low / 2;
    scale.high = low * 2;
  }
  count_clipped(scale, values);
  return scale;
}

ValueScale linear_scale(std::vector<float> values) {
  std::erase_if(values, [](float value) { return !std::isfinite(value); });
  ValueScale scale;
  if (values.empty()) return scale;
  scale.low = std::min(0.0, double{*std::min_element(values.begin(), values.end())});
  const double high = quantile(values, 0.995);
  if (high > scale.low) scale.high = high;
  count_clipped(scale, values);
  return scale;
}

ValueScale scale_of(ScaleShape shape, std::vector<float> values) {
  switch (shape) {
    case ScaleShape::Linear:
      return linear_scale(std::move(values));
    case ScaleShape::Asinh:
      return asinh_scale(std::move(values));
    case ScaleShape::Log:
      return log_scale(std::move(values));
  }
  return {};
}

std::vector<Tick> scale_ticks(const ValueScale& scale, int wanted) {
  if (scale.shape == ScaleShape::Linear)
    return ticks({ScaleKind::Linear, scale.low, scale.high, 0, 1}, wanted);
  const double low =
      scale.shape == ScaleShape::Asinh ? std::min(scale.knee, scale.high / 10) : scale.low;
  std::vector<Tick> found;
  if (scale.shape == ScaleShape::Asinh) found.push_back({0, "0"});
  for (const Tick& tick : ticks({ScaleKind::Log10, low, scale.high, 0, 1}, wanted))
    found.push_back(tick);
  return found;
}

std::string short_number(double value) {
  if (!std::isfinite(value)) return "none";
  char text[32];
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 1e-3 && size < 1e5) {
    // From here on %g would change to an exponent.
    std::snprintf(text, sizeof text, size < 999.5 ? "%.3g" : "%.0f", value);
    return text;
  }
  std::snprintf(text, sizeof text, "%.2e", value);
  std::string number = text;
  // "1.20e-04" becomes "1.20e-4".
  const size_t exponent = number.find('e');
  size_t digit = exponent + 1;
  if (number[digit] == '+') number.erase(digit, 1);
  if (number[digit] == '-') ++digit;
  while (number.size() > digit + 1 && number[digit] == '0') number.erase(digit, 1);
  return number;
}

}  // namespace dendrokv
