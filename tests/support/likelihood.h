#pragma once
// The loss of a token from its definition, for tests.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace dendrokv::testing {

/// -ln p(token) from one row of logits, in double.
inline double negative_log_likelihood(std::span<const float> logits, int32_t token) {
  const auto top = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return std::log(sum) + top - static_cast<double>(logits[static_cast<size_t>(token)]);
}

}  // namespace dendrokv::testing
