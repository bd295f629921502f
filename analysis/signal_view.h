#pragma once
// Borrowed signals of the caller, with strides: [batch, position, channel], for instance heads,
// positions, channels. Transforms run along positions. Which axis of an array is the positions, and
// whether it is contiguous, is said by the strides alone.

#include <cstddef>
#include <type_traits>

#include "data/grid.h"

namespace dendrokv {

/// Strides are in elements. `data` may be null: a band that is left out.
template <class T>
struct SignalView {
  T* data = nullptr;
  size_t batches = 1, positions = 0, channels = 1;
  ptrdiff_t batch_stride = 0, position_stride = 1, channel_stride = 1;

  T* at(size_t batch, size_t position, size_t channel) const {
    return data + static_cast<ptrdiff_t>(batch) * batch_stride +
           static_cast<ptrdiff_t>(position) * position_stride +
           static_cast<ptrdiff_t>(channel) * channel_stride;
  }
  SignalView positions_from(size_t first, size_t count) const {
    SignalView part = *this;
    if (data) part.data = at(0, first, 0);
    part.positions = count;
    return part;
  }
  operator SignalView<const T>() const requires(!std::is_const_v<T>) {
    return {data, batches, positions, channels, batch_stride, position_stride, channel_stride};
  }
};

/// One signal without gaps.
template <class T>
SignalView<T> line_view(T* data, size_t positions) {
  return {data, 1, positions, 1, 0, 1, 1};
}

/// [position, channel]
template <class T>
SignalView<T> rows_view(GridView<T> grid) {
  return {grid.data(), 1, grid.rows(), grid.cols(), 0, static_cast<ptrdiff_t>(grid.stride()), 1};
}

/// [channel, position]: the transform runs along a row.
template <class T>
SignalView<T> columns_view(GridView<T> grid) {
  return {grid.data(), 1, grid.cols(), grid.rows(), 0, 1, static_cast<ptrdiff_t>(grid.stride())};
}

}  // namespace dendrokv
