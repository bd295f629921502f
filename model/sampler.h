#pragma once
// The next token from a row of logits.

#include <cstdint>
#include <span>

namespace dendrokv {

class Sampler {
 public:
  /// temperature 0 = greedy (the lowest id among equals). Draws come from a counter-based stream of (seed, draw number).
  Sampler(double temperature, uint64_t seed);
  int32_t next(std::span<const float> logits);

 private:
  double temperature_;
  uint64_t seed_, draws_ = 0;
};

}  // namespace dendrokv
