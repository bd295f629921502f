#pragma once
// The lifting factorisations of the wavelet table as data. To add one: a row in
// scripts/wavelet-taps, then scripts/wavelet-lifting, which writes lifting_steps.cpp.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dendrokv {

enum class Lifted { Even, Odd };

/// changed[k] += sum_i factor[i] other[k + first + i], i below `count`: the other samples predict
/// or update the changed ones.
struct LiftingStep {
  Lifted changed;
  int32_t first;
  uint32_t count;
};

/// band[k] = factor * signal[k + offset] after all steps.
struct LiftedBand {
  Lifted signal;
  int32_t offset;
  double factor;
};

struct LiftingForm {
  std::string_view name;
  std::span<const LiftingStep> steps;
  std::span<const double> factors;  // of all steps, one after the other
  LiftedBand low, high;
};

std::span<const LiftingForm> lifting_forms();

}  // namespace dendrokv
