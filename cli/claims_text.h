#pragma once
// The verdicts of an analysis as lines for people.

#include <string>

#include "data/analysis_file.h"

namespace dendrokv {

/// "408 windows of 2 texts as pseudo-samples", "12 documents"
std::string sample_words(const Analysis& analysis);
/// "95 %": what intervals and bands of this analysis hold.
std::string confidence_words(const Analysis& analysis);
/// A table: verdict, statement, effect with its interval, adjusted p-value.
std::string claims_text(const Analysis& analysis);

}  // namespace dendrokv
