// A chunk is [chunk_steps, chunk_positions] of one (layer, head). The chunks of a pair that hold the same recorded steps form a
// band: as many chunks side by side as the positions up to the band's last step need. Bands are made when their first row comes,
// filled by the compute threads, each row by the thread that computed it, and handed over, in order, once the last of their steps
// is done on all layers. Positions that are not in a row stay absent: NaN, or code 0.

#include "model/recorder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/error.h"

namespace dendrokv {

namespace {

constexpr uint32_t kMostChunkPositions = 4096;
constexpr uint32_t kChunkBytes = 128 << 10;
constexpr uint32_t kFewestChunkSteps = 16, kMostChunkSteps = 64;
constexpr size_t kRowsPerHandover = 64;  // of keys and values
constexpr float kSumTolerance = 1e-3f;

// Place of each id among the recorded ones; -1 = not recorded.
template <class Id>
std::vector<int32_t> places_of(std::span<const Id> recorded, size_t count) {
  std::vector<int32_t> places(count, -1);
  for (size_t place = 0; place < recorded.size(); ++place)
    places.at(recorded[place].index()) = static_cast<int32_t>(place);
  return places;
}

template <class Id>
std::optional<size_t> place_in(const std::vector<int32_t>& places, Id id) {
  if (id.index() >= places.size() || places[id.index()] < 0) return std::nullopt;
  return static_cast<size_t>(places[id.index()]);
}

std::string fault_of(std::span<const float> weights) {
  std::array<float, 16> sums{},
      smallest{};  // chains side by side: every row of a trace passes here
  const auto add = [&](size_t chain, float weight) {
    sums[chain] += weight;
    smallest[chain] = weight < smallest[chain] ? weight : smallest[chain];
  };
  size_t first = 0;
  for (; first + 16 <= weights.size(); first += 16)
    for (size_t chain = 0; chain < 16; ++chain) add(chain, weights[first + chain]);
  for (; first < weights.size(); ++first) add(0, weights[first]);
  const float least = *std::ranges::min_element(smallest);
  const float sum = std::accumulate(sums.begin(), sums.end(), 0.0f);
  if (least < 0) return "has a weight of " + std::to_string(least);
  if (!(std::fabs(sum - 1) <= kSumTolerance)) return "sums to " + std::to_string(sum);
  return {};
}

// How many positions from the first on follow each other.
size_t without_gap(std::span<const Position> positions) {
  const uint32_t first = positions.front().value;
  if (positions.back().value - first + 1 == positions.size()) return positions.size();
  size_t count = 1;
  while (count < positions.size() && positions[count].value == first + count) ++count;
  return count;
}

}  // namespace

void choose_chunks(TracePlan& plan) {
  const uint32_t tokens = std::max(plan.info.tokens, 1u);
  plan.chunk_positions = std::min(tokens, kMostChunkPositions);
  const auto row_bytes =
      static_cast<uint32_t>(plan.chunk_positions * encoded_bytes(plan.info.encoding));
  const uint32_t steps = std::clamp(kChunkBytes / row_bytes, kFewestChunkSteps, kMostChunkSteps);
  plan.chunk_steps =
      std::min(steps, std::max<uint32_t>(1, static_cast<uint32_t>(plan.info.steps.size())));
}

class Recorder::Impl {
 public:
  Impl(TraceWriter& writer, const TracePlan& plan);

  bool wants_attention(Layer layer, Head head, Step step) const {
    return place_in(layer_place_, layer) && place_in(head_place_, head) &&
           place_in(step_place_, step);
  }
  bool wants_rows(Layer layer) const { return place_in(layer_place_, layer).has_value(); }
  void on_attention(const AttentionRow& row);
  void on_row(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
              std::span<const float> value);
  void on_steps_done(Step end);
  void flush();

 private:
  using Band = std::vector<std::vector<std::byte>>;  // chunks side by side
  // One recorded (layer, head).
  struct Pair {
    std::mutex mutex;              // of the map, not of the rows in it
    std::map<size_t, Band> bands;  // by step chunk
  };
  // What a KV head appended and the writer has not got yet.
  struct Rows {
    Position first;
    std::vector<float> values, keys;  // [row, head_dim]
  };

