#pragma once
// Row-major matrices. The axes are named in a comment wherever one is declared, e.g. `Grid<float>
// scores; // [head, slot]`.

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace dendrokv {

/// Borrowed view: `rows` rows of `cols` elements, `stride` elements apart. Never outlives its
/// owner.
template <class T>
class GridView {
 public:
  constexpr GridView() = default;
  constexpr GridView(T* data, size_t rows, size_t cols, size_t stride)
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}
  constexpr GridView(T* data, size_t rows, size_t cols) : GridView(data, rows, cols, cols) {}

  constexpr size_t rows() const { return rows_; }
  constexpr size_t cols() const { return cols_; }
  constexpr size_t stride() const { return stride_; }
  constexpr T* data() const { return data_; }
  constexpr std::span<T> row(size_t r) const { return {data_ + r * stride_, cols_}; }
  constexpr T& operator()(size_t r, size_t c) const { return data_[r * stride_ + c]; }
  constexpr GridView rows_from(size_t first, size_t count) const {
    return {data_ + first * stride_, count, cols_, stride_};
  }
  constexpr operator GridView<const T>() const requires(!std::is_const_v<T>) {
    return {data_, rows_, cols_, stride_};
  }

 private:
  T* data_ = nullptr;
  size_t rows_ = 0, cols_ = 0, stride_ = 0;
};

/// Owner of rows * cols elements without gaps.
template <class T>
class Grid {
 public:
  Grid() = default;
  Grid(size_t rows, size_t cols, const T& fill = T{})
      : rows_(rows), cols_(cols), data_(rows * cols, fill) {}

  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }
  T* data() { return data_.data(); }
  const T* data() const { return data_.data(); }
  std::span<T> all() { return data_; }
  std::span<const T> all() const { return data_; }
  std::span<T> row(size_t r) { return {data_.data() + r * cols_, cols_}; }
  std::span<const T> row(size_t r) const { return {data_.data() + r * cols_, cols_}; }
  T& operator()(size_t r, size_t c) { return data_[r * cols_ + c]; }
  const T& operator()(size_t r, size_t c) const { return data_[r * cols_ + c]; }
  GridView<T> view() { return {data_.data(), rows_, cols_}; }
  GridView<const T> view() const { return {data_.data(), rows_, cols_}; }

 private:
  size_t rows_ = 0, cols_ = 0;
  std::vector<T> data_;
};

}  // namespace dendrokv
