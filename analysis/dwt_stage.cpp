#include "analysis/dwt_stage.h"

#include <algorithm>

#include "data/error.h"

namespace dendrokv {
namespace {

// Coefficients of a line at a time: even and odd samples stay in the first cache.
constexpr size_t kBlock = 512;

int64_t ceil_half(int64_t number) {
  return number >= 0 ? (number + 1) / 2 : -(-number / 2);
}
int64_t floor_half(int64_t number) {
  return -ceil_half(-number);
}

bool shortest(Boundary boundary) {
  return boundary == Boundary::Periodization || boundary == Boundary::BrickWall ||
         boundary == Boundary::Causal;
}

}  // namespace

size_t dwt_length(size_t positions, size_t filter_length, Boundary boundary) {
  return shortest(boundary) ? (positions + 1) / 2 : (positions + filter_length - 1) / 2;
}

Dwt::Stage::Stage(const Wavelet& wavelet, Boundary boundary, size_t positions,
                  IndexRange input_valid, Inner inner)
    : input(positions),
      output(dwt_length(positions, wavelet.length(), boundary)),
      circular(shortest(boundary)) {
  const auto length = static_cast<int64_t>(wavelet.length());
  if (boundary == Boundary::Causal) {
    // The twin of an odd signal's first sample is at position -1, so pairs end at the newest
    // sample.
    analysis_shift = 1 - static_cast<int64_t>(positions % 2);
    synthesis_shift = length - 1 - analysis_shift;
  } else if (circular) {
    analysis_shift = length / 2;
    synthesis_shift = length / 2 - 1;
  } else {
    analysis_shift = 1;
    synthesis_shift = length - 2;
  }
  valid = inner_of(input_valid, wavelet.length());
  const IndexRange range =
      inner == Inner::Valid ? valid : inner_of({0, positions}, wavelet.length());
  inner_first = range.first;
  inner_end = range.first + range.count;
  first_term.push_back(0);
  for (size_t k = 0; k < output; ++k) {
    if (k == inner_first && k < inner_end) k = inner_end;
    if (k < output) add_edge(wavelet.length(), boundary, k);
  }
}

/// Coefficients whose samples are all in `input`.
IndexRange Dwt::Stage::inner_of(IndexRange samples, size_t filter_length) const {
  const auto first = static_cast<int64_t>(samples.first);
  const int64_t last = first + static_cast<int64_t>(samples.count) - 1;
  const int64_t from = std::max<int64_t>(
      ceil_half(first + static_cast<int64_t>(filter_length) - 1 - analysis_shift), 0);
  const int64_t to =
      std::min<int64_t>(floor_half(last - analysis_shift) + 1, static_cast<int64_t>(output));
  if (samples.count == 0 || to <= from) return {};
  return {static_cast<size_t>(from), static_cast<size_t>(to - from)};
}

void Dwt::Stage::add_edge(size_t filter_length, Boundary boundary, size_t k) {
  edge.push_back(k);
  for (size_t i = 0; i < filter_length; ++i) {
    const int64_t index = 2 * static_cast<int64_t>(k) + analysis_shift - static_cast<int64_t>(i);
    for (const ExtensionTerm& term : extended_sample(boundary, input, index)) {
      sample.push_back(term.index);
      tap.push_back(i);
      factor.push_back(term.factor);
    }
  }
  first_term.push_back(sample.size());
}

template <class Real>
StageRunner<Real>::StageRunner(const Wavelet& wavelet)
    : length_(wavelet.length()),
      dec_lo_(kernel_taps<Real>(wavelet.dec_lo)),
      dec_hi_(kernel_taps<Real>(wavelet.dec_hi)),
      rec_lo_(kernel_taps<Real>(wavelet.rec_lo)),
      rec_hi_(kernel_taps<Real>(wavelet.rec_hi)),
      inputs_(length_) {}

template <class Real>
void StageRunner<Real>::analyse(const Dwt::Stage& stage, Strip<const Real> x, Strip<Real> low,
                                Strip<Real> high) {
  analyse_edges(
      stage, [&](size_t sample) { return x.row(sample); }, [&](size_t k) { return low.row(k); },
      high);
  Strip<Real> inner_low = low;
  inner_low.data = low.row(stage.inner_first);
  analyse_inner(stage, {stage.inner_first, stage.inner_end - stage.inner_first}, x, 0, inner_low,
                high);
}

template <class Real>
void StageRunner<Real>::analyse_inner(const Dwt::Stage& stage, IndexRange part, Strip<const Real> x,
                                      size_t first_sample, Strip<Real> low, Strip<Real> high) {
  if (part.count == 0) return;
  inputs_.resize(std::max(inputs_.size(), length_));
  const size_t oldest = stage.oldest_sample(part.first, length_) - first_sample;
  if (x.is_line() && low.is_line() && high.is_line())
    analyse_line(part, x.row(oldest), low.data, high.data);
  else
    analyse_rows(part, x, oldest, low, high);
}

template <class Real>
void StageRunner<Real>::analyse_line(IndexRange part, const Real* oldest, Real* low, Real* high) {
  if (kernels_.decimate(oldest, dec_lo_.data(), dec_hi_.data(), length_, part.count, low,
                        high + part.first))
    return;
  even_.resize(std::max(even_.size(), kBlock + length_));
  odd_.resize(even_.size());
  for (size_t i = 0; i < length_; ++i) {
    const size_t later = length_ - 1 - i;  // than the oldest sample of the filter
    inputs_[i] = (later % 2 == 0 ? even_ : odd_).data() + later / 2;
  }
  for (size_t k = 0; k < part.count; k += kBlock) {
    const size_t count = std::min(kBlock, part.count - k);
    kernels_.split(oldest + 2 * k, count + length_ / 2 - 1, even_.data(), odd_.data());
    kernels_.combine_two({inputs_.data(), length_}, dec_lo_.data(), dec_hi_.data(), {count},
                         low + k, high + part.first + k);
  }
}

template <class Real>
void StageRunner<Real>::analyse_rows(IndexRange part, Strip<const Real> x, size_t oldest,
                                     Strip<Real> low, Strip<Real> high) {
  for (size_t i = 0; i < length_; ++i) inputs_[i] = x.row(oldest + length_ - 1 - i);
  const ptrdiff_t ahead = static_cast<ptrdiff_t>(x.ahead) * x.stride;
  kernels_.combine_two({inputs_.data(), length_, 2 * x.stride, 2 * x.stride, ahead}, dec_lo_.data(),
                       dec_hi_.data(), {x.width, part.count, low.stride, high.stride, high.stores},
                       low.data, high.row(part.first));
}

/// Samples 2m and 2m + 1 see coefficients from m + ceil((S - L + 1) / 2) to m + floor((S + 1) / 2),
/// S the synthesis shift.
template <class Real>
void StageRunner<Real>::gather_terms(const Dwt::Stage& stage, Strip<const Real> low,
                                     Strip<const Real> high) {
  terms_.clear();
  weights0_.clear();
  weights1_.clear();
  const auto length = static_cast<int64_t>(length_);
  const auto tap = [&](const std::vector<Real>& filter, int64_t i) {
    return i >= 0 && i < length ? filter[static_cast<size_t>(i)] : Real{0};
  };
  const auto add = [&](Strip<const Real> band, const std::vector<Real>& filter, int64_t offset) {
    if (!band.data) return;
    terms_.push_back({band, offset});
    weights0_.push_back(tap(filter, stage.synthesis_shift - 2 * offset));
    weights1_.push_back(tap(filter, stage.synthesis_shift + 1 - 2 * offset));
  };
  const int64_t last = floor_half(stage.synthesis_shift + 1);
  for (int64_t offset = ceil_half(stage.synthesis_shift - length + 1); offset <= last; ++offset) {
    add(low, rec_lo_, offset);
    add(high, rec_hi_, offset);
  }
  inputs_.resize(std::max(inputs_.size(), terms_.size()));
}

template <class Real>
void StageRunner<Real>::point_at(const Dwt::Stage& stage, size_t pair) {
  const auto coefficients = static_cast<int64_t>(stage.output);
  for (size_t m = 0; m < terms_.size(); ++m) {
    int64_t k = static_cast<int64_t>(pair) + terms_[m].offset;
    k = ((k % coefficients) + coefficients) % coefficients;
    inputs_[m] = terms_[m].band.row(static_cast<size_t>(k));
  }
}

template <class Real>
void StageRunner<Real>::synthesise(const Dwt::Stage& stage, Strip<const Real> low,
                                   Strip<const Real> high, Strip<Real> x, size_t positions) {
  gather_terms(stage, low, high);
  const size_t pairs = (positions + 1) / 2;
  const int64_t back = terms_.empty() ? 0 : -terms_.front().offset;
  const int64_t ahead = terms_.empty() ? 0 : terms_.back().offset;
  const size_t first = std::min(pairs, static_cast<size_t>(std::max<int64_t>(back, 0)));
  const int64_t end = std::clamp(static_cast<int64_t>(stage.output) - std::max<int64_t>(ahead, 0),
                                 static_cast<int64_t>(first), static_cast<int64_t>(pairs));
  const bool line = x.is_line() && (!low.data || low.is_line()) && (!high.data || high.is_line());
  const auto part = [&](size_t from, size_t to) {
    if (from == to) return;
    point_at(stage, from);
    if (line)
      synthesise_line(x.data, from, to, positions);
    else
      synthesise_rows(x, from, to, positions);
  };
  for (size_t pair = 0; pair < first; ++pair) part(pair, pair + 1);
  part(first, static_cast<size_t>(end));
  for (auto pair = static_cast<size_t>(end); pair < pairs; ++pair) part(pair, pair + 1);
}

template <class Real>
void StageRunner<Real>::synthesise_line(Real* x, size_t first, size_t end, size_t positions) {
  even_.resize(std::max(even_.size(), kBlock + length_));
  odd_.resize(even_.size());
  for (size_t m = first; m < end; m += kBlock) {
    const size_t count = std::min(kBlock, end - m);
    kernels_.combine_two({inputs_.data(), terms_.size()}, weights0_.data(), weights1_.data(),
                         {count}, even_.data(), odd_.data());
    const size_t whole = std::min(count, positions / 2 - std::min(m, positions / 2));
    kernels_.join(even_.data(), odd_.data(), whole, x + 2 * m);
    if (whole < count) x[2 * (m + whole)] = even_[whole];
    for (size_t i = 0; i < terms_.size(); ++i) inputs_[i] += count;
  }
}

template <class Real>
void StageRunner<Real>::synthesise_rows(Strip<Real> x, size_t first, size_t end, size_t positions) {
  const size_t whole = std::min(end, positions / 2);
  const auto step_of = [&](size_t term) {
    return term < terms_.size() ? terms_[term].band.stride : 0;
  };
  if (first < whole)
    kernels_.combine_two({inputs_.data(), terms_.size(), step_of(0), step_of(1)}, weights0_.data(),
                         weights1_.data(), {x.width, whole - first, 2 * x.stride, 2 * x.stride},
                         x.row(2 * first), x.row(2 * first + 1));
  if (whole == end) return;
  // An odd signal ends with half a pair.
  const auto ahead = static_cast<ptrdiff_t>(whole - std::min(first, whole));
  for (size_t i = 0; i < terms_.size(); ++i) inputs_[i] += ahead * terms_[i].band.stride;
  kernels_.combine({inputs_.data(), terms_.size()}, weights0_.data(), {x.width}, x.row(2 * whole));
}

template class StageRunner<float>;
template class StageRunner<double>;

}  // namespace dendrokv
