#pragma once
// The next token from a row of logits.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace dendrokv {

/// Which tokens may be drawn, and how. The limits look at the model's own distribution (temperature
/// 1), one after the other, each at what the one before left; the temperature then shapes what is
/// left.
struct SamplerOptions {
  double temperature = 0;              // 0 = greedy
  std::optional<uint64_t> top_k = {};  // the k likeliest, at least 1; all when not said
  double top_p = 1;  // the likeliest that together reach this share (Holtzman et al., 2020)
  double min_p = 0;  // those with at least this share of the likeliest one's probability
  uint64_t seed = 1;
};

class Sampler {
 public:
  /// Among equals the lowest id comes first, so greedy takes it. Draws come from a counter-based
  /// stream of (seed, draw number): a draw depends on nothing but these two, the options and the
  /// logits. Throws Error when an option is out of range.
  explicit Sampler(const SamplerOptions& options);
  /// Throws Error when no logit is a number.
  int32_t next(std::span<const float> logits);

 private:
  struct Candidate {
    int32_t id;
    double odds;  // against the likeliest
  };
  static bool likelier(const Candidate& a, const Candidate& b);
  void take_candidates(std::span<const float> logits, size_t best);
  void keep_top_k();
  void keep_top_p();

  SamplerOptions options_;
  uint64_t draws_ = 0;
  std::vector<Candidate> candidates_;  // kept between draws
};

}  // namespace dendrokv
