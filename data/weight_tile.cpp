// Sixteen columns to a register. The sum of a cell is ((row 0 + row 1) + row 2) + row 3 of each
// column, then (column 0 + column 1) + (column 2 + column 3), which is the order of the fold in
// pyramid_fold.cpp. Halves that are not negative are ordered as integers are. They go past the
// caches, since nothing reads them before the disk does: a line that is written whole need not be
// fetched first.

#include "data/weight_tile.h"

#include <algorithm>
#include <immintrin.h>
#include <numeric>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kLanes = 16, kParts = kTileBlock / kLanes;

/// Whether all columns of a block are in all rows.
enum class Coverage : uint8_t { Whole, Part };

__mmask16 present(std::span<const float> row, size_t column) {
  const size_t left = row.size() > column ? row.size() - column : 0;
  return left >= kLanes ? __mmask16{0xFFFF} : static_cast<__mmask16>((1u << left) - 1u);
}

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl")

// Of four neighbours each, by adding pairs twice: columns of a block into its sixteen cells, in
// order.
inline __m512i in_order(__m512i cells) {
  return _mm512_permutexvar_epi32(
      _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), cells);
}
inline __m512 pairs_of(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xDD));
}
inline __m512i pairs_of(__m512i a, __m512i b) {
  const __m512 x = _mm512_castsi512_ps(a), y = _mm512_castsi512_ps(b);
  return _mm512_add_epi32(_mm512_castps_si512(_mm512_shuffle_ps(x, y, 0x88)),
                          _mm512_castps_si512(_mm512_shuffle_ps(x, y, 0xDD)));
}

// The largest of four neighbours each of 32 halves.
inline __m128i largest_of_four(__m256i first, __m256i second) {
  __m512i halves = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
  halves = _mm512_max_epu16(halves, _mm512_srli_epi64(halves, 32));
  halves = _mm512_max_epu16(halves, _mm512_srli_epi64(halves, 16));
  return _mm512_cvtepi64_epi16(halves);
}

/// Where the next block goes: counted from the pointers of a place.
class BlockPlace {
 public:
  explicit BlockPlace(const TilePlace& place) : place_(place) {}
  size_t half = 0, cell = 0, exact = 0;

  void go_on() {
    half += kTileBlock;
    cell += kTileBlock / kPyramidFactor;
    exact += kTileBlock / kPyramidFactor;
    if ((in_chunk_ += kTileBlock) == place_.chunk_columns) {
      half += place_.chunk_stride - place_.chunk_columns;
      in_chunk_ = 0;
    }
    if ((in_cells_ += kTileBlock) == place_.cell_columns) {
      cell += place_.cell_stride - place_.cell_columns / kPyramidFactor;
      exact += place_.exact_stride - place_.cell_columns / kPyramidFactor;
      in_cells_ = 0;
    }
  }

 private:
  const TilePlace& place_;
  size_t in_chunk_ = 0, in_cells_ = 0;  // columns
};

