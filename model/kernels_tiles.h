#pragma once
// How kernels cut their work into tiles of sizes known at compile time.

#include <cstddef>

namespace dendrokv {

namespace {

/// Covers [0, count) with tiles of the given sizes, in their order: body.operator()<size>(first).
template <size_t... kSizes, class Body>
inline void in_tiles(size_t count, const Body& body) {
  size_t first = 0;
  const auto run = [&]<size_t kSize>() {
    for (; count - first >= kSize; first += kSize) body.template operator()<kSize>(first);
  };
  (run.template operator()<kSizes>(), ...);
}

}  // namespace

}  // namespace dendrokv
