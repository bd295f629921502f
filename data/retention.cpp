#include "data/retention.h"

#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::string_view kReasonNames[] = {"kept", "sink", "recent", "lost", "tie", "rule"};

std::string entry_name(size_t layer, size_t lane, size_t position) {
  return "layer " + std::to_string(layer) + " lane " + std::to_string(lane) + " position " +
         std::to_string(position);
}

// The rules that readers rely on.
struct EntryPlace {
  size_t layer, lane, position, offset;  // offset of (layer, lane, 0)
};

void check_entry(std::string_view subject, const Retention::Arrays& arrays, const EntryPlace& place,
                 uint32_t tokens) {
  const size_t at = place.offset, position = place.position;
  const auto name = [&] { return entry_name(place.layer, place.lane, place.position); };
  const int64_t step = arrays.evict_step[at + position];
  const int64_t rival = arrays.rival[at + position];
  const std::string where(subject);
  const int64_t last = tokens;
  if (step != -1 && (step < static_cast<int64_t>(position) || step >= last))
    fail(where, name() + " left at step " + std::to_string(step),
         "wanted -1 or a step from its own to the last");
  if (rival < -1 || rival >= last || rival == static_cast<int64_t>(position))
    fail(where, name() + " has rival " + std::to_string(rival), "wanted -1 or another position");
  if (arrays.reason[at + position] >= std::size(kReasonNames))
    fail(where, name() + " has reason " + std::to_string(arrays.reason[at + position]),
         "wanted one of the enumeration");
  if (rival == -1) return;
  if (step == -1) fail(where, name() + " has a rival but is kept", "wanted both or neither");
  const int64_t rival_step = arrays.evict_step[at + static_cast<size_t>(rival)];
  if (rival_step != -1 && rival_step < step)
    fail(where, name() + " lost to a position that had left before", "wanted a rival that was there");
}

}  // namespace

std::span<const std::string_view> reason_names() { return kReasonNames; }

std::string_view lane_kind_name(LaneKind kind) {
  switch (kind) {
    case LaneKind::PerKvHead:
      return "kv-head";
    case LaneKind::PerQueryHead:
      return "query-head";
    case LaneKind::PerLayer:
      return "layer";
  }
  DENDROKV_ASSERT(false);
  return {};
}

std::string_view run_mode_name(RunMode mode) {
  return mode == RunMode::ClosedLoop ? "closed-loop" : "open-loop";
}

Retention::Retention(uint32_t layers, uint32_t lanes, uint32_t tokens)
    : layers_(layers), lanes_(lanes), tokens_(tokens) {
  const size_t cells = size_t{layers} * lanes * tokens;
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  arrays_.evict_step.assign(cells, -1);
  arrays_.rival.assign(cells, -1);
  arrays_.score.assign(cells, kNone);
  arrays_.rival_score.assign(cells, kNone);
  arrays_.reason.assign(cells, static_cast<uint8_t>(Reason::Kept));
}

size_t Retention::offset(Layer layer, Lane lane) const {
  DENDROKV_ASSERT(layer.value < layers_ && lane.value < lanes_);
  return (layer.index() * lanes_ + lane.index()) * tokens_;
}

void Retention::record(Layer layer, Lane lane, const Eviction& eviction) {
  DENDROKV_ASSERT(eviction.victim.value < tokens_ && eviction.step.value < tokens_);
  const size_t at = offset(layer, lane) + eviction.victim.index();
  DENDROKV_ASSERT(arrays_.evict_step[at] == -1);
  arrays_.evict_step[at] = static_cast<int32_t>(eviction.step.value);
  arrays_.rival[at] = eviction.rival;
  arrays_.score[at] = eviction.score;
  arrays_.rival_score[at] = eviction.rival_score;
  arrays_.reason[at] = static_cast<uint8_t>(eviction.reason);
}

std::span<const int32_t> Retention::evict_step(Layer layer, Lane lane) const {
  return {arrays_.evict_step.data() + offset(layer, lane), tokens_};
}
std::span<const int32_t> Retention::rival(Layer layer, Lane lane) const {
  return {arrays_.rival.data() + offset(layer, lane), tokens_};
}
std::span<const float> Retention::score(Layer layer, Lane lane) const {
  return {arrays_.score.data() + offset(layer, lane), tokens_};
}
std::span<const float> Retention::rival_score(Layer layer, Lane lane) const {
  return {arrays_.rival_score.data() + offset(layer, lane), tokens_};
}
std::span<const uint8_t> Retention::reason(Layer layer, Lane lane) const {
  return {arrays_.reason.data() + offset(layer, lane), tokens_};
}

bool Retention::kept_after(Layer layer, Lane lane, Position position, Step step) const {
  if (position.value > step.value) return false;
  const int64_t left = evict_step(layer, lane)[position.index()];
  return left == -1 || left > step.value;
}

bool Retention::seen_by(Layer layer, Lane lane, Position position, Step step) const {
  if (position.value > step.value) return false;
  const int64_t left = evict_step(layer, lane)[position.index()];
  return left == -1 || left >= step.value;
}

std::vector<Position> Retention::kept_positions(Layer layer, Lane lane, Step step) const {
  std::vector<Position> kept;
  for (uint32_t position = 0; position < tokens_ && position <= step.value; ++position)
    if (kept_after(layer, lane, Position(position), step)) kept.emplace_back(position);
  return kept;
}

std::vector<uint16_t> Retention::levels(Layer layer, Lane lane, Step step) const {
  const auto left = evict_step(layer, lane);
  const auto winner = rival(layer, lane);
  std::vector<uint16_t> level(tokens_, 0);
  for (size_t position = 0; position < tokens_; ++position)
    if (winner[position] >= 0 && left[position] <= static_cast<int64_t>(step.value))
      ++level[static_cast<size_t>(winner[position])];
  return level;
}

Retention Retention::from_arrays(std::string_view subject, uint32_t layers, uint32_t lanes,
                                 uint32_t tokens, Arrays arrays) {
  const size_t cells = size_t{layers} * lanes * tokens;
  for (const size_t size : {arrays.evict_step.size(), arrays.rival.size(), arrays.score.size(),
                            arrays.rival_score.size(), arrays.reason.size()})
    if (size != cells)
      fail(std::string(subject), "an array of " + std::to_string(size) + " entries",
           "wanted " + std::to_string(cells) + " = layers x lanes x tokens");
  for (size_t layer = 0; layer < layers; ++layer)
    for (size_t lane = 0; lane < lanes; ++lane)
      for (size_t position = 0; position < tokens; ++position)
        check_entry(subject, arrays,
                    {layer, lane, position, (layer * lanes + lane) * tokens}, tokens);
  Retention retention;
  retention.layers_ = layers;
  retention.lanes_ = lanes;
  retention.tokens_ = tokens;
  retention.arrays_ = std::move(arrays);
  return retention;
}

}  // namespace dendrokv
