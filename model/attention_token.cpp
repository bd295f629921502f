// One token through a layer, model/attention.h: lanes that the threads cannot share evenly are cut.

#include "model/attention_scratch.h"

namespace dendrokv {

namespace {

// A lane of fewer rows is not cut for several threads: their hand-overs would take as long.
constexpr size_t kFewestRowsToCut = 256;

// Part number `piece` of [0, count) cut into `pieces`.
SlotRange part(size_t count, size_t piece, size_t pieces) {
  return {count * piece / pieces, count * (piece + 1) / pieces};
}

}  // namespace

// The pieces of the cut lanes' scores are dealt out first, then whole lanes, then the pieces of the
// sums: by the time that a thread comes to a sum, the scores have long been done.
void Attention::run_one_token(const AttentionBlock& block) {
  const size_t cut = lanes_to_cut(block), whole = lanes_of_layer_ - cut, pieces = cut * pieces_;
  for (size_t lane = 0; lane < cut; ++lane) {
    this->lane(block.layer, whole + lane).append(block, 0);
    cut_lanes_[lane].scored = cut_lanes_[lane].summed = 0;
    cut_lanes_[lane].weights_ready = 0;
  }
  const auto work_on = [&](size_t item) {
    const auto cut_lane = [&](size_t piece) -> CutLane& { return cut_lanes_[piece / pieces_]; };
    if (item < pieces) {
      score_piece(block, whole + item / pieces_, item % pieces_, cut_lane(item));
    } else if (item < pieces + whole) {
      const Lease scratch(*this);
      step(block, item - pieces, 0, *scratch);
    } else {
      const size_t piece = item - pieces - whole;
      sum_piece(block, whole + piece / pieces_, piece % pieces_, cut_lane(piece));
    }
  };
  pool_.for_each(2 * pieces + whole, 1, [&](size_t first, size_t count) {
    for (size_t item = first; item < first + count; ++item) work_on(item);
  });
}

// What is left when every thread has had as many whole lanes as every other.
size_t Attention::lanes_to_cut(const AttentionBlock& block) const {
  if (pieces_ == 1 || rows_of(block, 0) < kFewestRowsToCut) return 0;
  return lanes_of_layer_ % pool_.threads();
}

void Attention::score_piece(const AttentionBlock& block, size_t lane, size_t piece, CutLane& cut) {
  const AttentionLane& rows_of_lane = this->lane(block.layer, lane);
  const size_t rows = rows_of(block, lane);
  {
    const Lease scratch(*this);
    rows_of_lane.score(block, {0, 1}, rows, part(rows_of_lane.columns(rows), piece, pieces_),
                       (*scratch).queries, cut.work);
  }
  if (++cut.scored < pieces_) return;
  rows_of_lane.soften({0, 1}, rows, cut.work);
  cut.weights_ready = 1;  // before the observer, which may throw
  cut.weights_ready.notify_all();
  rows_of_lane.show(block, {0, 1}, rows, cut.work);
  rows_of_lane.finish_show(block, cut.work);
}

void Attention::sum_piece(const AttentionBlock& block, size_t lane, size_t piece, CutLane& cut) {
  cut.weights_ready.wait(0);
  const SlotRange channels = part(config_.head_dim, piece, pieces_);
  this->lane(block.layer, lane)
      .sum(block, {0, 1}, rows_of(block, lane), channels.first, channels.end - channels.first,
           cut.work);
  if (++cut.summed == pieces_) finish_step(block, lane, 0, reduce_step(block, lane, 0, cut.work));
}

}  // namespace dendrokv
