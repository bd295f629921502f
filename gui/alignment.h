#pragma once
// Which token of one text is which of another: the same prompt behind a longer system text, a word
// more or less. A longest common subsequence of pieces; of long texts, one between rare runs of
// pieces that both have.

#include <cstdint>
#include <optional>
#include <vector>

#include "data/trace.h"

namespace dendrokv {

class Alignment {
 public:
  /// A text with itself.
  static Alignment identity(uint32_t tokens);
  /// [position of the first text], rising where set.
  Alignment(std::vector<std::optional<Position>> second_of, uint32_t second_tokens);

  std::optional<Position> second(Position first) const;
  std::optional<Position> first(Position second) const;
  /// Step of the second text that has read as far as `step` of the first: that of the last token up
  /// to it which both have; the first step when there is none.
  Step second_step(Step step) const { return second_step_[step.index()]; }
  Step first_step(Step step) const { return first_step_[step.index()]; }

  uint32_t first_tokens() const { return static_cast<uint32_t>(second_of_.size()); }
  uint32_t second_tokens() const { return static_cast<uint32_t>(first_of_.size()); }
  uint32_t shared() const { return shared_; }

 private:
  std::vector<std::optional<Position>> second_of_, first_of_;
  std::vector<Step> second_step_, first_step_;
  uint32_t shared_ = 0;
};

/// By piece, not by id: models that number their tokens differently still share words.
Alignment align(const TokenText& first, const TokenText& second);

}  // namespace dendrokv
