#include "data/span_survival.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

// The smallest of sorted values that at least a share of them do not exceed.
float quantile(std::span<const float> sorted, double share) {
  const double place = std::ceil(share * static_cast<double>(sorted.size())) - 1;
  return sorted[static_cast<size_t>(std::max(place, 0.0))];
}

// The fractions of the lanes, [layer * lanes + lane], of tokens of a span held after a step.
void fractions_after(const Retention& retention, const TextSpan& span, Step step,
                     std::span<float> fractions) {
  for (size_t lane = 0; lane < fractions.size(); ++lane) {
    const auto left =
        retention.evict_step(Layer(lane / retention.lanes()), Lane(lane % retention.lanes()))
            .subspan(span.first, span.end - span.first);
    const auto held = std::ranges::count_if(left, [&](int32_t evicted) {
      return evicted < 0 || static_cast<uint32_t>(evicted) > step.value;
    });
    fractions[lane] = static_cast<float>(held) / static_cast<float>(left.size());
  }
}

int32_t last_departure(std::span<const int32_t> left) {
  return std::ranges::find(left, -1) != left.end() ? -1 : *std::ranges::max_element(left);
}

}  // namespace

double fraction_held(const Retention& retention, const TextSpan& span, Step step) {
  std::vector<float> fractions(size_t{retention.layers()} * retention.lanes());
  fractions_after(retention, span, step, fractions);
  double sum = 0;
  for (const float fraction : fractions) sum += static_cast<double>(fraction);
  return sum / static_cast<double>(fractions.size());
}

SpanSurvival survival(const Run& run, std::span<const TextSpan> spans,
                      std::span<const Step> steps) {
  const Retention& retention = run.retention;
  const size_t lanes = size_t{retention.layers()} * retention.lanes();
  constexpr float kNotYet = std::numeric_limits<float>::quiet_NaN();
  SpanSurvival result{
      .lane_kind = run.lane_kind,
      .layers = retention.layers(),
      .lanes = retention.lanes(),
      .kept = Grid<float>(spans.size(), steps.size(), kNotYet),
      .quantiles = Grid<float>(spans.size() * kSpanQuantiles.size(), steps.size(), kNotYet),
      .held_until = {}};
  std::vector<float> fractions(lanes);
  for (size_t s = 0; s < spans.size(); ++s) {
    const TextSpan& span = spans[s];
    DENDROKV_ASSERT(span.first < span.end && span.end <= retention.tokens());
    for (size_t at = 0; at < steps.size(); ++at) {
      if (steps[at].value + 1 < span.end) continue;
      fractions_after(retention, span, steps[at], fractions);
      result.kept(s, at) = static_cast<float>(fraction_held(retention, span, steps[at]));
      std::ranges::sort(fractions);
      for (size_t q = 0; q < kSpanQuantiles.size(); ++q)
        result.quantiles(s * kSpanQuantiles.size() + q, at) =
            quantile(fractions, kSpanQuantiles[q]);
    }
    for (size_t lane = 0; lane < lanes; ++lane)
      result.held_until.push_back(last_departure(
          retention.evict_step(Layer(lane / retention.lanes()), Lane(lane % retention.lanes()))
              .subspan(span.first, span.end - span.first)));
  }
  return result;
}

}  // namespace dendrokv
