#pragma once
// Cells of comma-separated files.

#include <string>
#include <string_view>

namespace dendrokv {

/// Nine significant digits; empty when it is not finite.
std::string csv_number(double value);
/// In quotes, those within doubled.
std::string csv_text(std::string_view text);

}  // namespace dendrokv
