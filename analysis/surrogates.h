#pragma once
// Nulls: the same text with one thing changed. What a claim says about the data must be more than
// what the data say without it.
//
// To add one: a function and a row in surrogates.cpp; `dendrokv analyze --null` finds it there.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/random.h"
#include "data/grid.h"
#include "data/trace.h"

namespace dendrokv {

/// Which part of weight * value a null changes.
enum class ChangedPart : uint8_t { Values, Weights };
/// Whether two draws differ.
enum class DrawKind : uint8_t { Random, Fixed };

struct Surrogate {
  std::string_view name, summary;
  ChangedPart part;
  DrawKind draw;
  /// Changes rows of values [position, channel], or columns of weights [head, position], within
  /// `usable` only.
  void (*make)(Grid<float>& weights, Grid<float>& values, IndexRange usable, RandomStream& random);
};

std::span<const Surrogate> surrogate_table();
/// Throws Error with near names.
const Surrogate& find_surrogate(std::string_view name);

}  // namespace dendrokv