  Band& band_of(Pair& pair, size_t step_chunk);
  Band new_band(size_t step_chunk) const;
  void store(const AttentionRow& row, Band& band, size_t chunk_row) const;
  void hand_over_rows(size_t fewest);
  void hand_over_bands(size_t end);  // the bands before step chunk `end`
  size_t recorded_before(Step end) const;
  void check(const AttentionRow& row);
  void rethrow();

  TraceWriter& writer_;
  const TraceInfo info_;
  const size_t chunk_steps_, chunk_positions_, cell_bytes_;
  std::vector<std::byte> absent_row_;  // of a chunk
  std::vector<int32_t> layer_place_, head_place_, step_place_;
  std::vector<Pair> pairs_;     // [recorded layer, recorded head]
  std::vector<Rows> rows_;      // [recorded layer, kv_head]
  size_t recorded_ = 0;         // steps that are done
  size_t next_step_chunk_ = 0;  // to hand over
  std::mutex fault_mutex_;
  std::string fault_;  // the first bad row
};

Recorder::Impl::Impl(TraceWriter& writer, const TracePlan& plan)
    : writer_(writer),
      info_(plan.info),
      chunk_steps_(plan.chunk_steps),
      chunk_positions_(plan.chunk_positions),
      cell_bytes_(encoded_bytes(info_.encoding)),
      absent_row_(chunk_positions_ * cell_bytes_),
      layer_place_(places_of<Layer>(info_.layers, info_.model.layers)),
      head_place_(places_of<Head>(info_.heads, info_.model.heads)),
      step_place_(places_of<Step>(info_.steps, info_.tokens)),
      pairs_(info_.layers.size() * info_.heads.size()),
      rows_(info_.layers.size() * info_.model.kv_heads) {
  const std::vector<float> absent(chunk_positions_, std::nanf(""));
  encode_weights(info_.encoding, absent, absent_row_);
}

void Recorder::Impl::on_attention(const AttentionRow& row) {
  const size_t layer = *place_in(layer_place_, row.layer);
  const size_t head = *place_in(head_place_, row.head);
  const size_t step = *place_in(step_place_, row.step);
  check(row);
  Pair& pair = pairs_[layer * info_.heads.size() + head];
  store(row, band_of(pair, step / chunk_steps_), step % chunk_steps_);
}

void Recorder::Impl::check(const AttentionRow& row) {
  const std::string fault = fault_of(row.weights);
  if (fault.empty()) return;
  const std::lock_guard lock(fault_mutex_);
  if (fault_.empty())
    fault_ = "layer " + std::to_string(row.layer.value) + ", head " +
             std::to_string(row.head.value) + ", step " + std::to_string(row.step.value) + " " +
             fault;
}

// References into a map outlive later insertions, so that rows are written without the lock.
Recorder::Impl::Band& Recorder::Impl::band_of(Pair& pair, size_t step_chunk) {
  const std::lock_guard lock(pair.mutex);
  const auto known = pair.bands.find(step_chunk);
  if (known != pair.bands.end()) return known->second;
  return pair.bands.emplace(step_chunk, new_band(step_chunk)).first->second;
}

Recorder::Impl::Band Recorder::Impl::new_band(size_t step_chunk) const {
  const size_t last = std::min((step_chunk + 1) * chunk_steps_, info_.steps.size()) - 1;
  const size_t chunks = info_.steps[last].index() / chunk_positions_ + 1;
  Band band(chunks);
  for (auto& chunk : band) {
    chunk.reserve(chunk_steps_ * absent_row_.size());
    for (size_t step = 0; step < chunk_steps_; ++step)
      chunk.insert(chunk.end(), absent_row_.begin(), absent_row_.end());
  }
  return band;
}

// Positions without a gap go straight into the chunk: all of a full cache, long runs of an evicted one.
void Recorder::Impl::store(const AttentionRow& row, Band& band, size_t chunk_row) const {
  for (size_t first = 0; first < row.weights.size();) {
    const size_t position = row.positions[first].index();
    const size_t room = chunk_positions_ - position % chunk_positions_;
    const size_t count = std::min(room, without_gap(row.positions.subspan(first)));
    std::byte* cell = band[position / chunk_positions_].data() +
                      (chunk_row * chunk_positions_ + position % chunk_positions_) * cell_bytes_;
    encode_weights(info_.encoding, row.weights.subspan(first, count),
                   std::span(cell, count * cell_bytes_));
    first += count;
  }
}

void Recorder::Impl::on_row(Layer layer, KvHead kv_head, Position position,
                            std::span<const float> key, std::span<const float> value) {
  DENDROKV_ASSERT(position.index() < info_.tokens);
  Rows& rows = rows_[*place_in(layer_place_, layer) * info_.model.kv_heads + kv_head.index()];
  rows.values.insert(rows.values.end(), value.begin(), value.end());
  if (info_.keys == KeyRows::Record) rows.keys.insert(rows.keys.end(), key.begin(), key.end());
}

void Recorder::Impl::on_steps_done(Step end) {
  rethrow();
  recorded_ = recorded_before(end);
  hand_over_rows(kRowsPerHandover);
  hand_over_bands(recorded_ / chunk_steps_);
}

void Recorder::Impl::flush() {
  rethrow();
  hand_over_rows(1);
  hand_over_bands((recorded_ + chunk_steps_ - 1) / chunk_steps_);
}

void Recorder::Impl::rethrow() {
  if (fault_.empty()) return;
  fail("attention", fault_, "finite weights from 0 that sum to 1",
       "the engine computed nonsense: check the model file");
}

size_t Recorder::Impl::recorded_before(Step end) const {
  return static_cast<size_t>(std::ranges::lower_bound(info_.steps, end) - info_.steps.begin());
}

void Recorder::Impl::hand_over_rows(size_t fewest) {
  const size_t size = info_.model.head_dim;
  for (size_t place = 0; place < rows_.size(); ++place) {
    Rows& rows = rows_[place];
    const size_t count = rows.values.size() / size;
    if (count < fewest) continue;
    const size_t layer = place / info_.model.kv_heads;
    const KvHead kv_head(place % info_.model.kv_heads);
    writer_.write_values(layer, kv_head, rows.first,
                         GridView<const float>(rows.values.data(), count, size));
    if (info_.keys == KeyRows::Record)
      writer_.write_keys(layer, kv_head, rows.first,
                         GridView<const float>(rows.keys.data(), count, size));
    rows.first = Position(rows.first.value + count);
    rows.values.clear();
    rows.keys.clear();
  }
}

void Recorder::Impl::hand_over_bands(size_t end) {
  if (end <= next_step_chunk_) return;
  for (; next_step_chunk_ < end; ++next_step_chunk_)
    for (size_t place = 0; place < pairs_.size(); ++place) {
      const auto band = pairs_[place].bands.extract(next_step_chunk_);
      DENDROKV_ASSERT(!band.empty());
      for (size_t chunk = 0; chunk < band.mapped().size(); ++chunk)
        writer_.write_weights(place / info_.heads.size(), place % info_.heads.size(),
                              next_step_chunk_, chunk, std::move(band.mapped()[chunk]));
    }
  writer_.mark_steps_valid(std::min(recorded_, end * chunk_steps_));
}

Recorder::Recorder(TraceWriter& writer, const TracePlan& plan)
    : impl_(std::make_unique<Impl>(writer, plan)) {}
Recorder::~Recorder() = default;

bool Recorder::wants_attention(Layer layer, Head head, Step step) const {
  return impl_->wants_attention(layer, head, step);
}

bool Recorder::wants_rows(Layer layer) const {
  return impl_->wants_rows(layer);
}

void Recorder::on_attention(const AttentionRow& row) {
  impl_->on_attention(row);
}

void Recorder::on_row(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
                      std::span<const float> value) {
  impl_->on_row(layer, kv_head, position, key, value);
}

void Recorder::on_steps_done(Step first, uint32_t count) {
  impl_->on_steps_done(Step(first.value + count));
}

void Recorder::flush() {
  impl_->flush();
}

}  // namespace dendrokv
