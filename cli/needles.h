#pragma once
// Made-up facts, planted in a text at chosen depths, and questions for them at its end.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/eval_file.h"
#include "model/tokenizer.h"

namespace dendrokv {

/// What to plant: one fact for each depth. Names and codes are a function of (seed, stream).
struct NeedlePlan {
  std::vector<uint32_t> depths;  // tokens between a fact and its question, rising
  uint32_t tokens = 0;           // before the first question
  uint64_t seed = 1, stream = 0;
};

/// A text of filler and facts, then the questions, the nearest fact first, each with its answer
/// behind it.
struct PlantedText {
  std::vector<int32_t> ids;
  std::vector<Needle> needles;  // as the depths
  std::vector<TextSpan> spans;  // of each needle in turn: the fact, the answer within it
};

/// `filler` holds at least plan.tokens; `first` stands before everything, as the model's first
/// token. Throws Error naming --depths or --tokens: facts that would overlap, or begin before the
/// text; and where the tokenizer draws question and answer together.
PlantedText plant(const NeedlePlan& plan, std::span<const int32_t> filler,
                  std::span<const int32_t> first, const Tokenizer& tokenizer);

}  // namespace dendrokv
