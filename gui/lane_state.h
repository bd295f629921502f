#pragma once
// Where each token of a text stands in one lane, or in many, at one step.

#include <cstdint>
#include <span>
#include <vector>

#include "data/retention.h"

namespace dendrokv {

enum class Place : uint8_t { NotYet, Evicted, Sink, Recent, Tree };

struct TokenState {
  Place place = Place::NotYet;
  uint16_t level = 0;  // duels won so far; of an evicted token, before it left
  bool kept() const { return place >= Place::Sink; }
  bool operator==(const TokenState&) const = default;
};

/// After the eviction of `step`, [position].
std::vector<TokenState> token_states(const Run& run, Layer layer, Lane lane, Step step);

/// How many tokens stand where.
struct Census {
  uint32_t not_yet = 0, evicted = 0, sinks = 0, recent = 0;
  std::vector<uint32_t> level;  // [level] kept in the tree; as long as the highest level needs
  uint32_t kept() const;
  bool operator==(const Census&) const = default;
};
Census census(std::span<const TokenState> states);

/// Lanes that an aggregated view looks at.
struct LaneId {
  Layer layer;
  Lane lane;
  auto operator<=>(const LaneId&) const = default;
};
std::vector<LaneId> lanes_of_layer(const Run& run, Layer layer);
std::vector<LaneId> all_lanes(const Run& run);

/// Fraction of the lanes that hold each token after `step`, [position]; NaN = not read yet.
std::vector<float> kept_fraction(const Run& run, std::span<const LaneId> lanes, Step step);
/// Lanes that hold one position after `step`.
uint32_t lanes_that_keep(const Run& run, Position position, Step step);

/// "s", "r", "0" to "9" or "+": the mark under a kept token, so that colour is not the only
/// carrier.
char place_mark(TokenState state);

}  // namespace dendrokv
