#pragma once
// The script of the report page.

#include <string_view>

namespace dendrokv {

/// Plain JavaScript that fetches nothing: values under the pointer, and the token map.
std::string_view report_script();

}  // namespace dendrokv
