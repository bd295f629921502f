#include "cache/checks.h"

#include <algorithm>

namespace dendrokv {

Finding good(std::string found) {
  return {Outcome::Good, std::move(found)};
}
Finding bad(std::string found) {
  return {Outcome::Bad, std::move(found)};
}
Finding not_applicable(std::string why) {
  return {Outcome::NotApplicable, std::move(why)};
}

bool Audit::ok() const {
  return std::ranges::none_of(
      checks, [](const Check& check) { return check.finding.outcome == Outcome::Bad; });
}

std::string lane_text(uint32_t layer, uint32_t lane) {
  return "layer " + std::to_string(layer) + ", lane " + std::to_string(lane);
}

}  // namespace dendrokv
