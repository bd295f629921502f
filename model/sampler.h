#pragma once
// The next token from a row of logits.

#include <cstdint>
#include <span>
#include <vector>

namespace dendrokv {

class Sampler {
 public:
  /// temperature 0 = greedy (the lowest id among equals). Draws come from a counter-based stream of (seed, draw number), so a
  /// draw depends on nothing but these two and the logits. Throws Error when the temperature is not finite or negative.
  Sampler(double temperature, uint64_t seed);
  /// Throws Error when no logit is a number.
  int32_t next(std::span<const float> logits);

 private:
  double temperature_;
  uint64_t seed_, draws_ = 0;
  std::vector<double> odds_;  // [vocabulary], kept between draws
};

}  // namespace dendrokv
