// Retention: departures as arrays of [layer, lane, position]. The kept set after step t is every
// position p <= t with evict_step[p] = -1 or > t; the tree level of p after t is the number of q
// with rival[q] = p that left by then.

#include "data/retention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <list>

#include "data/error.h"
#include "data/retention_check.h"

namespace dendrokv {
namespace {

constexpr std::string_view kReasons[] = {"kept", "sink", "recent", "lost", "tie", "rule"};
constexpr std::string_view kLaneKinds[] = {"kv-head", "query-head", "layer"};
constexpr std::string_view kRunModes[] = {"closed-loop", "open-loop"};

constexpr size_t kDuelBytes = sizeof(int32_t) + 2 * sizeof(float) + sizeof(uint8_t);  // a position

bool left_by(int32_t evict_step, Step step) {
  return evict_step >= 0 && static_cast<uint32_t>(evict_step) <= step.value;
}

std::string lane_subject(std::string_view subject, uint32_t layer, uint32_t lane) {
  return std::string(subject) + ", layer " + std::to_string(layer) + ", lane " +
         std::to_string(lane);
}

void check_size(std::string_view subject, std::string_view name, size_t found, uint64_t wanted) {
  if (found != wanted)
    fail(std::string(subject), std::string(name) + " has " + std::to_string(found) + " entries",
         "wanted " + std::to_string(wanted));
}

uint64_t entry_count(uint64_t layers, uint64_t lanes, uint64_t tokens) {
  const uint64_t lanes_in_all = layers * lanes;  // both below 2^32
  const bool fits =
      lanes_in_all == 0 || tokens <= std::numeric_limits<int64_t>::max() / lanes_in_all;
  return fits ? lanes_in_all * tokens : std::numeric_limits<uint64_t>::max();
}

}  // namespace

std::span<const std::string_view> reason_names() {
  return kReasons;
}
std::string_view lane_kind_name(LaneKind kind) {
  return kLaneKinds[static_cast<size_t>(kind)];
}
uint32_t lane_count(LaneKind kind, uint32_t heads, uint32_t kv_heads) {
  switch (kind) {
    case LaneKind::PerKvHead:
      return kv_heads;
    case LaneKind::PerQueryHead:
      return heads;
    case LaneKind::PerLayer:
      return 1;
  }
  return 0;
}
std::string_view run_mode_name(RunMode mode) {
  return kRunModes[static_cast<size_t>(mode)];
}

Retention::Retention(uint32_t layers, uint32_t lanes, uint32_t tokens)
    : layers_(layers), lanes_(lanes), tokens_(tokens) {
  const size_t count = entry_count(layers, lanes, tokens);
  arrays_.evict_step.assign(count, -1);
  arrays_.rival.assign(count, -1);
  arrays_.score.assign(count, std::numeric_limits<float>::quiet_NaN());
  arrays_.rival_score.assign(count, std::numeric_limits<float>::quiet_NaN());
  arrays_.reason.assign(count, static_cast<uint8_t>(Reason::Kept));
}

Retention Retention::keep_all(uint32_t layers, uint32_t lanes, uint32_t tokens) {
  Retention retention(1, 1, tokens);
  retention.layers_ = layers;
  retention.lanes_ = lanes;
  retention.one_for_all_ = true;
  return retention;
}

/// The last lanes that were asked for, the newest first.
class Retention::RecentLanes {
 public:
  explicit RecentLanes(std::shared_ptr<const DuelSource> source) : source_(std::move(source)) {}

  const LaneDuels& of(Layer layer, Lane lane) {
    const auto known = std::ranges::find_if(
        lanes_, [&](const Known& one) { return one.layer == layer && one.lane == lane; });
    if (known != lanes_.end()) {
      lanes_.splice(lanes_.begin(), lanes_, known);
    } else {
      if (lanes_.size() == kMostLanes) lanes_.pop_back();
      lanes_.push_front({layer, lane, source_->read(layer, lane)});
    }
    return lanes_.front().duels;
  }
  LaneDuels read(Layer layer, Lane lane) const { return source_->read(layer, lane); }
  size_t bytes() const {
    size_t bytes = 0;
    for (const Known& one : lanes_) bytes += one.duels.rival.size() * kDuelBytes;
    return bytes;
  }

 private:
  static constexpr size_t kMostLanes = 2;
  struct Known {
    Layer layer;
    Lane lane;
    LaneDuels duels;
  };
  std::shared_ptr<const DuelSource> source_;
  std::list<Known> lanes_;
};

Retention Retention::on_demand(std::string_view subject, uint32_t layers, uint32_t lanes,
                               uint32_t tokens, std::vector<int32_t> evict_step,
                               std::shared_ptr<const DuelSource> duels) {
  check_size(subject, "evict_step", evict_step.size(), entry_count(layers, lanes, tokens));
  Retention retention;
  retention.layers_ = layers;
  retention.lanes_ = lanes;
  retention.tokens_ = tokens;
  retention.arrays_.evict_step = std::move(evict_step);
  retention.stored_ = std::make_shared<RecentLanes>(std::move(duels));
  for (uint32_t layer = 0; layer < layers; ++layer)
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      const LaneDuels read = retention.stored_->read(Layer(layer), Lane(lane));
      check_lane(lane_subject(subject, layer, lane),
                 {retention.evict_step(Layer(layer), Lane(lane)), read.rival, read.reason});
    }
  return retention;
}

