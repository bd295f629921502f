// Greedy: the largest logit. With a temperature: p(token) ~ exp(logit / temperature), drawn by inversion of the cumulative sum
// in order of ids.
//
// Random numbers are SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) used as a function of a counter: with g the golden gamma,
// number n (from 1) of stream `seed` is mix(mix(seed + g) + n g), of which the upper 53 bits make a uniform number in [0, 1).

#include "model/sampler.h"

#include <cmath>
#include <limits>
#include <string>

#include "data/error.h"

namespace dendrokv {

namespace {

constexpr uint64_t kGoldenGamma = 0x9E3779B97F4A7C15;

uint64_t mix(uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
  return bits ^ (bits >> 31);
}

double uniform(uint64_t seed, uint64_t draw) {
  return static_cast<double>(mix(mix(seed + kGoldenGamma) + draw * kGoldenGamma) >> 11) * 0x1p-53;
}

size_t largest(std::span<const float> logits) {
  size_t best = logits.size();
  for (size_t id = 0; id < logits.size(); ++id)
    if (!std::isnan(logits[id]) && (best == logits.size() || logits[id] > logits[best])) best = id;
  if (best == logits.size())
    fail("logits", "none of " + std::to_string(logits.size()) + " is a number", "finite logits",
         "check the model file with `dendrokv info`");
  return best;
}

}  // namespace

Sampler::Sampler(double temperature, uint64_t seed) : temperature_(temperature), seed_(seed) {
  if (!std::isfinite(temperature) || temperature < 0)
    fail("temperature", std::to_string(temperature), "a number from 0 (greedy) upwards");
}

int32_t Sampler::next(std::span<const float> logits) {
  const size_t best = largest(logits);
  if (temperature_ == 0) return static_cast<int32_t>(best);
  const auto top = static_cast<double>(logits[best]);
  odds_.resize(logits.size());
  double total = 0;
  for (size_t id = 0; id < logits.size(); ++id) {
    const double odds = std::exp((static_cast<double>(logits[id]) - top) / temperature_);
    odds_[id] = std::isnan(odds) ? 0 : odds;
    total += odds_[id];
  }
  double left = uniform(seed_, ++draws_) * total;
  for (size_t id = 0; id < logits.size(); ++id) {
    left -= odds_[id];
    if (left < 0) return static_cast<int32_t>(id);
  }
  return static_cast<int32_t>(best);  // the sum's last bits were lost on the way
}

}  // namespace dendrokv
