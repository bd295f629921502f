#pragma once
// What the benchmarks of the running model share.

#include <cstdint>
#include <functional>
#include <vector>

#include "bench/benchmarks.h"
#include "model/decoder.h"
#include "model/model.h"

namespace dendrokv::bench {

/// The model that --model, $DENDROKV_MODEL or the cache folder names, in fast arithmetic. Throws Error.
Model load_model(const Options& options);
DecoderOptions decoder_options(const Options& options);

/// Ids that are not special and seldom repeat. The work does not depend on them.
std::vector<int32_t> any_tokens(const Model& model, size_t count);

double seconds_of(const std::function<void()>& work);
double median(std::vector<double> values);

}  // namespace dendrokv::bench