// Two parts of a row are a line of the cache, which is written in one go.
template <Coverage coverage>
inline void store_block(const TileRows& rows, size_t column, const BlockPlace& block,
                        const TilePlace& place, __m512 (&sums)[kTileRows], __m256i& most_of_all) {
  __m512 total[kParts];
  __m512i number[kParts];
  __m256i highest[kParts];
  for (size_t part = 0; part < kParts; ++part) {
    total[part] = _mm512_setzero_ps();
    number[part] = _mm512_setzero_si512();
    highest[part] = _mm256_setzero_si256();
  }
  for (size_t line = 0; line < kParts; line += 2)
    for (size_t row = 0; row < kTileRows; ++row) {
      __m256i of_part[2];
      for (size_t part = line; part < line + 2; ++part) {
        const size_t at = column + part * kLanes;
        const __mmask16 mask =
            coverage == Coverage::Whole ? __mmask16{0xFFFF} : present(rows[row], at);
        const __m512 weights = coverage == Coverage::Whole
                                   ? _mm512_loadu_ps(rows[row].data() + at)
                                   : _mm512_maskz_loadu_ps(mask, rows[row].data() + at);
        sums[row] = _mm512_add_ps(sums[row], weights);
        __m256i halves = _mm512_cvtps_ph(weights, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        total[part] = _mm512_add_ps(total[part], _mm512_cvtph_ps(halves));
        highest[part] = _mm256_max_epu16(highest[part], halves);
        if (coverage == Coverage::Part) {
          number[part] =
              _mm512_mask_add_epi32(number[part], mask, number[part], _mm512_set1_epi32(1));
          halves = _mm256_mask_blend_epi16(mask, _mm256_set1_epi16(kHalfNan), halves);
        }
        of_part[part - line] = halves;
      }
      if (coverage == Coverage::Part && place.halves[row] == nullptr) continue;
      _mm512_stream_si512(
          reinterpret_cast<__m512i*>(place.halves[row] + block.half + line * kLanes),
          _mm512_inserti64x4(_mm512_castsi256_si512(of_part[0]), of_part[1], 1));
    }
  const __m512 of_four = pairs_of(pairs_of(total[0], total[1]), pairs_of(total[2], total[3]));
  const __m512 mass = _mm512_castsi512_ps(in_order(_mm512_castps_si512(of_four)));
  if (place.exact_sum != nullptr) _mm512_storeu_ps(place.exact_sum + block.exact, mass);
  __m256i most =
      _mm256_inserti128_si256(_mm256_castsi128_si256(largest_of_four(highest[0], highest[1])),
                              largest_of_four(highest[2], highest[3]), 1);
  most_of_all = _mm256_max_epu16(most_of_all, most);
  __m256i counts = _mm256_set1_epi16(kTileRows * kPyramidFactor);
  if (coverage == Coverage::Part) {
    counts = _mm512_cvtepi32_epi16(
        in_order(pairs_of(pairs_of(number[0], number[1]), pairs_of(number[2], number[3]))));
    const __mmask16 without = _mm256_cmpeq_epi16_mask(counts, _mm256_setzero_si256());
    most = _mm256_mask_blend_epi16(without, most, _mm256_set1_epi16(kHalfNan));
  }
  _mm256_stream_si256(reinterpret_cast<__m256i*>(place.highest + block.cell), most);
  _mm256_stream_si256(reinterpret_cast<__m256i*>(place.sum + block.cell),
                      _mm512_cvtps_ph(mass, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  if (place.count != nullptr)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(place.count + block.cell), counts);
}

void store_tile_avx512(const TileRows& rows, size_t first, size_t columns, const TilePlace& place,
                       TileMeasures& measures) {
  __m512 sums[kTileRows];
  for (size_t row = 0; row < kTileRows; ++row) sums[row] = _mm512_load_ps(measures.sums[row]);
  auto* most = reinterpret_cast<__m256i*>(measures.highest);
  __m256i most_of_all = _mm256_load_si256(most);
  const size_t shared = std::min({rows[0].size(), rows[1].size(), rows[2].size(), rows[3].size()});
  BlockPlace block(place);
  size_t column = first;
  const size_t end = first + columns;
  for (; column < end && column + kTileBlock <= shared; column += kTileBlock, block.go_on())
    store_block<Coverage::Whole>(rows, column, block, place, sums, most_of_all);
  for (; column < end; column += kTileBlock, block.go_on())
    store_block<Coverage::Part>(rows, column, block, place, sums, most_of_all);
  for (size_t row = 0; row < kTileRows; ++row) _mm512_store_ps(measures.sums[row], sums[row]);
  _mm256_store_si256(most, most_of_all);
}

#pragma GCC pop_options

}  // namespace

float TileMeasures::sum(size_t row) const {
  return std::accumulate(std::begin(sums[row]), std::end(sums[row]), 0.0f);
}

bool TileMeasures::has_fault() const {
  constexpr uint16_t kHalfInfinity = 0x7C00;
  return std::ranges::any_of(highest, [](uint16_t half) { return half > kHalfInfinity; });
}

bool can_store_tiles() {
  static const bool answer = __builtin_cpu_supports("avx512f") &&
                             __builtin_cpu_supports("avx512bw") &&
                             __builtin_cpu_supports("avx512vl");
  return answer;
}

void settle_tile() {
  _mm_sfence();
}

void store_tile(const TileRows& rows, size_t first, size_t columns, const TilePlace& place,
                TileMeasures& measures) {
  DENDROKV_ASSERT(can_store_tiles() && first % kTileBlock == 0 && columns % kTileBlock == 0);
  store_tile_avx512(rows, first, columns, place, measures);
}

}  // namespace dendrokv
