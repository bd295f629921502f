// Greedy: the largest logit. With a temperature: p(token) ~ exp(logit / temperature), drawn by
// inversion of the cumulative sum in order of ids; with a limit by rank or by share, in order of
// falling odds over those that are left.
//
// Random numbers are SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) used as a function of a counter:
// with g the golden gamma, number n (from 1) of stream `seed` is mix(mix(seed + g) + n g), of which
// the upper 53 bits make a uniform number in [0, 1).

#include "model/sampler.h"

#include <algorithm>
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
    fail("logits", "none of " + std::to_string(logits.size()) + " is a number",
         "wanted finite logits", "check the model file with `dendrokv info`");
  return best;
}

void check(const SamplerOptions& options) {
  if (!std::isfinite(options.temperature) || options.temperature < 0)
    fail("temperature", std::to_string(options.temperature),
         "wanted a number from 0 (greedy) upwards");
  if (options.top_k == 0u) fail("top-k", "0", "wanted at least 1");
  if (!(options.top_p >= 0 && options.top_p <= 1))
    fail("top-p", std::to_string(options.top_p), "wanted a number from 0 to 1");
  if (!(options.min_p >= 0 && options.min_p <= 1))
    fail("min-p", std::to_string(options.min_p), "wanted a number from 0 to 1");
}

}  // namespace

bool Sampler::likelier(const Candidate& a, const Candidate& b) {
  return a.odds != b.odds ? a.odds > b.odds : a.id < b.id;
}

Sampler::Sampler(const SamplerOptions& options) : options_(options) {
  check(options);
}

int32_t Sampler::next(std::span<const float> logits) {
  const size_t best = largest(logits);
  if (options_.temperature == 0) return static_cast<int32_t>(best);
  take_candidates(logits, best);
  keep_top_k();
  keep_top_p();
  std::erase_if(candidates_, [&](const Candidate& candidate) {
    return candidate.odds < options_.min_p;  // the likeliest one has odds 1
  });
  double total = 0;
  for (Candidate& candidate : candidates_) {
    const auto logit = static_cast<double>(logits[static_cast<size_t>(candidate.id)]);
    candidate.odds = std::exp((logit - static_cast<double>(logits[best])) / options_.temperature);
    total += candidate.odds;
  }
  double left = uniform(options_.seed, ++draws_) * total;
  for (const Candidate& candidate : candidates_) {
    left -= candidate.odds;
    if (left < 0) return candidate.id;
  }
  return static_cast<int32_t>(best);  // the sum's last bits were lost on the way
}

void Sampler::take_candidates(std::span<const float> logits, size_t best) {
  candidates_.clear();
  for (size_t id = 0; id < logits.size(); ++id) {
    const double odds =
        std::exp(static_cast<double>(logits[id]) - static_cast<double>(logits[best]));
    if (!std::isnan(odds)) candidates_.push_back({static_cast<int32_t>(id), odds});
  }
}

void Sampler::keep_top_k() {
  if (!options_.top_k || *options_.top_k >= candidates_.size()) return;
  const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(*options_.top_k);
  std::partial_sort(candidates_.begin(), end, candidates_.end(), likelier);
  candidates_.erase(end, candidates_.end());
}

// A heap gives the candidates in falling order without sorting those that are not wanted.
void Sampler::keep_top_p() {
  if (options_.top_p >= 1) return;
  double total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.odds;
  const auto less_likely = [](const Candidate& a, const Candidate& b) { return likelier(b, a); };
  std::make_heap(candidates_.begin(), candidates_.end(), less_likely);
  double share = 0;
  auto kept = candidates_.end();
  do {
    std::pop_heap(candidates_.begin(), kept, less_likely);
    share += (--kept)->odds;
  } while (share < options_.top_p * total && kept != candidates_.begin());
  // They stand at the end, the likeliest last.
  candidates_.erase(candidates_.begin(), kept);
  std::reverse(candidates_.begin(), candidates_.end());
}

}  // namespace dendrokv
