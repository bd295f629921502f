#include "model/kv_cache.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/error.h"

namespace dendrokv {

namespace {

constexpr size_t kFirstRows = 64;
// Rows that change frames one or a few at a time, as under TreeKV, move down into the gap that lies
// between the frames: so there is one gap where there would be one in every two rows, which the
// processor's own look-ahead would read.
constexpr size_t kRowsToCloseUp = 4;

// Gaps that a bounded lane has room for. Half of it would close them twice as often, at 1 % of a
// token's time.
size_t most_gaps(const KvShape& shape) {
  return shape.most_rows / 8;
}

uint16_t* halves(std::byte* bytes) {
  return reinterpret_cast<uint16_t*>(bytes);
}
float* floats(std::byte* bytes) {
  return reinterpret_cast<float*>(bytes);
}

AlignedBytes grown(const AlignedBytes& old, size_t size) {
  AlignedBytes bytes = aligned_bytes(size);
  if (old.size > 0) std::memcpy(bytes.bytes.get(), old.bytes.get(), old.size);
  return bytes;
}

}  // namespace

uint64_t full_bytes(const KvShape& shape) {
  DENDROKV_ASSERT(shape.most_rows > 0);
  const size_t row =
      shape.heads * shape.head_dim * (shape.precision == CachePrecision::F16 ? 2 : 4);
  const auto aligned = [](uint64_t bytes) { return (bytes + 63) / 64 * 64; };
  const uint64_t rows = aligned((shape.most_rows + most_gaps(shape)) * row);
  const bool rank = shape.positions == PositionMode::Rank;
  return rank ? 3 * rows : 2 * rows + aligned(row);
}

KvLane::KvLane(const KvShape& shape, const Kernels& kernels, const RotaryTable& rotary)
    : shape_(shape),
      kernels_(kernels),
      rotary_(rotary),
      slots_(shape.scores),
      frames_(shape.most_rows),
      raw_(row_length()),
      rotated_(row_length()) {
  if (shape.positions == PositionMode::Original) raw_keys_ = aligned_bytes(row_bytes());
  const auto gaps = static_cast<double>(most_gaps(shape));
  next_tidy_ = static_cast<size_t>(std::ceil(gaps * (1 - shape.turn)));
}

void KvLane::reserve(size_t rows) {
  if (rows <= capacity_) return;
  DENDROKV_ASSERT(shape_.most_rows == 0 || rows <= shape_.most_rows);
  const size_t bound = shape_.most_rows == 0 ? SIZE_MAX : shape_.most_rows;
  capacity_ = std::min(std::max({rows, 2 * capacity_, kFirstRows}), bound);
  room_ = capacity_ + most_gaps(shape_);
  slots_.reserve(capacity_);
  const size_t size = room_ * row_bytes();
  rotated_keys_ = grown(rotated_keys_, size);
  values_ = grown(values_, size);
  if (shape_.positions == PositionMode::Rank) raw_keys_ = grown(raw_keys_, size);
}

void KvLane::append(Position position, std::span<const float> keys, std::span<const float> values) {
  DENDROKV_ASSERT(slots_.size() < capacity_);
  if (slots_.rows_end() == room_) close_gaps();
  const uint32_t row = slots_.append(position);
  if (shape_.positions == PositionMode::Rank) frames_.append();
  store(values, row_of(values_, row));
  store(keys, row_of(raw_keys_, shape_.positions == PositionMode::Rank ? row : 0));
  rotate(slots_.size() - 1);
}

void KvLane::evict(std::span<const Slot> slots) {
  if (shape_.positions == PositionMode::Original) {
    slots_.evict(slots);
    tidy_after(slots.size());
    return;
  }
  for (size_t leaves = slots.size(); leaves-- > 0;) {  // from the end: slots stay what they are
    slots_.evict(slots[leaves]);
    tidy_after(1);
    for (const SlotRange& range : frames_.evict(slots[leaves])) {
      close_up(range);
      rotate_again(range);
      behind_rotated_ = range.end - range.first > kRowsToCloseUp ? SIZE_MAX : range.end;
    }
  }
}

void KvLane::close_up(const SlotRange& range) {
  if (range.end - range.first > kRowsToCloseUp) return;
  uint32_t to = range.first == 0 ? 0 : slots_.rows()[range.first - 1] + 1;
  for (size_t slot = range.first; slot < range.end; ++slot, ++to) {
    const uint32_t from = slots_.rows()[slot];
    if (from == to) continue;
    for (const AlignedBytes* rows : {&raw_keys_, &values_})
      std::memcpy(row_of(*rows, to), row_of(*rows, from), row_bytes());
    slots_.move_row(slot, to);
  }
}

void KvLane::tidy_after(size_t evictions) {
  if (shape_.most_rows == 0 && slots_.rows_end() - slots_.size() > slots_.size() / 8) close_gaps();
  if (next_tidy_ == 0) return;
  next_tidy_ -= std::min(next_tidy_, evictions);
  if (next_tidy_ > 0) return;
  close_gaps();
  next_tidy_ = most_gaps(shape_);
}

void KvLane::close_gaps() {
  slots_.close_gaps([this](uint32_t from, uint32_t to) {
    for (const AlignedBytes* rows : {&rotated_keys_, &values_})
      std::memcpy(row_of(*rows, to), row_of(*rows, from), row_bytes());
    if (shape_.positions == PositionMode::Rank)
      std::memcpy(row_of(raw_keys_, to), row_of(raw_keys_, from), row_bytes());
  });
}

size_t KvLane::frames() const {
  return shape_.positions == PositionMode::Rank ? frames_.frames().size() : 1;
}

SlotRange KvLane::slots_of(size_t frame) const {
  if (shape_.positions == PositionMode::Original) return {0, slots_.size()};
  return frames_.slots_of(frame);
}

void KvLane::rotate_query(std::span<const float> query, size_t rows, size_t frame,
                          std::span<float> out) const {
  const size_t position = shape_.positions == PositionMode::Rank
                              ? rows - 1 + frames_.frames()[frame].offset
                              : slots_.positions()[rows - 1].index();
  rotary_.rotate(kernels_, query, position, out);
}

void KvLane::scores(size_t head, GridView<const float> queries, SlotRange range, float scale,
                    GridView<float> scores, size_t ahead) const {
  const auto rows = slots_.rows().subspan(range.first, std::max(ahead, range.end) - range.first);
  scores_of_rows(
      head, queries, rows, scale,
      {scores.data() + range.first, scores.rows(), range.end - range.first, scores.stride()});
}

void KvLane::scores_of_rows(size_t head, GridView<const float> queries,
                            std::span<const uint32_t> rows, float scale,
                            GridView<float> scores) const {
  const size_t first = head * shape_.head_dim;
  std::byte* keys = rotated_keys_.bytes.get();
  if (shape_.precision == CachePrecision::F16)
    kernels_.scores_f16(queries, halves(keys) + first, row_length(), rows, scale, scores);
  else
    kernels_.scores_f32(queries, floats(keys) + first, row_length(), rows, scale, scores);
}

void KvLane::ask_for(RowPart part, size_t head, SlotRange range) const {
  constexpr size_t kRows = 48, kLine = 64;
  const size_t row = row_bytes(), size = row / shape_.heads;
  const size_t end = std::min({range.first + kRows, range.end, slots_.size()});
  const std::byte* from =
      (part == RowPart::Keys ? rotated_keys_ : values_).bytes.get() + head * size;
  const uint32_t* rows = slots_.rows().data();
  for (size_t slot = range.first; slot < end; ++slot)
    for (size_t at = 0; at < size; at += kLine) __builtin_prefetch(from + rows[slot] * row + at);
}

void KvLane::ask_for_departure() const {
  constexpr size_t kSlots = 2, kLine = 64;
  if (behind_rotated_ + kSlots > slots_.size() || behind_rotated_ == SIZE_MAX) return;
  __builtin_prefetch(&slots_.positions()[behind_rotated_]);
  for (size_t slot = behind_rotated_; slot < behind_rotated_ + kSlots; ++slot)
    for (size_t at = 0; at < row_bytes(); at += kLine)
      __builtin_prefetch(row_of(raw_keys_, slots_.rows()[slot]) + at);
}

void KvLane::add_weighted_sum(size_t head, GridView<const float> weights, SlotRange range,
                              size_t first_channel, GridView<float> out) const {
  const size_t count = range.end - range.first;
  add_weighted_sum_of_rows(head,
                           {weights.data() + range.first, weights.rows(), count, weights.stride()},
                           slots_.rows().subspan(range.first, count), first_channel, out);
}

void KvLane::add_weighted_sum_of_rows(size_t head, GridView<const float> weights,
                                      std::span<const uint32_t> rows, size_t first_channel,
                                      GridView<float> out) const {
  const size_t first = head * shape_.head_dim + first_channel;
  std::byte* values = values_.bytes.get();
  if (shape_.precision == CachePrecision::F16)
    kernels_.weighted_sum_f16(weights, halves(values) + first, row_length(), rows, out);
  else
    kernels_.weighted_sum_f32(weights, floats(values) + first, row_length(), rows, out);
}

uint64_t KvLane::bytes() const {
  return raw_keys_.size + rotated_keys_.size + values_.size;
}

uint64_t KvLane::bytes_held_by_row() const {
  return (shape_.positions == PositionMode::Rank ? 3 : 2) * row_bytes();
}

std::byte* KvLane::row_of(const AlignedBytes& rows, size_t row) const {
  return rows.bytes.get() + row * row_bytes();
}

size_t KvLane::row_bytes() const {
  return row_length() *
         (shape_.precision == CachePrecision::F16 ? sizeof(uint16_t) : sizeof(float));
}

void KvLane::store(std::span<const float> values, std::byte* to) const {
  DENDROKV_ASSERT(values.size() == row_length());
  if (shape_.precision == CachePrecision::F16)
    kernels_.to_f16(values, halves(to));
  else
    std::memcpy(to, values.data(), values.size_bytes());
}

// Reads the stored key, not the caller's: a later rotation of the same row must start from the same
// number.
void KvLane::rotate(size_t slot) {
  const uint32_t row = slots_.rows()[slot];
  std::byte* raw = row_of(raw_keys_, shape_.positions == PositionMode::Rank ? row : 0);
  if (shape_.precision == CachePrecision::F16)
    kernels_.to_f32({halves(raw), row_length()}, raw_.data());
  else
    std::memcpy(raw_.data(), raw, row_bytes());
  const size_t position = position_of(slot), size = shape_.head_dim;
  for (size_t head = 0; head < shape_.heads; ++head)
    rotary_.rotate(kernels_, std::span(raw_).subspan(head * size, size), position,
                   std::span(rotated_).subspan(head * size, size));
  store(rotated_, row_of(rotated_keys_, row));
}

// Slots of one frame: their positions follow each other.
void KvLane::rotate_again(const SlotRange& range) {
  if (shape_.precision == CachePrecision::F16)
    return rotary_.rotate_rows(kernels_, halves(raw_keys_.bytes.get()), row_length(),
                               slots_.rows().subspan(range.first, range.end - range.first),
                               position_of(range.first), halves(rotated_keys_.bytes.get()));
  for (size_t slot = range.first; slot < range.end; ++slot) rotate(slot);
}

size_t KvLane::position_of(size_t slot) const {
  return shape_.positions == PositionMode::Rank ? frames_.position_of(slot)
                                                : slots_.positions()[slot].index();
}

}  // namespace dendrokv
