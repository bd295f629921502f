#pragma once
// A claim about contributions and what a sample says about it. Made by analysis/rise_claims.h,
// stored in analysis files.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace dendrokv {

enum class Verdict : uint8_t { Shown, NotContradicted, Contradicted, NotTestable };
/// "shown", "not contradicted", "contradicted", "not testable with this sample"
std::string_view verdict_name(Verdict verdict);
inline constexpr uint8_t kVerdicts = 4;

struct Claim {
  std::string name;       // "rise-relative"
  std::string statement;  // in words
  Verdict verdict = Verdict::NotTestable;
  // Mean over units, natural logarithm; of monotone and smooth: the increment that decides.
  double effect = 0;
  double lower = 0, upper = 0;  // of the effect
  double raw_p_value = 1;       // towards the claim; NaN where bands decide
  double p_value = 1;           // the same, adjusted for the other claims
  double p_against = 1;         // away from it, adjusted
  uint32_t units = 0;           // documents or windows that were compared
};

}  // namespace dendrokv
