#include "data/pyramid_chunks.h"

#include <algorithm>
#include <span>

#include "data/half.h"

namespace dendrokv {
namespace {

/// Cells of all rows of a band from column `first` on, as a whole chunk; `convert` writes one row
/// of it.
template <class T, class Stored>
PageBuffer chunk_of(const PagePool& pool, const std::vector<T>& cells, const PyramidExtent& extent,
                    const PyramidExtent& chunk, size_t first, Stored absent,
                    void (*convert)(std::span<const T>, std::span<Stored>)) {
  PageBuffer buffer = pool.take(chunk.rows * chunk.cols * sizeof(Stored));
  const size_t inside = std::min<size_t>(chunk.cols, extent.cols - first);
  auto* out = reinterpret_cast<Stored*>(buffer.bytes().data());
  if (inside < chunk.cols) std::fill_n(out, chunk.rows * chunk.cols, absent);
  for (size_t row = 0; row < chunk.rows; ++row)
    convert(std::span(cells).subspan(row * extent.cols + first, inside),
            std::span(out + row * chunk.cols, inside));
  return buffer;
}

template <class T, class Stored>
void as_they_are(std::span<const T> cells, std::span<Stored> out) {
  std::ranges::transform(cells, out.begin(), [](T cell) { return static_cast<Stored>(cell); });
}

void as_halves(std::span<const float> cells, std::span<uint16_t> out) {
  to_half(cells, out);
  constexpr uint16_t kHalfNoSample = 0xFC00;  // minus infinity
  for (uint16_t& half : out) half = half == kHalfNoSample ? kHalfNan : half;
}

/// Columns [first, first + size) of any row.
bool all_zero(const std::vector<uint32_t>& cells, const PyramidExtent& extent, size_t first,
              size_t size) {
  for (size_t row = 0; row * extent.cols < cells.size(); ++row) {
    const auto part = std::span(cells).subspan(row * extent.cols + first, size);
    if (std::ranges::any_of(part, [](uint32_t cell) { return cell != 0; })) return false;
  }
  return true;
}

}  // namespace

void add_chunks(const PagePool& pool, PyramidLevel& level, h5::Shape start, const CellRows& cells,
                std::vector<PyramidChunk>& done) {
  const PyramidExtent& extent = level.extent;
  // The heads of a chunk are in it one below the other, as they are in the cells.
  const PyramidExtent chunk{level.chunk_heads * level.chunk.rows, level.chunk.cols};
  const auto part = [&]<class T, class Stored>(
                        const std::vector<T>& numbers, Stored absent,
                        void (*convert)(std::span<const T>, std::span<Stored>)) {
    return chunk_of(pool, numbers, extent, chunk, start.back(), absent, convert);
  };
  for (size_t col = 0; col < extent.cols; col += chunk.cols) {
    if (all_zero(cells.count, extent, col, std::min(chunk.cols, extent.cols - col))) continue;
    start.back() = col;
    if (level.count)
      done.push_back({&*level.count, start,
                      level.count->type() == h5::Type::U16
                          ? part(cells.count, uint16_t{0}, as_they_are<uint32_t, uint16_t>)
                          : part(cells.count, uint32_t{0}, as_they_are<uint32_t, uint32_t>)});
    done.push_back({&level.sum, start,
                    level.sum.type() == h5::Type::F16
                        ? part(cells.sum, uint16_t{0}, to_half)
                        : part(cells.sum, 0.0f, as_they_are<float, float>)});
    done.push_back({&level.highest, start, part(cells.highest, kHalfNan, as_halves)});
  }
}

}  // namespace dendrokv
