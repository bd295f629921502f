#pragma once
// What an audit says: one finding per invariant, green, red, or not to be had from what is at hand.

#include <cstdint>
#include <string>
#include <vector>

namespace dendrokv {

enum class Outcome : uint8_t {
  Good,
  Bad,
  NotApplicable,  // never counts as good; the detail says why
};

struct Finding {
  Outcome outcome = Outcome::Good;
  std::string detail;  // the value found, where it was found, or why there is none
};

Finding good(std::string found);
Finding bad(std::string found);
Finding not_applicable(std::string why);

struct Check {
  std::string name, meaning;  // "time order"; one line
  Finding finding;
};

struct Audit {
  std::string subject;  // the file or run
  std::vector<Check> checks;

  /// Nothing is red.
  bool ok() const;
};

/// "layer 3, lane 1"
std::string lane_text(uint32_t layer, uint32_t lane);

}  // namespace dendrokv
