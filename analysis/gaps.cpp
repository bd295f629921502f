#include "analysis/gaps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "analysis/dwt_stage.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"error", "mask", "interpolate"};

std::vector<uint8_t> marked(size_t positions, std::span<const IndexRange> gaps) {
  std::vector<uint8_t> marks(positions, 0);
  for (const IndexRange& gap : gaps)
    std::fill_n(marks.begin() + static_cast<ptrdiff_t>(gap.first), gap.count, uint8_t{1});
  return marks;
}

template <class Real>
std::vector<Real> line_of(const SignalView<const Real>& signal, size_t batch, size_t channel) {
  std::vector<Real> line;
  for (size_t p = 0; p < signal.positions; ++p) line.push_back(*signal.at(batch, p, channel));
  return line;
}

/// `transform` gives the bands of a line without gaps; they go to `out`, and what is touched
/// becomes NaN under Mask.
template <class Real, class Transform, class Touched>
GapReport each_line(SignalView<const Real> signal, std::span<const SignalView<Real>> out,
                    Gaps policy, const Transform& transform, const Touched& touched) {
  GapReport report{policy, 0, std::vector<size_t>(out.size(), 0)};
  for (size_t batch = 0; batch < signal.batches; ++batch)
    for (size_t channel = 0; channel < signal.channels; ++channel) {
      std::vector<Real> line = line_of(signal, batch, channel);
      const std::vector<IndexRange> gaps = gaps_of<Real>(line);
      if (!gaps.empty() && policy == Gaps::Error)
        fail("signal at position " + std::to_string(gaps.front().first), "not a finite number",
             "wanted numbers", "choose to mask or interpolate the gaps");
      fill_gaps<Real>(line);
      for (const IndexRange& gap : gaps) report.missing += gap.count;
      const std::vector<std::vector<Real>> bands = transform(line);
      const std::vector<std::vector<uint8_t>> marks = touched(gaps);
      for (size_t b = 0; b < out.size(); ++b)
        for (size_t k = 0; k < bands[b].size(); ++k) {
          const bool lost = policy == Gaps::Mask && marks[b][k] != 0;
          report.spread[b] += marks[b][k];
          if (out[b].data)
            *out[b].at(batch, k, channel) =
                lost ? std::numeric_limits<Real>::quiet_NaN() : bands[b][k];
        }
    }
  return report;
}

}  // namespace

std::string_view gaps_name(Gaps policy) {
  return kNames[static_cast<size_t>(policy)];
}

Gaps parse_gaps(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end())
    fail("gaps '" + std::string(name) + "'", "not known", "wanted error, mask or interpolate",
         did_you_mean(name, kNames));
  return static_cast<Gaps>(found - kNames.begin());
}

template <class Real>
std::vector<IndexRange> gaps_of(std::span<const Real> line) {
  std::vector<IndexRange> gaps;
  for (size_t p = 0; p < line.size(); ++p) {
    if (std::isfinite(line[p])) continue;
    if (!gaps.empty() && gaps.back().first + gaps.back().count == p)
      ++gaps.back().count;
    else
      gaps.push_back({p, 1});
  }
  return gaps;
}

template <class Real>
std::vector<IndexRange> fill_gaps(std::span<Real> line) {
  const std::vector<IndexRange> gaps = gaps_of<Real>(line);
  for (const IndexRange& gap : gaps) {
    if (gap.count == line.size())
      fail("signal of " + std::to_string(line.size()) + " positions", "no finite number in it",
           "wanted at least one");
    const size_t end = gap.first + gap.count;
    const Real before = gap.first > 0 ? line[gap.first - 1] : line[end];
    const Real after = end < line.size() ? line[end] : before;
    for (size_t i = 0; i < gap.count; ++i) {
      const auto share = static_cast<Real>(i + 1) / static_cast<Real>(gap.count + 1);
      line[gap.first + i] = before + (after - before) * share;
    }
  }
  return gaps;
}

