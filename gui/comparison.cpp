#include "gui/comparison.h"

#include <algorithm>
#include <limits>

namespace dendrokv {
namespace {

/// Steps of the first text [begin, end) after which something is kept.
struct Span {
  uint32_t begin, end;
  bool empty() const { return begin >= end; }
};

Span intersection(Span a, Span b) {
  return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

/// Counts of spans by step, as differences.
class Tally {
 public:
  explicit Tally(uint32_t steps) : change_(steps + size_t{1}) {}
  void add(Span span) {
    if (span.empty()) return;
    ++change_[span.begin];
    --change_[span.end];
  }
  /// [step]
  std::vector<uint32_t> counts() const {
    std::vector<uint32_t> counts;
    int32_t now = 0;
    for (size_t step = 0; step + 1 < change_.size(); ++step)
      counts.push_back(static_cast<uint32_t>(now += change_[step]));
    return counts;
  }

 private:
  std::vector<int32_t> change_;
};

Span kept_span(std::span<const int32_t> evicted, size_t position) {
  const uint32_t end = evicted[position] < 0 ? static_cast<uint32_t>(evicted.size())
                                             : static_cast<uint32_t>(evicted[position]);
  return {static_cast<uint32_t>(position), end};
}

/// [step of the second text, one past the last included] the first step of the first text that has
/// read as far; one past the last when none has.
std::vector<uint32_t> first_reaching(const Alignment& alignment) {
  const uint32_t steps = alignment.first_tokens();
  std::vector<uint32_t> reaching(alignment.second_tokens() + size_t{1}, steps);
  uint32_t at = 0;
  for (uint32_t wanted = 0; wanted < alignment.second_tokens(); ++wanted) {
    while (at < steps && alignment.second_step(Step(at)).value < wanted) ++at;
    reaching[wanted] = at;
  }
  return reaching;
}

}  // namespace

std::optional<LaneId> lane_beside(const Run& first, const Run& second, LaneId lane) {
  if (lane.layer.value >= second.retention.layers()) return std::nullopt;
  return LaneId{lane.layer,
                Lane(lane.lane.value * second.retention.lanes() / first.retention.lanes())};
}

std::vector<Membership> memberships(const Pairing& pairing, LaneId lane, Step step) {
  const std::optional<LaneId> beside = lane_beside(pairing.first, pairing.second, lane);
  const Step second_step = pairing.alignment.second_step(step);
  std::vector<Membership> found(pairing.alignment.first_tokens(), Membership::NotYet);
  for (uint32_t p = 0; p <= step.value && p < found.size(); ++p) {
    const bool here = pairing.first.retention.kept_after(lane.layer, lane.lane, Position(p), step);
    const std::optional<Position> partner = pairing.alignment.second(Position(p));
    const bool there =
        beside && partner &&
        pairing.second.retention.kept_after(beside->layer, beside->lane, *partner, second_step);
    found[p] = here ? (there ? Membership::Both : Membership::OnlyFirst)
                    : (there ? Membership::OnlySecond : Membership::Neither);
  }
  return found;
}

double Overlap::jaccard() const {
  const uint32_t any = both + only_first + only_second;
  return any == 0 ? 1 : static_cast<double>(both) / any;
}

std::vector<Overlap> overlap_over_steps(const Pairing& pairing, LaneId lane) {
  const Alignment& alignment = pairing.alignment;
  const auto here = pairing.first.retention.evict_step(lane.layer, lane.lane);
  const std::optional<LaneId> beside = lane_beside(pairing.first, pairing.second, lane);
  Tally first(alignment.first_tokens()), second(alignment.first_tokens()),
      both(alignment.first_tokens());
  for (size_t p = 0; p < here.size(); ++p) first.add(kept_span(here, p));
  if (beside) {
    const auto there = pairing.second.retention.evict_step(beside->layer, beside->lane);
    const std::vector<uint32_t> reaching = first_reaching(alignment);
    for (size_t q = 0; q < there.size(); ++q) {
      const Span span = kept_span(there, q);
      const Span mapped{reaching[span.begin], reaching[span.end]};
      second.add(mapped);
      if (const std::optional<Position> partner = alignment.first(Position(q)))
        both.add(intersection(mapped, kept_span(here, partner->index())));
    }
  }
  const std::vector<uint32_t> firsts = first.counts(), seconds = second.counts(),
                              boths = both.counts();
  std::vector<Overlap> overlaps;
  for (size_t step = 0; step < firsts.size(); ++step)
    overlaps.push_back({boths[step], firsts[step] - boths[step], seconds[step] - boths[step]});
  return overlaps;
}

Overlap overlap_at(const Pairing& pairing, LaneId lane, Step step) {
  const std::optional<LaneId> beside = lane_beside(pairing.first, pairing.second, lane);
  const Step second_step = pairing.alignment.second_step(step);
  Overlap overlap;
  for (uint32_t p = 0; p <= step.value; ++p)
    overlap.only_first +=
        pairing.first.retention.kept_after(lane.layer, lane.lane, Position(p), step);
  for (uint32_t q = 0; beside && q <= second_step.value; ++q) {
    if (!pairing.second.retention.kept_after(beside->layer, beside->lane, Position(q), second_step))
      continue;
    const std::optional<Position> partner = pairing.alignment.first(Position(q));
    const bool here =
        partner && pairing.first.retention.kept_after(lane.layer, lane.lane, *partner, step);
    overlap.both += here;
    overlap.only_first -= here;
    overlap.only_second += !here;
  }
  return overlap;
}

Grid<float> jaccard_of_lanes(const Pairing& pairing, Step step) {
  Grid<float> values(pairing.first.retention.layers(), pairing.first.retention.lanes(),
                     std::numeric_limits<float>::quiet_NaN());
  for (const LaneId& lane : all_lanes(pairing.first))
    if (lane_beside(pairing.first, pairing.second, lane))
      values(lane.layer.index(), lane.lane.index()) =
          static_cast<float>(overlap_at(pairing, lane, step).jaccard());
  return values;
}

std::optional<Disagreement> largest_disagreement(const Pairing& pairing) {
  std::optional<Disagreement> worst;
  for (const LaneId& lane : all_lanes(pairing.first)) {
    if (!lane_beside(pairing.first, pairing.second, lane)) continue;
    const std::vector<Overlap> overlaps = overlap_over_steps(pairing, lane);
    for (size_t step = 0; step < overlaps.size(); ++step) {
      const double jaccard = overlaps[step].jaccard();
      if (jaccard < (worst ? worst->jaccard : 1.0)) worst = {lane, Step(step), jaccard};
    }
  }
  return worst;
}

}  // namespace dendrokv
