// Each row goes into the bands of every dataset that the capture asks for, encoded or reduced by
// the thread that computed it. Positions that are not in a row are absent: NaN, or code 0.

#include "model/recorder.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "data/error.h"
#include "model/kv_chunks.h"
#include "model/row_bands.h"
#include "model/row_cells.h"

namespace dendrokv {
namespace {

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

}  // namespace

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
  size_t pair_of(const AttentionRow& row) const;
  size_t step_of(const AttentionRow& row) const { return *place_in(step_place_, row.step); }
  bool is_tile(std::span<const AttentionRow> rows) const;
  void store_tile(std::span<const AttentionRow> rows, const RowBands::Tile& tile);
  void store(std::span<const AttentionRow> rows, RowBands& bands, size_t pair, size_t step);
  void check(const AttentionRow& row, const RowMeasures& measures);
  void keep_error();
  void rethrow();
  size_t recorded_before(Step end) const;
  size_t whole_steps(Step end) const;

  TraceWriter& writer_;
  const TraceInfo info_;
  const PyramidCounts counts_;
  std::vector<int32_t> layer_place_, head_place_, step_place_;
  std::deque<RowBands> bands_;  // one of each dataset
  KvChunks kv_chunks_;
  size_t marked_ = 0;  // steps that the file says are whole
  Step end_;           // of the steps that are done
  std::mutex fault_mutex_;
  std::string fault_;         // the first bad row
  std::exception_ptr error_;  // the first that came up in a compute thread
};

Recorder::Impl::Impl(TraceWriter& writer, const TracePlan& plan)
    : writer_(writer),
      info_(plan.info),
      counts_(plan.counts),
      layer_place_(places_of<Layer>(info_.layers, info_.model.layers)),
      head_place_(places_of<Head>(info_.heads, info_.model.heads)),
      step_place_(places_of<Step>(info_.steps, info_.tokens)),
      kv_chunks_(writer, plan.info) {
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
  thread_local std::vector<RowReductions> reductions;
  if (reductions.size() < rows.size()) reductions.resize(rows.size());
  const bool first = &bands == &bands_.front();
  bands.store(pair, step, rows.size(), [&](size_t i, RowBands::Row& cells) {
    // here, so that the row is in the first cache when it is stored
    if (first) check(rows[i], measure(rows[i].weights));
    put_row(rows[i], bands.layout(), info_.capture, reductions[i], cells);
  });
}

void Recorder::Impl::on_row(Layer layer, KvHead kv_head, Position position,
                            std::span<const float> key, std::span<const float> value) {
  DENDROKV_ASSERT(position.index() < info_.tokens);
  try {
    kv_chunks_.append(*place_in(layer_place_, layer), kv_head, key, value);
  } catch (...) {
    keep_error();
  }
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
  kv_chunks_.flush();
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
  const size_t rows = end.index() / kv_chunks_.chunk_rows() * kv_chunks_.chunk_rows();
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
