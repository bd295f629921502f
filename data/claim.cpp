#include "data/claim.h"

namespace dendrokv {

std::string_view verdict_name(Verdict verdict) {
  constexpr std::array<std::string_view, kVerdicts> kNames = {
      "shown", "not contradicted", "contradicted", "not testable with this sample"};
  return kNames[static_cast<size_t>(verdict)];
}

}  // namespace dendrokv
