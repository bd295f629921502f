#pragma once
// What several benchmarks need.

#include <cstdint>
#include <functional>
#include <vector>

#include "bench/benchmarks.h"
#include "model/decoder.h"
#include "model/model.h"

namespace dendrokv::bench {

/// options.model, else $DENDROKV_MODEL, else the default model of the cache folder. Throws Error.
Model load_model(const Options& options);
DecoderOptions decoder_options(const Options& options);
/// Ids that every vocabulary of some thousand tokens has; speed does not depend on which.
std::vector<int32_t> some_tokens(const Model& model, size_t count);
double seconds_of(const std::function<void()>& work);
/// Of at least one number.
double median(std::vector<double> numbers);

}  // namespace dendrokv::bench
