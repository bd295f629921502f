// Each row goes into the bands of every dataset that the capture asks for, encoded or reduced by
// the thread that computed it. Positions that are not in a row are absent: NaN, or code 0.

#include "model/recorder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/error.h"
#include "data/half.h"
#include "model/row_bands.h"
#include "model/row_reductions.h"

namespace dendrokv {

namespace {

// A block of prefill has 64 tokens, so that a layer's bands leave with the block. Narrow chunks
// leave out more of what lies beyond the diagonal, wide ones are fewer.
constexpr uint32_t kMostChunkSteps = 64, kFewestChunkSteps = 8;
constexpr uint32_t kFewestChunkPositions = 128, kMostChunkPositions = 4096;
constexpr uint32_t kChunksPerRow = 16;
// Larger ones are few enough, and a reader of one head may have to take the others with it.
constexpr uint64_t kMostSharedBytes = uint64_t{256} << 10;
// Of the bands of all (layer, head) while tokens come one by one.
constexpr uint64_t kOpenBytes = uint64_t{160} << 20;
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

std::string fault_of(const RowMeasures& row) {
  if (row.least < 0) return "has a weight of " + std::to_string(row.least);
  if (!(std::fabs(row.sum - 1) <= kSumTolerance)) return "sums to " + std::to_string(row.sum);
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

// Whether the recorded heads are all of those that share a KV head, for each of some KV heads.
bool are_whole_groups(const TraceInfo& info) {
  if (info.heads.empty() || info.model.kv_heads == 0) return false;
  const uint32_t group = info.group();
  if (info.heads.size() % group != 0) return false;
  for (size_t i = 0; i < info.heads.size(); ++i)
    if (info.heads[i].value != info.heads[i / group * group].value + i % group ||
        info.heads[i].value % group != i % group)
      return false;
  return true;
}

}  // namespace

void choose_chunks(TracePlan& plan) {
  const TraceInfo& info = plan.info;
  const uint32_t tokens = std::max(info.tokens, 1u);
  const uint32_t positions = std::clamp(std::bit_ceil(tokens / kChunksPerRow + 1),
                                        kFewestChunkPositions, kMostChunkPositions);
  const uint64_t pairs = std::max<uint64_t>(info.layers.size() * info.heads.size(), 1);
  const uint64_t row_bytes = pairs * tokens * encoded_bytes(info.encoding);
  const uint64_t fitting = std::bit_floor(std::max<uint64_t>(kOpenBytes / row_bytes, 1));
  const auto steps = std::clamp<uint64_t>(fitting, kFewestChunkSteps, kMostChunkSteps);
  plan.counts = info.policy == "full" ? PyramidCounts::Follow : PyramidCounts::Store;
  plan.chunk_positions = std::min(tokens, positions);
  plan.chunk_steps =
      static_cast<uint32_t>(std::min<uint64_t>(steps, std::max<size_t>(info.steps.size(), 1)));
  const uint64_t head_bytes =
      uint64_t{plan.chunk_steps} * plan.chunk_positions * encoded_bytes(info.encoding);
  const bool share = are_whole_groups(info) && info.group() * head_bytes <= kMostSharedBytes;
  plan.chunk_heads = share ? info.group() : 1;
}

/// Of one row, made by the first dataset that wants them for those that come after it.
struct Reductions {
  TopWeights top;
  PooledWeights pools;
};

class Recorder::Impl {
 public:
  Impl(TraceWriter& writer, const TracePlan& plan);

  bool wants_attention(Layer layer, Head head, Step step) const {
    return place_in(layer_place_, layer) && place_in(head_place_, head) &&
           place_in(step_place_, step);
  }
  bool wants_rows(Layer layer) const { return place_in(layer_place_, layer).has_value(); }
  void on_attention(std::span<const AttentionRow> rows);
  void on_attention_done(std::span<const AttentionRow> rows);
  void on_row(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
              std::span<const float> value);
  void on_steps_done(Step end);
  void flush();

 private:
  /// The chunk of value and key rows that a KV head is filling.
  struct KvChunk {
    size_t rows = 0;  // that came in all
    PageBuffer values, keys;
  };

