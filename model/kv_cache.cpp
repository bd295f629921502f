#include "model/kv_cache.h"

#include <algorithm>
#include <cstring>

#include "data/error.h"

namespace dendrokv {

namespace {

constexpr size_t kFirstRows = 64;

uint16_t* halves(std::byte* bytes) {
  return reinterpret_cast<uint16_t*>(bytes);
}
float* floats(std::byte* bytes) {
  return reinterpret_cast<float*>(bytes);
}

size_t row_bytes(const KvShape& shape) {
  return shape.head_dim *
         (shape.precision == CachePrecision::F16 ? sizeof(uint16_t) : sizeof(float));
}

AlignedBytes grown(const AlignedBytes& old, size_t size) {
  AlignedBytes bytes = aligned_bytes(size);
  if (old.size > 0) std::memcpy(bytes.bytes.get(), old.bytes.get(), old.size);
  return bytes;
}

}  // namespace

KvLane::KvLane(const KvShape& shape, const Kernels& kernels, const RotaryTable& rotary)
    : shape_(shape),
      kernels_(kernels),
      rotary_(rotary),
      raw_(shape.head_dim),
      rotated_(shape.head_dim) {
  if (shape.positions == PositionMode::Original) raw_keys_ = aligned_bytes(row_bytes(shape));
}

void KvLane::reserve(size_t rows) {
  if (rows <= capacity_) return;
  DENDROKV_ASSERT(shape_.most_rows == 0 || rows <= shape_.most_rows);
  const size_t bound = shape_.most_rows == 0 ? SIZE_MAX : shape_.most_rows;
  capacity_ = std::min(std::max({rows, 2 * capacity_, kFirstRows}), bound);
  slots_.reserve(capacity_);
  const size_t size = capacity_ * row_bytes(shape_);
  rotated_keys_ = grown(rotated_keys_, size);
  values_ = grown(values_, size);
  if (shape_.positions == PositionMode::Rank) raw_keys_ = grown(raw_keys_, size);
}

void KvLane::append(Position position, std::span<const float> key, std::span<const float> value) {
  DENDROKV_ASSERT(slots_.size() < capacity_);
  const uint32_t row = slots_.append(position);
  store(value, row_of(values_, row));
  store(key, row_of(raw_keys_, shape_.positions == PositionMode::Rank ? row : 0));
  rotate(slots_.size() - 1);
}

void KvLane::evict(Slot slot) {
  slots_.evict(slot);
  if (shape_.positions == PositionMode::Original) return;
  for (size_t later = slot.index(); later < slots_.size(); ++later) rotate(later);
}

void KvLane::rotate_query(std::span<const float> query, size_t rows, std::span<float> out) const {
  const size_t position = position_of(rows - 1);
  rotary_.rotate(kernels_, query, position, out);
}

void KvLane::scores(GridView<const float> queries, float scale, GridView<float> scores,
                    Slot first) const {
  const auto rows = slots_.rows().subspan(first.index(), scores.cols());
  std::byte* keys = rotated_keys_.bytes.get();
  if (shape_.precision == CachePrecision::F16)
    kernels_.scores_f16(queries, halves(keys), shape_.head_dim, rows, scale, scores);
  else
    kernels_.scores_f32(queries, floats(keys), shape_.head_dim, rows, scale, scores);
}

void KvLane::weighted_sum(GridView<const float> weights, GridView<float> out, Slot first) const {
  const auto rows = slots_.rows().subspan(first.index(), weights.cols());
  std::byte* values = values_.bytes.get();
  if (shape_.precision == CachePrecision::F16)
    kernels_.weighted_sum_f16(weights, halves(values), shape_.head_dim, rows, out);
  else
    kernels_.weighted_sum_f32(weights, floats(values), shape_.head_dim, rows, out);
}

uint64_t KvLane::bytes() const {
  return raw_keys_.size + rotated_keys_.size + values_.size;
}

std::byte* KvLane::row_of(const AlignedBytes& rows, size_t row) const {
  return rows.bytes.get() + row * row_bytes(shape_);
}

void KvLane::store(std::span<const float> values, std::byte* to) const {
  DENDROKV_ASSERT(values.size() == shape_.head_dim);
  if (shape_.precision == CachePrecision::F16)
    kernels_.to_f16(values, halves(to));
  else
    std::memcpy(to, values.data(), values.size_bytes());
}

// Reads the stored key, not the caller's: a later rotation of the same row must start from the same number.
void KvLane::rotate(size_t slot) {
  const uint32_t row = slots_.rows()[slot];
  std::byte* raw = row_of(raw_keys_, shape_.positions == PositionMode::Rank ? row : 0);
  if (shape_.precision == CachePrecision::F16)
    kernels_.to_f32({halves(raw), shape_.head_dim}, raw_.data());
  else
    std::memcpy(raw_.data(), raw, row_bytes(shape_));
  const size_t position = position_of(slot);
  rotary_.rotate(kernels_, raw_, position, rotated_);
  store(rotated_, row_of(rotated_keys_, row));
}

size_t KvLane::position_of(size_t slot) const {
  return shape_.positions == PositionMode::Rank ? slot : slots_.positions()[slot].index();
}

}  // namespace dendrokv
