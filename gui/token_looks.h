#pragma once
// What the ground and the ink of tokens say: a tree level, a share of lanes, a number. One look for
// each token, or for several that have to share a cell. Plain functions.

#include <optional>
#include <span>
#include <vector>

#include "gui/run_index.h"
#include "gui/style.h"
#include "gui/value_scale.h"

namespace dendrokv {

struct TokenLook {
  std::optional<Rgb> ground;
  Rgb ink;
  char mark = ' ';
  bool operator==(const TokenLook&) const = default;
};

TokenLook look_of(const Style& style, TokenState state);
/// Of the share of lanes that keep a token; NaN = not read yet. The mark is the tenths, + = all.
TokenLook look_of_share(const Style& style, float share);

// Of each `merged` tokens from `range.first` on.

/// The most notable state in one lane: a sink, then the highest level, then the rest.
std::vector<TokenLook> lane_looks(const Style& style, const RunIndex& index, LaneId lane,
                                  IndexRange range, size_t merged, Step step);
std::vector<TokenLook> kept_share_looks(const Style& style, const Overlay& kept);
/// The mean level over the lanes that keep a token.
std::vector<TokenLook> mean_level_looks(const Style& style, const Overlay& kept);
/// The largest of the values, [position].
std::vector<TokenLook> value_looks(const Style& style, std::span<const float> values,
                                   const ValueScale& scale, IndexRange range, size_t merged);

}  // namespace dendrokv
