#include "model/activations.h"

#include "data/error.h"

namespace dendrokv {

namespace {

size_t blocks_in(size_t length) {
  return (length + kBlock - 1) / kBlock;
}

template <class T>
T* elements(const AlignedBytes& storage) {
  return reinterpret_cast<T*>(storage.bytes.get());
}

}  // namespace

Activations::Activations(size_t max_columns, size_t max_length, Arithmetic arithmetic)
    : max_columns_(max_columns),
      max_length_(max_length),
      floats_(aligned_bytes(max_columns * max_length * sizeof(float))) {
  if (arithmetic == Arithmetic::Exact) return;
  const size_t blocks = max_columns * blocks_in(max_length);
  codes_ = aligned_bytes(blocks * kBlock);
  scales_ = aligned_bytes(blocks * sizeof(float));
  sums_ = aligned_bytes(blocks * sizeof(float));
  offsets_ = aligned_bytes(blocks * sizeof(int32_t));
  half_sums_ = aligned_bytes(blocks * 2 * sizeof(float));
  half_offsets_ = aligned_bytes(blocks * 2 * sizeof(int32_t));
}

void Activations::shape(size_t columns, size_t length) {
  DENDROKV_ASSERT(columns <= max_columns_ && length <= max_length_);
  columns_ = columns;
  length_ = length;
}

std::span<float> Activations::floats(size_t column) {
  return {elements<float>(floats_) + column * length_, length_};
}
std::span<const float> Activations::floats(size_t column) const {
  return {elements<const float>(floats_) + column * length_, length_};
}

int8_t* Activations::codes(size_t block, size_t column) {
  return elements<int8_t>(codes_) + (block * columns_ + column) * kBlock;
}
const int8_t* Activations::codes(size_t block, size_t column) const {
  return elements<const int8_t>(codes_) + (block * columns_ + column) * kBlock;
}

float* Activations::scales(size_t block, size_t column) {
  return elements<float>(scales_) + block * columns_ + column;
}
const float* Activations::scales(size_t block, size_t column) const {
  return elements<const float>(scales_) + block * columns_ + column;
}

float* Activations::sums(size_t block, size_t column) {
  return elements<float>(sums_) + block * columns_ + column;
}
const float* Activations::sums(size_t block, size_t column) const {
  return elements<const float>(sums_) + block * columns_ + column;
}

int32_t* Activations::offsets(size_t block, size_t column) {
  return elements<int32_t>(offsets_) + block * columns_ + column;
}
const int32_t* Activations::offsets(size_t block, size_t column) const {
  return elements<const int32_t>(offsets_) + block * columns_ + column;
}

float* Activations::half_sums(size_t block, size_t column) {
  return elements<float>(half_sums_) + 2 * (block * columns_ + column);
}
const float* Activations::half_sums(size_t block, size_t column) const {
  return elements<const float>(half_sums_) + 2 * (block * columns_ + column);
}

int32_t* Activations::half_offsets(size_t block, size_t column) {
  return elements<int32_t>(half_offsets_) + 2 * (block * columns_ + column);
}
const int32_t* Activations::half_offsets(size_t block, size_t column) const {
  return elements<const int32_t>(half_offsets_) + 2 * (block * columns_ + column);
}

}  // namespace dendrokv