std::vector<std::vector<uint8_t>> touched_coefficients(const Dwt& dwt,
                                                       std::span<const IndexRange> gaps) {
  std::vector<uint8_t> marks = marked(dwt.positions(), gaps);
  std::vector<std::vector<uint8_t>> bands(dwt.levels() + 1);
  const auto taps = static_cast<int64_t>(dwt.wavelet().length());
  for (uint32_t level = 1; level <= dwt.levels(); ++level) {
    const Dwt::Stage stage(dwt.wavelet(), dwt.boundary(), marks.size(), {0, marks.size()},
                           Dwt::Stage::Inner::Most);
    std::vector<uint8_t> next(stage.output, 0);
    for (size_t k = stage.inner_first; k < stage.inner_end; ++k) {
      const auto newest = 2 * static_cast<int64_t>(k) + stage.analysis_shift;
      next[k] = std::any_of(marks.begin() + (newest - taps + 1), marks.begin() + newest + 1,
                            [](uint8_t mark) { return mark != 0; });
    }
    for (size_t e = 0; e < stage.edge.size(); ++e)
      for (size_t term = stage.first_term[e]; term < stage.first_term[e + 1]; ++term)
        next[stage.edge[e]] |= marks[stage.sample[term]];
    bands[dwt.levels() + 1 - level] = next;
    marks = std::move(next);
  }
  bands[0] = marks;
  return bands;
}

std::vector<std::vector<uint8_t>> touched_coefficients(const Modwt& modwt,
                                                       std::span<const IndexRange> gaps) {
  std::vector<uint8_t> marks = marked(modwt.positions(), gaps);
  std::vector<std::vector<uint8_t>> bands;
  for (uint32_t level = 1; level <= modwt.levels(); ++level) {
    std::vector<uint8_t> next(marks.size(), 0);
    for (const size_t seen : modwt.positions_seen(level))
      for (size_t t = 0; t < next.size(); ++t) next[t] |= marks[(t + seen) % marks.size()];
    bands.push_back(next);
    marks = std::move(next);
  }
  bands.push_back(marks);
  return bands;
}

template <class Real>
GapReport forward_with_gaps(const Dwt& dwt, SignalView<const Real> signal,
                            std::span<const SignalView<Real>> bands, Gaps policy) {
  DENDROKV_ASSERT(bands.size() == dwt.levels() + size_t{1});
  const auto transform = [&](const std::vector<Real>& line) {
    std::vector<std::vector<Real>> out;
    std::vector<SignalView<Real>> views;
    for (uint32_t b = 0; b <= dwt.levels(); ++b)
      out.emplace_back(dwt.length(b == 0 ? 0 : dwt.levels() + 1 - b));
    for (std::vector<Real>& band : out) views.push_back(line_view(band.data(), band.size()));
    dwt.forward<Real>(line_view(line.data(), line.size()), views);
    return out;
  };
  return each_line<Real>(signal, bands, policy, transform, [&](std::span<const IndexRange> gaps) {
    return touched_coefficients(dwt, gaps);
  });
}

template <class Real>
GapReport forward_with_gaps(const Modwt& modwt, SignalView<const Real> signal,
                            std::span<const SignalView<Real>> details, SignalView<Real> smooth,
                            Gaps policy) {
  DENDROKV_ASSERT(details.size() == modwt.levels());
  std::vector<SignalView<Real>> bands(details.begin(), details.end());
  bands.push_back(smooth);
  const auto transform = [&](const std::vector<Real>& line) {
    std::vector<std::vector<Real>> out(modwt.levels() + 1, std::vector<Real>(line.size()));
    std::vector<SignalView<Real>> views, smooths(modwt.levels());
    for (uint32_t level = 0; level < modwt.levels(); ++level)
      views.push_back(line_view(out[level].data(), line.size()));
    smooths.back() = line_view(out.back().data(), line.size());
    modwt.forward<Real>(line_view(line.data(), line.size()), views, smooths);
    return out;
  };
  return each_line<Real>(signal, bands, policy, transform, [&](std::span<const IndexRange> gaps) {
    return touched_coefficients(modwt, gaps);
  });
}

template std::vector<IndexRange> gaps_of(std::span<const float>);
template std::vector<IndexRange> gaps_of(std::span<const double>);
template std::vector<IndexRange> fill_gaps(std::span<float>);
template std::vector<IndexRange> fill_gaps(std::span<double>);
template GapReport forward_with_gaps(const Dwt&, SignalView<const float>,
                                     std::span<const SignalView<float>>, Gaps);
template GapReport forward_with_gaps(const Dwt&, SignalView<const double>,
                                     std::span<const SignalView<double>>, Gaps);
template GapReport forward_with_gaps(const Modwt&, SignalView<const float>,
                                     std::span<const SignalView<float>>, SignalView<float>, Gaps);
template GapReport forward_with_gaps(const Modwt&, SignalView<const double>,
                                     std::span<const SignalView<double>>, SignalView<double>, Gaps);

}  // namespace dendrokv
