#pragma once
// Checks of what a file says of itself: its root, its shapes, tokens, losses and rows of values.

#include "cache/audit_subject.h"
#include "cache/checks.h"

namespace dendrokv {

Finding check_root(const Subject& subject);
Finding check_complete(const Subject& subject);
Finding check_structure(const Subject& subject);
Finding check_trace_manifest(const Subject& subject);
Finding check_analysis_manifest(const Subject& subject);
Finding check_tokens(const Subject& subject);
Finding check_losses(const Subject& subject);
Finding check_rows_of_values(const Subject& subject);

}  // namespace dendrokv