  size_t pair_of(const AttentionRow& row) const;
  size_t step_of(const AttentionRow& row) const { return *place_in(step_place_, row.step); }
  bool is_tile(std::span<const AttentionRow> rows) const;
  void store_tile(std::span<const AttentionRow> rows, const RowBands::Tile& tile);
  void store(std::span<const AttentionRow> rows, RowBands& bands, size_t pair, size_t step);
  void put(const AttentionRow& row, const RowLayout& layout, Reductions& made,
           RowBands::Row& cells) const;
  void append(PageBuffer& chunk, size_t row, std::span<const float> values) const;
  void hand_over_kv(size_t place);
  void check(const AttentionRow& row, const RowMeasures& measures);
  void keep_error();
  void rethrow();
  size_t recorded_before(Step end) const;
  size_t whole_steps(Step end) const;

  TraceWriter& writer_;
  const TraceInfo info_;
  const PyramidCounts counts_;
  const size_t kv_chunk_rows_, kv_cell_bytes_;
  const PagePool kv_pool_;  // of its own: these chunks are filled over several blocks of tokens
  std::vector<int32_t> layer_place_, head_place_, step_place_;
  std::deque<RowBands> bands_;      // one of each dataset
  std::vector<KvChunk> kv_chunks_;  // [recorded layer, kv_head]
  size_t marked_ = 0;               // steps that the file says are whole
  Step end_;                        // of the steps that are done
  std::mutex fault_mutex_;
  std::string fault_;         // the first bad row
  std::exception_ptr error_;  // the first that came up in a compute thread
};

Recorder::Impl::Impl(TraceWriter& writer, const TracePlan& plan)
    : writer_(writer),
      info_(plan.info),
      counts_(plan.counts),
      kv_chunk_rows_(kv_chunk_rows(plan.info)),
      kv_cell_bytes_(kv_cell_bytes(plan.info)),
      layer_place_(places_of<Layer>(info_.layers, info_.model.layers)),
      head_place_(places_of<Head>(info_.heads, info_.model.heads)),
      step_place_(places_of<Step>(info_.steps, info_.tokens)),
      kv_chunks_(info_.layers.size() * info_.model.kv_heads) {
  for (const RowLayout& layout : plan.layouts()) bands_.emplace_back(writer_, info_, layout);
}

// Calls visit with the rows of one head after the other.
template <class Visit>
void each_head(std::span<const AttentionRow> rows, Visit visit) {
  while (!rows.empty()) {
    const auto other = [&](const AttentionRow& row) { return row.head != rows.front().head; };
    const auto count = static_cast<size_t>(std::ranges::find_if(rows, other) - rows.begin());
    visit(rows.first(count));
    rows = rows.subspan(count);
  }
}

/// What a thread has been shown last: its tiles, from on_attention to on_attention_done.
struct ShownTiles {
  std::vector<bool> of_head;  // whether the rows of the head are a tile
  std::vector<RowBands::Tile> tiles;
};
ShownTiles& shown_tiles() {
  thread_local ShownTiles shown;
  return shown;
}

// All tiles are opened before the first is stored, and closed when what was stored has arrived:
// locks wait for such stores. An error must not leave through the engine's threads.
void Recorder::Impl::on_attention(std::span<const AttentionRow> rows) {
  ShownTiles& shown = shown_tiles();
  shown.of_head.clear();
  shown.tiles.clear();
  try {
    each_head(rows, [&](auto of_head) {
      shown.of_head.push_back(is_tile(of_head));
      if (shown.of_head.back())
        bands_.front().open_tile(pair_of(of_head[0]), step_of(of_head[0]), of_head.size(),
                                 shown.tiles);
    });
    size_t head = 0, tile = 0;
    each_head(rows, [&](auto of_head) {
      if (shown.of_head[head++]) store_tile(of_head, shown.tiles[tile++]);
    });
    head = 0;
    each_head(rows, [&](auto of_head) {
      const bool stored = shown.of_head[head++];
      for (RowBands& bands : bands_)
        if (!stored || &bands != &bands_.front())
          store(of_head, bands, pair_of(of_head[0]), step_of(of_head[0]));
    });
  } catch (...) {
    keep_error();
  }
}

void Recorder::Impl::on_attention_done(std::span<const AttentionRow>) {
  try {
    if (!bands_.empty()) bands_.front().close_tiles(shown_tiles().tiles);
  } catch (...) {
    keep_error();
  }
}

size_t Recorder::Impl::pair_of(const AttentionRow& row) const {
  return *place_in(layer_place_, row.layer) * info_.heads.size() + *place_in(head_place_, row.head);
}

void Recorder::Impl::check(const AttentionRow& row, const RowMeasures& measures) {
  std::string fault = fault_of(measures);
  if (counts_ == PyramidCounts::Follow && row.positions.size() != row.step.index() + 1)
    fault = "has only " + std::to_string(row.positions.size()) + " positions";
  if (fault.empty()) return;
  const std::lock_guard lock(fault_mutex_);
  if (fault_.empty())
    fault_ = "layer " + std::to_string(row.layer.value) + ", head " +
             std::to_string(row.head.value) + ", step " + std::to_string(row.step.value) + " " +
             fault;
}

void Recorder::Impl::keep_error() {
  const std::lock_guard lock(fault_mutex_);
  if (!error_) error_ = std::current_exception();
}

// Positions without a gap go straight into the chunk: all of a full cache, long runs of an evicted
// one.
void put_weights(const AttentionRow& row, RowBands::Row& cells) {
  size_t end = 0;  // of the cells so far
  for (size_t first = 0; first < row.weights.size();) {
    const size_t position = row.positions[first].index();
    const size_t count = without_gap(row.positions.subspan(first));
    cells.put_absent(end, position - end);
    cells.put(position, row.weights.subspan(first, count));
    first += count;
    end = position + count;
  }
  cells.put_absent(end, cells.columns() - end);
}

// Rows of positions without a gap from 0 on, which the first dataset can take at once.
bool Recorder::Impl::is_tile(std::span<const AttentionRow> rows) const {
  const auto has_gap = [](const AttentionRow& row) {
    return row.positions.back().index() + 1 != row.positions.size();
  };
  return !bands_.empty() && bands_.front().takes_tile(step_of(rows[0]), rows.size()) &&
         std::ranges::none_of(rows, has_gap);
}

void Recorder::Impl::store_tile(std::span<const AttentionRow> rows, const RowBands::Tile& tile) {
  TileRows weights;
  std::ranges::transform(rows, weights.begin(),
                         [](const AttentionRow& row) { return row.weights; });
  TileMeasures measures;
  bands_.front().store_tile(tile, weights, measures);
  for (size_t i = 0; i < rows.size(); ++i)
    check(rows[i],
          measures.has_fault() ? measure(rows[i].weights) : RowMeasures{0, measures.sum(i)});
}

void Recorder::Impl::store(std::span<const AttentionRow> rows, RowBands& bands, size_t pair,
                           size_t step) {
  thread_local std::vector<Reductions> reductions;
  if (reductions.size() < rows.size()) reductions.resize(rows.size());
  const bool first = &bands == &bands_.front();
  bands.store(pair, step, rows.size(), [&](size_t i, RowBands::Row& cells) {
    // here, so that the row is in the first cache when it is stored
    if (first) check(rows[i], measure(rows[i].weights));
    put(rows[i], bands.layout(), reductions[i], cells);
  });
}

// What a dataset keeps of a row.
void Recorder::Impl::put(const AttentionRow& row, const RowLayout& layout, Reductions& made,
                         RowBands::Row& cells) const {
  const auto put_all = [&](auto& values) {
    cells.put(0, std::span(std::as_const(values)).first(std::min(values.size(), cells.columns())));
    const size_t end = std::min(values.size(), cells.columns());
    cells.put_absent(end, cells.columns() - end);
  };
  switch (layout.set) {
    case RowSet::Weight:
      return put_weights(row, cells);
    case RowSet::TopPosition:
      find_top(row.positions, row.weights, info_.capture.top_k, made.top);
      return put_all(made.top.positions);
    case RowSet::TopWeight:
      return put_all(made.top.weights);
    case RowSet::Rest:
      return cells.put(0, std::span<const float>(&made.top.rest, 1));
    case RowSet::PoolMax:
      pool_weights(row.positions, row.weights, info_.capture.pool, layout.columns, made.pools);
      return put_all(made.pools.largest);
    case RowSet::PoolSum:
      return put_all(made.pools.sum);
    case RowSet::Entropy: {
      const float entropy = entropy_of(row.weights);
      return cells.put(0, std::span<const float>(&entropy, 1));
    }
  }
}

void Recorder::Impl::on_row(Layer layer, KvHead kv_head, Position position,
                            std::span<const float> key, std::span<const float> value) {
  DENDROKV_ASSERT(position.index() < info_.tokens);
  const size_t place = *place_in(layer_place_, layer) * info_.model.kv_heads + kv_head.index();
  KvChunk& chunk = kv_chunks_[place];
  const size_t row = chunk.rows % kv_chunk_rows_;
  try {
    append(chunk.values, row, value);
    if (info_.keys == KeyRows::Record) append(chunk.keys, row, key);
    ++chunk.rows;
    if (row + 1 == kv_chunk_rows_) hand_over_kv(place);
  } catch (...) {
    keep_error();
  }
}

void Recorder::Impl::append(PageBuffer& chunk, size_t row, std::span<const float> values) const {
  const size_t row_bytes = values.size() * kv_cell_bytes_;
  if (chunk.size() == 0) chunk = kv_pool_.take(kv_chunk_rows_ * row_bytes);
  encode_weights(kv_cell_bytes_ == sizeof(float) ? Encoding::F32 : Encoding::F16, values,
                 chunk.bytes().subspan(row * row_bytes, row_bytes));
}

void Recorder::Impl::hand_over_kv(size_t place) {
  KvChunk& chunk = kv_chunks_[place];
  const size_t index = (chunk.rows - 1) / kv_chunk_rows_;
  const size_t layer = place / info_.model.kv_heads;
  const KvHead kv_head(place % info_.model.kv_heads);
  writer_.write_kv_chunk(KvRows::Value, layer, kv_head, index, std::exchange(chunk.values, {}));
  if (info_.keys == KeyRows::Record)
    writer_.write_kv_chunk(KvRows::Key, layer, kv_head, index, std::exchange(chunk.keys, {}));
}

void Recorder::Impl::on_steps_done(Step end) {
  rethrow();
  end_ = end;
  const size_t whole = whole_steps(end);
  if (whole > marked_) writer_.mark_steps_valid(marked_ = whole);
}

void Recorder::Impl::flush() {
  rethrow();
  const size_t recorded = recorded_before(end_);
  for (RowBands& bands : bands_) bands.flush(recorded);
  const std::vector<float> absent(info_.model.head_dim, std::nanf(""));
  for (size_t place = 0; place < kv_chunks_.size(); ++place) {
    const size_t rows = kv_chunks_[place].rows % kv_chunk_rows_;
    if (rows == 0) continue;
    for (size_t row = rows; row < kv_chunk_rows_; ++row) {
      append(kv_chunks_[place].values, row, absent);
      if (info_.keys == KeyRows::Record) append(kv_chunks_[place].keys, row, absent);
    }
    hand_over_kv(place);
  }
  writer_.mark_steps_valid(marked_ = recorded);
}

void Recorder::Impl::rethrow() {
  const std::lock_guard lock(fault_mutex_);
  if (error_) std::rethrow_exception(error_);
  if (fault_.empty()) return;
  fail("attention", fault_, "wanted finite weights from 0 that sum to 1",
       "the engine computed nonsense: check the model file");
}

size_t Recorder::Impl::recorded_before(Step end) const {
  return static_cast<size_t>(std::ranges::lower_bound(info_.steps, end) - info_.steps.begin());
}

// Recorded steps before `end` of which every dataset, values and keys too, has been handed over.
size_t Recorder::Impl::whole_steps(Step end) const {
  const size_t rows = end.index() / kv_chunk_rows_ * kv_chunk_rows_;
  const size_t recorded = recorded_before(end);
  size_t whole = recorded_before(Step(static_cast<uint32_t>(rows)));
  for (const RowBands& bands : bands_)
    if (recorded < info_.steps.size())
      whole = std::min(whole, recorded / bands.layout().chunk_steps * bands.layout().chunk_steps);
  return whole;
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

void Recorder::on_attention(std::span<const AttentionRow> rows) {
  impl_->on_attention(rows);
}

void Recorder::on_attention_done(std::span<const AttentionRow> rows) {
  impl_->on_attention_done(rows);
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
