#pragma once
// What a transform takes for samples beyond the ends of a signal.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace dendrokv {

/// The first nine are those of PyWavelets, shown on the samples 1 2 3 4. The others are circular
/// too, but say which coefficients the ends have touched: readers take the valid ones (Dwt::valid).
enum class Boundary {
  Zero,           // 0 0 | 1 2 3 4 | 0 0
  Constant,       // 1 1 | 1 2 3 4 | 4 4
  Symmetric,      // 2 1 | 1 2 3 4 | 4 3
  Reflect,        // 3 2 | 1 2 3 4 | 3 2
  Periodic,       // 3 4 | 1 2 3 4 | 1 2
  Smooth,         // -1 0 | 1 2 3 4 | 5 6: the line through the last two
  Antisymmetric,  // -2 -1 | 1 2 3 4 | -4 -3
  Antireflect,    // -1 0 | 1 2 3 4 | 5 6: 2 * end - mirror image
  // As Periodic with the fewest coefficients, ceil(n / 2); an odd signal repeats its last sample.
  Periodization,
  BrickWall,  // as Periodization; coefficients that an end touches are not valid
  // circular, a coefficient sees no sample newer than its own pair: only the start is touched
  Causal,
};

inline constexpr size_t kBoundaries = 11;
std::string_view boundary_name(Boundary boundary);
Boundary parse_boundary(std::string_view name);  // throws Error
std::array<std::string_view, kBoundaries> boundary_names();

/// Sample `index` of the extended signal as a sum of factor * sample over at most three samples.
struct ExtensionTerm {
  size_t index;
  double factor;
};
struct Extension {
  std::array<ExtensionTerm, 3> terms;
  size_t count = 0;
  const ExtensionTerm* begin() const { return terms.data(); }
  const ExtensionTerm* end() const { return terms.data() + count; }
};
/// `index` may be any number of lengths outside; `positions` is at least 1.
Extension extended_sample(Boundary boundary, size_t positions, int64_t index);

}  // namespace dendrokv
