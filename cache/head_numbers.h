#pragma once
// What one query head loses at one step because it sees only some of the rows. Everything is
// computed from the weights of the full attention and the value rows, exactly.

#include <cstdint>
#include <span>
#include <vector>

#include "data/grid.h"
#include "data/ids.h"

namespace dendrokv {

struct HeadNumbers {
  double retained_mass = 0;   // P = sum over the seen rows of p
  double best_mass = 0;       // the largest sum of as many rows
  double output_error = 0;    // |o_S - o|, o_S = (1 / P) sum over the seen rows of p v
  double relative_error = 0;  // over |o|
  double cosine = 1;          // of the angle between o_S and o
  Position guiltiest;         // the missing row whose absence alone changes o most
  double guilt = 0;  // |p / (1 - p) (o - v)|, by how much (leave one out); 0 = nothing is missing
};

/// The retained mass and all that needs value rows; keeps its buffers.
class HeadMeasure {
 public:
  /// `weights` are [position 0..step], of the full attention, rescaled here to sum to one; `seen`
  /// is [position], nonzero = the step saw it; `values` is [position, head_dim], at least as many
  /// rows. Where the seen rows have no weight at all, o_S is 0.
  HeadNumbers measure(std::span<const float> weights, std::span<const uint8_t> seen,
                      GridView<const float> values);

 private:
  void outputs(std::span<const float> weights, std::span<const uint8_t> seen,
               GridView<const float> values);
  void blame(std::span<const float> weights, std::span<const uint8_t> seen,
             GridView<const float> values, HeadNumbers& numbers) const;

  double all_ = 0, mass_ = 0;        // sums of weights: of all rows, of those seen
  std::vector<double> full_, kept_;  // [head_dim]: o and o_S
  std::vector<float> sorted_;
};

}  // namespace dendrokv
