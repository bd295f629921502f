#pragma once
// The rise of one document from weights and values in memory: the parts that an analysis puts
// together, without files.

#include <utility>

#include "analysis/document_rise.h"
#include "analysis/surrogates.h"

namespace dendrokv::testing {

struct NullDraws {
  Surrogate null;
  size_t draws = 0;
  uint64_t seed = 1;
};

inline DocumentRise rise_of(const BandTransform& transform, const Grid<float>& weights,
                            const Grid<float>& values, IndexRange usable, const BinMap& bins,
                            const NullDraws& nulls, uint64_t document) {
  const size_t bands = transform.places().size(), heads = weights.rows(), positions = values.rows();
  const IndexRange all{0, positions};
  const size_t block = transform.places().back().run;
  Grid<MeanLog> amplitude(bands, bins.count()), null(bands, bins.count());
  std::vector<MeanLog> size(bins.count());
  Grid<double> magnitude(heads, transform.amplitudes()), energy(heads, positions);
  HaarMeasures out;
  out.magnitude = magnitude.view();
  out.signal_energy = energy.view();
  transform.measure(weights.view(), values.view(), out);
  for (size_t head = 0; head < heads; ++head) {
    add_log_amplitudes(magnitude.row(head), transform.places(), all, all, bins, amplitude.view());
    add_log_sizes(energy.row(head), block, all, all, bins, size);
  }
  for (size_t draw = 0; draw < nulls.draws; ++draw) {
    Grid<float> other_weights = weights, other_values = values;
    RandomStream random(nulls.seed, (document << 16) + draw);
    nulls.null.make(other_weights, other_values, usable, random);
    transform.measure(std::as_const(other_weights).view(), std::as_const(other_values).view(), out);
    for (size_t head = 0; head < heads; ++head)
      add_log_amplitudes(magnitude.row(head), transform.places(), all, all, bins, null.view());
  }
  DocumentRise rise{Grid<double>(bands, bins.count()), {}, {}};
  for (size_t i = 0; i < rise.amplitude.all().size(); ++i)
    rise.amplitude.all()[i] = amplitude.all()[i].mean();
  for (const MeanLog& mean : size) rise.size.push_back(mean.mean());
  if (nulls.draws == 0) return rise;
  rise.nulls.emplace_back(bands, bins.count());
  for (size_t i = 0; i < null.all().size(); ++i) rise.nulls[0].all()[i] = null.all()[i].mean();
  return rise;
}

}  // namespace dendrokv::testing