std::optional<LaneDuels> Retention::stored_duels(Layer layer, Lane lane) const {
  if (!stored_) return std::nullopt;
  return stored_->read(layer, lane);
}

size_t Retention::bytes() const {
  return arrays_.evict_step.size() * sizeof(int32_t) + arrays_.rival.size() * kDuelBytes +
         (stored_ ? stored_->bytes() : 0);
}

size_t Retention::offset(Layer layer, Lane lane) const {
  DENDROKV_ASSERT(layer.value < layers_ && lane.value < lanes_);
  if (one_for_all_) return 0;
  return (layer.index() * lanes_ + lane.index()) * tokens_;
}

void Retention::record(Layer layer, Lane lane, const Eviction& eviction) {
  DENDROKV_ASSERT(eviction.victim.value <= eviction.step.value && eviction.step.value < tokens_);
  DENDROKV_ASSERT(eviction.rival >= -1 && eviction.rival < static_cast<int64_t>(tokens_));
  DENDROKV_ASSERT(!one_for_all_ && !stored_);
  const size_t at = offset(layer, lane) + eviction.victim.index();
  DENDROKV_ASSERT(arrays_.evict_step[at] == -1);
  arrays_.evict_step[at] = static_cast<int32_t>(eviction.step.value);
  arrays_.rival[at] = eviction.rival;
  arrays_.score[at] = eviction.score;
  arrays_.rival_score[at] = eviction.rival_score;
  arrays_.reason[at] = static_cast<uint8_t>(eviction.reason);
}

std::span<const int32_t> Retention::evict_step(Layer layer, Lane lane) const {
  return std::span(arrays_.evict_step).subspan(offset(layer, lane), tokens_);
}
std::span<const int32_t> Retention::rival(Layer layer, Lane lane) const {
  if (stored_) return stored_->of(layer, lane).rival;
  return std::span(arrays_.rival).subspan(offset(layer, lane), tokens_);
}
std::span<const float> Retention::score(Layer layer, Lane lane) const {
  if (stored_) return stored_->of(layer, lane).score;
  return std::span(arrays_.score).subspan(offset(layer, lane), tokens_);
}
std::span<const float> Retention::rival_score(Layer layer, Lane lane) const {
  if (stored_) return stored_->of(layer, lane).rival_score;
  return std::span(arrays_.rival_score).subspan(offset(layer, lane), tokens_);
}
std::span<const uint8_t> Retention::reason(Layer layer, Lane lane) const {
  if (stored_) return stored_->of(layer, lane).reason;
  return std::span(arrays_.reason).subspan(offset(layer, lane), tokens_);
}

bool Retention::kept_after(Layer layer, Lane lane, Position position, Step step) const {
  DENDROKV_ASSERT(position.value < tokens_);
  return position.value <= step.value && !left_by(evict_step(layer, lane)[position.index()], step);
}

bool Retention::seen_by(Layer layer, Lane lane, Position position, Step step) const {
  DENDROKV_ASSERT(position.value < tokens_);
  const int32_t left = evict_step(layer, lane)[position.index()];
  return position.value <= step.value && (left < 0 || static_cast<uint32_t>(left) >= step.value);
}

std::vector<Position> Retention::kept_positions(Layer layer, Lane lane, Step step) const {
  const auto left = evict_step(layer, lane);
  const size_t arrived = std::min<size_t>(tokens_, step.index() + 1);
  std::vector<Position> kept;
  for (size_t p = 0; p < arrived; ++p)
    if (!left_by(left[p], step)) kept.push_back(Position(p));
  return kept;
}

std::vector<uint16_t> Retention::levels(Layer layer, Lane lane, Step step) const {
  const auto left = evict_step(layer, lane);
  const auto winner = rival(layer, lane);
  std::vector<uint16_t> level(tokens_);
  for (size_t p = 0; p < tokens_; ++p) {
    if (winner[p] < 0 || !left_by(left[p], step)) continue;
    uint16_t& beaten = level[static_cast<size_t>(winner[p])];
    if (beaten < std::numeric_limits<uint16_t>::max()) ++beaten;
  }
  return level;
}

Retention Retention::from_arrays(std::string_view subject, uint32_t layers, uint32_t lanes,
                                 uint32_t tokens, Arrays arrays) {
  const uint64_t count = entry_count(layers, lanes, tokens);
  check_size(subject, "evict_step", arrays.evict_step.size(), count);
  check_size(subject, "rival", arrays.rival.size(), count);
  check_size(subject, "score", arrays.score.size(), count);
  check_size(subject, "rival_score", arrays.rival_score.size(), count);
  check_size(subject, "reason", arrays.reason.size(), count);
  Retention retention;
  retention.layers_ = layers;
  retention.lanes_ = lanes;
  retention.tokens_ = tokens;
  retention.arrays_ = std::move(arrays);
  for (uint32_t layer = 0; layer < layers; ++layer)
    for (uint32_t lane = 0; lane < lanes; ++lane)
      check_lane(
          lane_subject(subject, layer, lane),
          {retention.evict_step(Layer(layer), Lane(lane)),
           retention.rival(Layer(layer), Lane(lane)), retention.reason(Layer(layer), Lane(lane))});
  return retention;
}

}  // namespace dendrokv
