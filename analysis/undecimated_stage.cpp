#include "analysis/undecimated_stage.h"

namespace dendrokv {

template <class Real>
UndecimatedRunner<Real>::UndecimatedRunner(const UndecimatedFilters& filters)
    : filters_(filters),
      low_(kernel_taps<Real>(filters.low)),
      high_(kernel_taps<Real>(filters.high)) {}

/// Rows without gaps are one long run.
template <class Real>
bool UndecimatedRunner<Real>::dense(std::initializer_list<const Circle<Real>*> outputs) const {
  const auto is_dense = [](const auto& rows) {
    return !rows.data || rows.stride == static_cast<ptrdiff_t>(rows.width);
  };
  return std::ranges::all_of(outputs,
                             [&](const Circle<Real>* output) { return is_dense(output->rows); }) &&
         std::ranges::all_of(views_, [&](const View& view) { return is_dense(view.circle.rows); });
}

/// What outputs from `position` on see; `run` is cut to where a view comes around.
template <class Real>
Terms<Real> UndecimatedRunner<Real>::terms_at(int64_t position, int64_t& run) {
  inputs_.resize(views_.size());
  for (size_t m = 0; m < views_.size(); ++m) {
    const Circle<const Real>& circle = views_[m].circle;
    const int64_t seen = circle.around(position + views_[m].offset);
    inputs_[m] = circle.rows.row(static_cast<size_t>(seen));
    run = std::min(run, circle.size - seen);
  }
  const auto step_of = [&](size_t m) {
    return m < views_.size() ? views_[m].circle.rows.stride : 0;
  };
  return {inputs_.data(), inputs_.size(), step_of(0), step_of(1)};
}

template <class Real>
void UndecimatedRunner<Real>::analyse(Circle<const Real> x, int64_t spacing, PositionRange part,
                                      Circle<Real> low, Circle<Real> high) {
  views_.clear();
  for (size_t tap = 0; tap < low_.size(); ++tap)
    views_.push_back({x, spacing * filters_.offset(tap)});
  const bool one_run = dense({&low, &high});
  while (part.first < part.end) {
    int64_t run = std::min(part.end - part.first, low.size - low.around(part.first));
    if (high.rows.data) run = std::min(run, high.size - high.around(part.first));
    const Terms<Real> terms = terms_at(part.first, run);
    const auto rows = static_cast<size_t>(run);
    Runs runs{low.rows.width, rows, low.rows.stride, high.rows.stride, high.rows.stores};
    if (one_run) runs = {rows * low.rows.width, 1, 0, 0, high.rows.stores};
    if (high.rows.data)
      kernels_.combine_two(terms, low_.data(), high_.data(), runs, low.row(part.first),
                           high.row(part.first));
    else
      kernels_.combine(terms, low_.data(), runs, low.row(part.first));
    part.first += run;
  }
}

template <class Real>
void UndecimatedRunner<Real>::synthesise(Circle<const Real> low, Circle<const Real> high,
                                         int64_t spacing, PositionRange part, Circle<Real> x) {
  views_.clear();
  weights_.clear();
  for (size_t tap = 0; tap < low_.size(); ++tap) {
    const int64_t offset = spacing * filters_.offset(tap);
    if (low.rows.data) views_.push_back({low, offset}), weights_.push_back(low_[tap]);
    if (high.rows.data) views_.push_back({high, offset}), weights_.push_back(high_[tap]);
  }
  const bool one_run = dense({&x});
  while (part.first < part.end) {
    int64_t run = std::min(part.end - part.first, x.size - x.around(part.first));
    const Terms<Real> terms = terms_at(part.first, run);
    const auto rows = static_cast<size_t>(run);
    Runs runs{x.rows.width, rows, x.rows.stride, x.rows.stride};
    if (one_run) runs = {rows * x.rows.width};
    kernels_.combine(terms, weights_.data(), runs, x.row(part.first));
    part.first += run;
  }
}

template class UndecimatedRunner<float>;
template class UndecimatedRunner<double>;

}  // namespace dendrokv
