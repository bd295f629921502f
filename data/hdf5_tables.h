#pragma once
// Lists and grids as whole datasets, written and read in one go. Reading throws Error where the
// dataset is missing or has another type or size.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "data/error.h"
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
/// Row-major; there are as many as the shape says.
template <class T>
void write_values(File& file, const std::string& path, const Shape& shape,
                  const std::vector<T>& values) {
  uint64_t elements = 1;
  for (const uint64_t extent : shape) elements *= extent;
  DENDROKV_ASSERT(elements == values.size());
  write_values(file, path, shape, values.data());
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
std::vector<T> read_values(const File& file, const std::string& path, const Shape& shape) {
  return file.open_dataset(path, stored_as<T>(), shape).template read_all<T>();
}
template <class T>
std::vector<T> read_list(const File& file, const std::string& path, uint64_t size = kAnySize) {
  return read_values<T>(file, path, {size});
}
template <class T>
Grid<T> read_grid(const File& file, const std::string& path, uint64_t rows, uint64_t cols) {
  const std::vector<T> values = read_values<T>(file, path, {rows, cols});
  Grid<T> grid(rows, cols);
  std::ranges::copy(values, grid.all().begin());
  return grid;
}

/// Texts as an attribute of an object; of none there is no attribute.
inline void write_text_list(File& file, std::string_view object, std::string_view name,
                            const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  if (!views.empty()) file.write_attribute(object, name, std::span(views));
}
inline std::vector<std::string> read_text_list(const File& file, std::string_view object,
                                               std::string_view name) {
  if (!file.has_attribute(object, name)) return {};
  return file.texts_attribute(object, name);
}

}  // namespace dendrokv::h5
