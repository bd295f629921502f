#include "cli/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace dendrokv {

std::string significant(double number) {
  if (!std::isfinite(number)) return "-";
  const double size = std::abs(number);
  const int whole_digits = size < 1e-12 ? 1 : static_cast<int>(std::floor(std::log10(size))) + 1;
  const int decimals = std::clamp(3 - whole_digits, 0, 12);
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, number);
  return text;
}

std::string bytes_text(uint64_t bytes) {
  constexpr std::array kUnits{"bytes", "kB", "MB", "GB", "TB", "PB"};
  double size = static_cast<double>(bytes);
  size_t unit = 0;
  while (size >= 1000 && unit + 1 < kUnits.size()) {
    size /= 1000;
    ++unit;
  }
  return (unit == 0 ? std::to_string(bytes) : significant(size)) + " " + kUnits[unit];
}

TextTable& TextTable::row(std::vector<std::string> cells) {
  rows_.push_back(std::move(cells));
  return *this;
}

std::string TextTable::text(size_t indent) const {
  std::vector<size_t> widths;
  for (const auto& cells : rows_)
    for (size_t column = 0; column < cells.size(); ++column) {
      widths.resize(std::max(widths.size(), column + 1));
      widths[column] = std::max(widths[column], cells[column].size());
    }
  std::string text;
  for (const auto& cells : rows_) {
    std::string line(indent, ' ');
    for (size_t column = 0; column < cells.size(); ++column) {
      line += cells[column];
      if (column + 1 < cells.size()) line.append(widths[column] - cells[column].size() + 2, ' ');
    }
    text += line + "\n";
  }
  return text;
}

}  // namespace dendrokv
