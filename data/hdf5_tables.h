#pragma once
// Lists and grids as whole datasets, written and read in one go. Reading throws Error where the
// dataset is missing or has another type or size.

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "data/grid.h"
#include "data/hdf5.h"

namespace dendrokv::h5 {

inline constexpr uint64_t kAnySize = UINT64_MAX;

/// How values of a type are stored; there is none for other types.
template <class T>
constexpr Type stored_as() {
  if constexpr (std::is_same_v<T, int32_t>) return Type::I32;
  if constexpr (std::is_same_v<T, uint32_t>) return Type::U32;
  if constexpr (std::is_same_v<T, uint64_t>) return Type::U64;
  if constexpr (std::is_same_v<T, float>) return Type::F32;
  if constexpr (std::is_same_v<T, double>) return Type::F64;
}

template <class T>
void write_values(File& file, const std::string& path, const Shape& shape, const T* data) {
  Dataset dataset = file.create_dataset(path, stored_as<T>(), shape, {}, Fill::Absent);
  if (dataset.elements() > 0) dataset.write(data);
}
template <class T>
void write_grid(File& file, const std::string& path, const Grid<T>& grid) {
  write_values(file, path, {grid.rows(), grid.cols()}, grid.data());
}
template <class T>
void write_list(File& file, const std::string& path, const std::vector<T>& list) {
  write_values(file, path, {list.size()}, list.data());
}
/// A list of what `take` gives for each item.
template <class T, class Item, class Take>
void write_column(File& file, const std::string& path, const std::vector<Item>& items,
                  const Take& take) {
  std::vector<T> column;
  for (const Item& item : items) column.push_back(static_cast<T>(take(item)));
  write_list(file, path, column);
}

template <class T>
std::vector<T> read_list(const File& file, const std::string& path, uint64_t size = kAnySize) {
  return file.open_dataset(path, stored_as<T>(), {size}).template read_all<T>();
}
template <class T>
Grid<T> read_grid(const File& file, const std::string& path, uint64_t rows, uint64_t cols) {
  const std::vector<T> values =
      file.open_dataset(path, stored_as<T>(), {rows, cols}).template read_all<T>();
  Grid<T> grid(rows, cols);
  std::ranges::copy(values, grid.all().begin());
  return grid;
}

}  // namespace dendrokv::h5
