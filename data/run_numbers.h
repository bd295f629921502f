#pragma once
// What a policy cost, measured against the attention of the full cache: per query head at some
// steps, and per position of each lane over the whole text. Made by cache/replay_numbers.h; layout
// on disk in docs/files.md.

#include <cstdint>
#include <vector>

#include "data/ids.h"

namespace dendrokv {

struct RunNumbers {
  std::vector<Step> steps;  // rising; where the arrays of a head were measured
  uint32_t layers = 0, heads = 0, lanes = 0, tokens = 0;

  // [layer, query head, step of `steps`]
  std::vector<float> retained_mass;  // share of the full attention on the rows that the step saw
  std::vector<float> best_mass;      // the same of the best set of as many rows
  std::vector<float> output_error;   // |o_S - o|, the output of a head with these rows and with all
  std::vector<float> relative_error;  // over |o|
  std::vector<float> cosine;          // of the angle between o_S and o
  std::vector<int32_t> guiltiest;  // missing position whose absence alone changes o most; -1 = none
  std::vector<float> guilt;        // by how much; 0 = nothing is missing

  // [layer, lane, position]
  std::vector<float> regret;  // attention that later steps of the full run give to it after it left
  // First step after it left that gave it more than its share; -1 = none.
  std::vector<int32_t> first_regret;
  // Longest time between two steps that gave it more than its share.
  std::vector<int32_t> recurrence;

  size_t of_head(Layer layer, Head head, size_t step_index) const {
    return (layer.index() * heads + head.index()) * steps.size() + step_index;
  }
  size_t of_lane(Layer layer, Lane lane, Position position) const {
    return (layer.index() * lanes + lane.index()) * tokens + position.index();
  }
};

}  // namespace dendrokv
