#include "analysis/cwt_gaps.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace dendrokv {

template <class Real>
GapReport forward_with_gaps(const Cwt& cwt, std::span<const Real> signal,
                            GridView<std::complex<Real>> out, Gaps policy, unsigned threads) {
  std::vector<Real> filled(signal.begin(), signal.end());
  // Under Error the transform itself refuses, and says where.
  const std::vector<IndexRange> gaps =
      policy == Gaps::Error ? std::vector<IndexRange>() : fill_gaps<Real>(filled);
  cwt.forward<Real>(filled, out, threads);
  GapReport report{policy, 0, std::vector<size_t>(cwt.scales().size(), 0)};
  for (const IndexRange& gap : gaps) report.missing += gap.count;
  constexpr Real kNothing = std::numeric_limits<Real>::quiet_NaN();
  for (size_t s = 0; s < cwt.scales().size(); ++s) {
    const double reach = std::ceil(cwt.scales()[s] * cwt.wavelet().e_folding() / cwt.options().dt);
    const auto margin = static_cast<size_t>(std::min(reach, static_cast<double>(signal.size())));
    size_t counted = 0;  // positions before are done: neighbouring gaps share some
    for (const IndexRange& gap : gaps) {
      const size_t first = std::max(gap.first - std::min(margin, gap.first), counted);
      const size_t end = std::max(std::min(gap.first + gap.count + margin, signal.size()), first);
      report.spread[s] += end - first;
      if (policy == Gaps::Mask)
        std::ranges::fill(out.row(s).subspan(first, end - first),
                          std::complex<Real>(kNothing, kNothing));
      counted = end;
    }
  }
  return report;
}

template GapReport forward_with_gaps(const Cwt&, std::span<const float>,
                                     GridView<std::complex<float>>, Gaps, unsigned);
template GapReport forward_with_gaps(const Cwt&, std::span<const double>,
                                     GridView<std::complex<double>>, Gaps, unsigned);

}  // namespace dendrokv
