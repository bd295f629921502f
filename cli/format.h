#pragma once
// Numbers and tables as people read them.

#include <cstdint>
#include <string>
#include <vector>

namespace dendrokv {

/// Three significant digits, without an exponent: "0.0123", "12.3", "1230".
std::string significant(double number);
/// "98.4 MB"; decimal units.
std::string bytes_text(uint64_t bytes);

/// Rows of cells with columns aligned to the left, two spaces apart.
class TextTable {
 public:
  TextTable& row(std::vector<std::string> cells);
  /// `indent` spaces in front of each line.
  std::string text(size_t indent = 0) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace dendrokv
