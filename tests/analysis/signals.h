#pragma once
// Signals and traces for the tests of the analysis.

#include <filesystem>
#include <random>
#include <string>

#include "data/grid.h"
#include "data/trace.h"

namespace dendrokv::testing {

/// Normal noise from a fixed seed, [position, channel].
template <class Real>
Grid<Real> random_signal(size_t positions, size_t channels) {
  std::mt19937 draw(11);
  std::normal_distribution<double> normal;
  Grid<Real> signal(positions, channels);
  for (Real& sample : signal.all()) sample = static_cast<Real>(normal(draw));
  return signal;
}

/// A trace of the reference model's layers 0, 14 and 29 and its last query at position 511:
/// recorded attention and values of tests/data/attention.
void write_reference_trace(const std::filesystem::path& path, Encoding encoding);

/// What a small trace of noise is: 2 layers of 4 heads on 2 KV heads, 8 channels, every step
/// recorded as f32.
struct NoiseTrace {
  uint32_t tokens = 64;
  uint32_t window = 0;  // a step sees its last `window` positions; 0 = all
  unsigned seed = 1;
  std::string model = "sha";
};
void write_noise_trace(const std::filesystem::path& path, const NoiseTrace& shape);

}  // namespace dendrokv::testing
