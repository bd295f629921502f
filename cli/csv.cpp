#include "cli/csv.h"

#include <cmath>
#include <cstdio>

namespace dendrokv {

std::string csv_number(double value) {
  if (!std::isfinite(value)) return "";
  char buffer[40];
  const int length = std::snprintf(buffer, sizeof buffer, "%.9g", value);
  return {buffer, static_cast<size_t>(length)};
}

std::string csv_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char character : text)
    quoted += character == '"' ? std::string("\"\"") : std::string(1, character);
  return quoted + "\"";
}

}  // namespace dendrokv
