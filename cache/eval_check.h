#pragma once
// What can be looked up in a file of evaluations (data/eval_file.h).

#include "cache/checks.h"
#include "data/eval_file.h"

namespace dendrokv {

/// Model hash, command and every policy with all its options.
Finding check_eval_manifest(const EvalFile& file);
/// Ids and likeliest tokens are of the vocabulary.
Finding check_eval_tokens(const EvalFile& file);
/// Losses are finite and not negative as far as the run came; none for the first token, none
/// behind.
Finding check_eval_losses(const EvalFile& file);
/// Divergences, rows held and rows read are possible.
Finding check_eval_numbers(const EvalFile& file);

}  // namespace dendrokv
