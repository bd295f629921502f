#pragma once
// The last section of the report: which files it is made of, and how these were made.

#include <string>

#include "cli/report_page.h"

namespace dendrokv {

/// HTML.
std::string method_section(const ReportInput& input);

}  // namespace dendrokv
