#include "gui/token_looks.h"

#include <algorithm>
#include <cmath>

#include "gui/paint.h"

namespace dendrokv {
namespace {

int notability(TokenState state) {
  constexpr int kRank[] = {0, 1, 40, 2, 3};  // by Place
  return kRank[static_cast<size_t>(state.place)] +
         (state.place == Place::Tree ? std::min<int>(state.level, 30) : 0);
}

}  // namespace

TokenLook look_of(const Style& style, TokenState state) {
  if (state.place == Place::NotYet) return {{}, style.future_ink(), ' '};
  if (state.place == Place::Evicted) return {{}, style.colours().evicted_ink, ' '};
  const Rgb ground = state_colour(style.colours(), state);
  return {ground, ink_on(ground), place_mark(state)};
}

TokenLook look_of_share(const Style& style, float share) {
  if (std::isnan(share)) return look_of(style, {Place::NotYet, 0});
  if (share == 0) return look_of(style, {Place::Evicted, 0});
  const Rgb ground = fraction_colour(style.colours(), double{share});
  const char mark = share >= 1 ? '+' : static_cast<char>('0' + static_cast<int>(share * 10));
  return {ground, ink_on(ground), mark};
}

std::vector<TokenLook> lane_looks(const Style& style, const RunIndex& index, LaneId lane,
                                  IndexRange range, size_t merged, Step step) {
  const std::vector<TokenState> states = index.states(lane, range, step);
  std::vector<TokenLook> looks;
  for (size_t first = 0; first < states.size(); first += merged) {
    const auto from = states.begin() + static_cast<ptrdiff_t>(first);
    const auto to =
        states.begin() + static_cast<ptrdiff_t>(std::min(first + merged, states.size()));
    looks.push_back(look_of(style, *std::max_element(from, to, [](TokenState a, TokenState b) {
                              return notability(a) < notability(b);
                            })));
  }
  return looks;
}

std::vector<TokenLook> kept_share_looks(const Style& style, const Overlay& kept) {
  std::vector<TokenLook> looks;
  for (const float share : kept.kept_fraction) looks.push_back(look_of_share(style, share));
  return looks;
}

std::vector<TokenLook> mean_level_looks(const Style& style, const Overlay& kept) {
  std::vector<TokenLook> looks;
  for (size_t i = 0; i < kept.mean_level.size(); ++i) {
    const float level = kept.mean_level[i];
    if (std::isnan(level)) {
      looks.push_back(
          look_of(style, {std::isnan(kept.kept_fraction[i]) ? Place::NotYet : Place::Evicted, 0}));
      continue;
    }
    looks.push_back(look_of(style, {Place::Tree, static_cast<uint16_t>(std::lround(level))}));
  }
  return looks;
}

std::vector<TokenLook> value_looks(const Style& style, std::span<const float> values,
                                   const ValueScale& scale, IndexRange range, size_t merged) {
  const ColourMap& map = sequential_map(style.theme);
  std::vector<TokenLook> looks;
  for (size_t first = 0; first < range.count; first += merged) {
    float largest = std::nanf("");
    for (size_t i = first; i < std::min(first + merged, range.count); ++i) {
      const size_t p = range.first + i;
      if (p < values.size() && !(largest >= values[p])) largest = values[p];
    }
    if (std::isnan(largest)) {
      looks.push_back(look_of(style, {Place::Evicted, 0}));
      continue;
    }
    const Rgb ground = map.at(scale.fraction(double{largest}));
    looks.push_back({ground, ink_on(ground), ' '});
  }
  return looks;
}

}  // namespace dendrokv
