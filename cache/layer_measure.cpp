#include "cache/layer_measure.h"

#include <algorithm>
#include <utility>

namespace dendrokv {
namespace {

constexpr uint32_t kBlockSteps = 64;

std::vector<size_t> heads_of(Lane lane, uint32_t heads) {
  std::vector<size_t> all;
  for (uint32_t head = 0; head < heads; ++head) all.push_back(lane.index() * heads + head);
  return all;
}

}  // namespace

LayerMeasure::LayerMeasure(const TraceReader& trace, std::mutex& reading, std::span<const Run> runs,
                           std::span<RunNumbers> numbers, Layer layer)
    : trace_(trace),
      info_(trace.info()),
      reading_(reading),
      runs_(runs),
      numbers_(numbers),
      layer_(layer) {
  for (const Run& run : runs) {
    const size_t positions = size_t{run.retention.lanes()} * info_.tokens;
    last_share_.emplace_back(positions);
    for (size_t at = 0; at < positions; ++at)
      last_share_.back()[at] = static_cast<uint32_t>(at % info_.tokens);
  }
}

void LayerMeasure::run() {
  read_values();
  Grid<float> block(size_t{info_.model.heads} * kBlockSteps, info_.tokens);
  size_t next = 0;  // of the measured steps
  for (uint32_t first = 0; first < info_.tokens; first += kBlockSteps) {
    const uint32_t count = std::min(kBlockSteps, info_.tokens - first);
    read_block({first, count}, block);
    for (uint32_t row = 0; row < count; ++row) {
      const Step step(first + row);
      const GridView<const float> weights(block.data() + row * block.cols(), info_.model.heads,
                                          step.index() + 1, kBlockSteps * block.cols());
      const std::vector<Step>& measured = numbers_[0].steps;
      const bool measure = next < measured.size() && measured[next] == step;
      for (size_t run = 0; run < runs_.size(); ++run) {
        follow_positions(run, step, weights);
        if (measure) measure_heads(run, step, next, weights);
      }
      next += measure;
    }
  }
}

void LayerMeasure::read_values() {
  const std::lock_guard lock(reading_);
  for (uint32_t kv_head = 0; kv_head < info_.model.kv_heads; ++kv_head) {
    values_.emplace_back(info_.tokens, info_.model.head_dim);
    trace_.read_values(layer_.index(), KvHead(kv_head), {0, info_.tokens}, values_.back().view());
  }
}

void LayerMeasure::read_block(IndexRange steps, Grid<float>& block) {
  const std::lock_guard lock(reading_);
  for (uint32_t head = 0; head < info_.model.heads; ++head) {
    const GridView<float> to(block.data() + size_t{head} * kBlockSteps * block.cols(), steps.count,
                             steps.first + steps.count, block.cols());
    trace_.read_weights(layer_.index(), head, steps, {0, steps.first + steps.count}, to);
  }
}

void LayerMeasure::follow_positions(size_t run, Step step, GridView<const float> weights) {
  const uint32_t lanes = runs_[run].retention.lanes(), heads = info_.model.heads / lanes;
  for (Lane lane; lane.value < lanes; lane = lane.next()) {
    mean_.assign(weights.cols(), 0);
    for (const size_t head : heads_of(lane, heads))
      for (size_t position = 0; position < mean_.size(); ++position)
        mean_[position] += static_cast<double>(weights(head, position)) / heads;
    follow_lane(run, lane, step);
  }
}

void LayerMeasure::follow_lane(size_t run, Lane lane, Step step) {
  RunNumbers& numbers = numbers_[run];
  const auto evict_step = runs_[run].retention.evict_step(layer_, lane);
  const double share = 1.0 / (step.value + 1.0);
  const size_t first = numbers.of_lane(layer_, lane, Position(0));
  uint32_t* last = &last_share_[run][lane.index() * info_.tokens];
  for (size_t position = 0; position < mean_.size(); ++position) {
    const bool noticed = mean_[position] > share;
    const size_t at = first + position;
    if (evict_step[position] >= 0 && static_cast<uint32_t>(evict_step[position]) < step.value) {
      numbers.regret[at] += static_cast<float>(mean_[position]);
      if (noticed && numbers.first_regret[at] < 0)
        numbers.first_regret[at] = static_cast<int32_t>(step.value);
    }
    if (!noticed) continue;
    numbers.recurrence[at] =
        std::max(numbers.recurrence[at], static_cast<int32_t>(step.value - last[position]));
    last[position] = step.value;
  }
}

void LayerMeasure::measure_heads(size_t run, Step step, size_t step_index,
                                 GridView<const float> weights) {
  RunNumbers& numbers = numbers_[run];
  const Retention& retention = runs_[run].retention;
  for (Head head; head.value < info_.model.heads; head = head.next()) {
    const Lane lane(head.value * retention.lanes() / info_.model.heads);
    const auto evict_step = retention.evict_step(layer_, lane);
    seen_.resize(step.index() + 1);
    for (size_t position = 0; position < seen_.size(); ++position)
      seen_[position] =
          evict_step[position] < 0 || static_cast<uint32_t>(evict_step[position]) >= step.value;
    const HeadNumbers found =
        measure_.measure(weights.row(head.index()), seen_,
                         std::as_const(values_[info_.kv_head_of(head).index()]).view());
    const size_t at = numbers.of_head(layer_, head, step_index);
    numbers.retained_mass[at] = static_cast<float>(found.retained_mass);
    numbers.best_mass[at] = static_cast<float>(found.best_mass);
    numbers.output_error[at] = static_cast<float>(found.output_error);
    numbers.relative_error[at] = static_cast<float>(found.relative_error);
    numbers.cosine[at] = static_cast<float>(found.cosine);
    numbers.guilt[at] = static_cast<float>(found.guilt);
    if (found.guilt > 0) numbers.guiltiest[at] = static_cast<int32_t>(found.guiltiest.value);
  }
}

}  // namespace dendrokv
