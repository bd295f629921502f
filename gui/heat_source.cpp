#include "gui/heat_source.h"

// A tile is folded from blocks of stored cells: rows of weights (level 0) or of a level of the
// pyramid. Each block knows how many steps and positions one of its cells stands for; a block cell
// that is coarser than a tile cell is spread over those that it covers.

#include <algorithm>
#include <limits>

#include "data/error.h"
#include "gui/reduced_rows.h"

namespace dendrokv {
namespace {

constexpr size_t kBlockSteps = 64;
constexpr size_t kPreviewRows = 64;  // steps that a tile of a preview looks at
constexpr size_t kLengthBlock = 8192;
constexpr size_t kMostLengths = 16u << 20;  // numbers kept
constexpr size_t kLostPiece = 64;           // positions that are given up together
constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();

size_t divided_up(size_t count, size_t by) {
  return (count + by - 1) / by;
}

IndexRange clipped(IndexRange range, size_t end) {
  const size_t first = std::min(range.first, end);
  return {first, std::min(range.count, end - first)};
}

/// Stored cells [first, first + count) of `factor` units that touch a range.
IndexRange cells_over(IndexRange range, size_t factor) {
  const size_t first = range.first / factor;
  return {first, divided_up(range.first + range.count, factor) - first};
}

template <class Body>
void for_each_head(const HeatSubject& subject, const Body& body) {
  for (const LayerHeads& layer : subject.heads)
    for (const size_t head : layer.heads) body(layer.layer_index, head);
}

}  // namespace

/// A tile that is being made.
struct HeatSource::Folding {
  HeatTile tile;
  const HeatSubject& subject;
  IndexRange steps, positions;
  Grid<double> sum;  // Mean
  Grid<double> count;

  Folding(const TileKey& key, const HeatSubject& of, IndexRange s, IndexRange p)
      : subject(of), steps(s), positions(p) {
    tile.key = key;
    tile.values = Grid<float>(divided_up(s.count, size_t{1} << key.step_shift),
                              divided_up(p.count, size_t{1} << key.position_shift), kAbsent);
    if (of.reduction != Reduction::Mean) return;
    sum = Grid<double>(tile.values.rows(), tile.values.cols());
    count = sum;
  }
  size_t row_of(size_t step) const { return (step - steps.first) >> tile.key.step_shift; }
  size_t column_of(size_t p) const { return (p - positions.first) >> tile.key.position_shift; }

  /// Tile cells that a stored one touches, in one direction.
  static IndexRange touched(size_t first, size_t count, IndexRange all, uint8_t shift) {
    const size_t from = std::max(first, all.first),
                 to = std::min(first + count, all.first + all.count);
    const size_t cell = (from - all.first) >> shift;
    return {cell, ((to - 1 - all.first) >> shift) - cell + 1};
  }
  void add_max(IndexRange rows, IndexRange columns, float value) {
    for (size_t r = rows.first; r < rows.first + rows.count; ++r)
      for (size_t c = columns.first; c < columns.first + columns.count; ++c) {
        float& cell = tile.values(r, c);
        if (!(cell >= value)) cell = value;
      }
  }
  void add_mean(IndexRange rows, IndexRange columns, double total, double samples) {
    for (size_t r = rows.first; r < rows.first + rows.count; ++r)
      for (size_t c = columns.first; c < columns.first + columns.count; ++c) {
        sum(r, c) += total;
        count(r, c) += samples;
      }
  }
  void finish() {
    if (subject.reduction != Reduction::Mean) return;
    for (size_t r = 0; r < sum.rows(); ++r)
      for (size_t c = 0; c < sum.cols(); ++c)
        if (count(r, c) > 0) tile.values(r, c) = static_cast<float>(sum(r, c) / count(r, c));
  }
};

HeatSource::HeatSource(const TraceReader& trace, const std::filesystem::path& file)
    : trace_(trace), file_(file) {
  find_pyramid();
}

void HeatSource::find_pyramid() {
  pyramid_.reset();
  origin_ = PyramidOrigin::None;
  if (trace_.info().capture.rows == FullRows::Omit || !trace_.info().complete) return;
  pyramid_ = PyramidReader::open(file_, trace_.info());
  if (pyramid_) {
    origin_ = PyramidOrigin::Trace;
    return;
  }
  const std::filesystem::path index = find_pyramid_index(file_, trace_.info());
  if (index.empty()) return;
  pyramid_ = PyramidReader::open(index, trace_.info());
  if (pyramid_) origin_ = PyramidOrigin::Index;
}

/// The finest level whose cells are no larger than the tile's, or a coarser one if that would be
/// too many; 0 = the rows themselves.
size_t HeatSource::level_for(const TileKey& key, IndexRange steps, IndexRange positions) const {
  const size_t most = pyramid_ ? pyramid_->levels() : 0;
  size_t level = std::min<size_t>(std::min(key.step_shift, key.position_shift) / 2, most);
  const auto cells = [&](size_t at) {
    const size_t factor = size_t{1} << (2 * at);
    return divided_up(steps.count, factor) * divided_up(positions.count, factor);
  };
  while (level < most && cells(level) > kMostCells) ++level;
  return level;
}

std::shared_ptr<const HeatTile> HeatSource::read(const TileKey& key, const HeatSubject& subject,
                                                 const Cancelled& cancelled) {
  const TraceInfo& info = trace_.info();
  const IndexRange steps = clipped(key.steps(), info.steps.size());
  const IndexRange positions = clipped(key.positions(), info.tokens);
  Folding fold(key, subject, steps, positions);
  if (steps.count > 0 && positions.count > 0) {
    const size_t level = level_for(key, steps, positions);
    if (level == 0)
      fold_rows(fold, cancelled);
    else
      fold_level(fold, level, cancelled);
    if (cancelled()) return nullptr;
    fold.finish();
  }
  return std::make_shared<const HeatTile>(std::move(fold.tile));
}

// The reader has said what is lost when it opened the file.
void HeatSource::read_values(size_t layer_index, KvHead kv_head, IndexRange positions,
                             GridView<float> rows) const {
  try {
    trace_.read_values(layer_index, kv_head, positions, rows);
  } catch (const Error&) {
    if (!trace_.was_cut()) throw;
    if (positions.count <= kLostPiece) {
      for (size_t r = 0; r < positions.count; ++r) std::ranges::fill(rows.row(r), kAbsent);
      return;
    }
    const size_t half = positions.count / 2;
    read_values(layer_index, kv_head, {positions.first, half}, rows.rows_from(0, half));
    read_values(layer_index, kv_head, {positions.first + half, positions.count - half},
                rows.rows_from(half, positions.count - half));
  }
}

const std::vector<float>& HeatSource::value_lengths(size_t layer_index, KvHead kv_head,
                                                    const Cancelled& cancelled) {
  const std::pair<size_t, uint32_t> key{layer_index, kv_head.value};
  if (const auto known = lengths_.find(key); known != lengths_.end()) return known->second;
  const size_t tokens = trace_.info().tokens;
  if ((lengths_.size() + 1) * tokens > kMostLengths) lengths_.clear();
  std::vector<float> lengths(tokens);
  Grid<float> rows(std::min(kLengthBlock, tokens), trace_.info().model.head_dim);
  for (size_t first = 0; first < tokens; first += kLengthBlock) {
    static const std::vector<float> kNone;
    if (cancelled()) return kNone;
    const size_t count = std::min(kLengthBlock, tokens - first);
    read_values(layer_index, kv_head, {first, count}, rows.view().rows_from(0, count));
    for (size_t p = 0; p < count; ++p) {
      double sum = 0;
      for (const float value : rows.row(p)) sum += double{value} * double{value};
      lengths[first + p] = static_cast<float>(std::sqrt(sum));
    }
  }
  return lengths_[key] = std::move(lengths);
}

void HeatSource::fold_rows(Folding& fold, const Cancelled& cancelled) {
  const HeatSubject& subject = fold.subject;
  // Without a pyramid a large tile looks at some steps only, evenly spread.
  const bool preview = fold.steps.count * fold.positions.count > kMostCells;
  const size_t stride = preview ? std::max<size_t>(1, fold.steps.count / kPreviewRows) : 1;
  const size_t block = preview ? 1 : std::min(kBlockSteps, fold.steps.count);
  if (preview) {
    fold.tile.sampling = Sampling::Preview;
    fold.tile.step_grain = stride;
  }
  Grid<float> rows(block, fold.positions.count);
  for_each_head(subject, [&](size_t layer, size_t head) {
    const KvHead kv_head = trace_.info().kv_head_of(trace_.info().heads[head]);
    const std::vector<float>* lengths = nullptr;
    if (subject.quantity == Quantity::Contribution)
      lengths = &value_lengths(layer, kv_head, cancelled);
    for (size_t at = 0; at < fold.steps.count; at += preview ? stride : block) {
      if (cancelled()) return;
      const size_t first = fold.steps.first + at;
      const size_t count = std::min(block, fold.steps.count - at);
      const GridView<float> some = rows.view().rows_from(0, count);
      if (trace_.info().capture.rows == FullRows::Record)
        trace_.read_weights(layer, head, {first, count}, fold.positions, some);
      else
        read_reduced_rows(trace_, layer, head, {first, count}, fold.positions, subject.reduction,
                          some);
      for (size_t r = 0; r < count; ++r) {
        // A step of a preview stands for those up to the next one.
        const IndexRange cells =
            Folding::touched(first + r, preview ? stride : 1, fold.steps, fold.tile.key.step_shift);
        for (size_t c = 0; c < fold.positions.count; ++c) {
          float value = rows(r, c);
          if (std::isnan(value)) continue;
          if (lengths) value *= (*lengths)[fold.positions.first + c];
          const IndexRange column{fold.column_of(fold.positions.first + c), 1};
          if (subject.reduction == Reduction::Max)
            fold.add_max(cells, column, value);
          else
            fold.add_mean(cells, column, double{value}, 1);
        }
      }
    }
  });
}

void HeatSource::fold_level(Folding& fold, size_t level, const Cancelled& cancelled) {
  const HeatSubject& subject = fold.subject;
  const size_t factor = size_t{1} << (2 * level);
  const IndexRange rows = cells_over(fold.steps, factor);
  const IndexRange columns = cells_over(fold.positions, factor);
  fold.tile.step_grain = fold.tile.position_grain = factor;
  Grid<float> cells(std::min(kBlockSteps, rows.count), columns.count);
  Grid<uint32_t> counts(cells.rows(), cells.cols());
  for_each_head(subject, [&](size_t layer, size_t head) {
    std::vector<float> longest(columns.count, 1);
    if (subject.quantity == Quantity::Contribution) {
      fold.tile.sampling = Sampling::Bound;
      const std::vector<float>& lengths =
          value_lengths(layer, trace_.info().kv_head_of(trace_.info().heads[head]), cancelled);
      if (cancelled()) return;
      for (size_t c = 0; c < columns.count; ++c) {
        const auto from = lengths.begin() + static_cast<ptrdiff_t>((columns.first + c) * factor);
        const auto room = static_cast<size_t>(lengths.end() - from);
        longest[c] = *std::max_element(from, from + static_cast<ptrdiff_t>(std::min(factor, room)));
      }
    }
    for (size_t at = 0; at < rows.count; at += cells.rows()) {
      if (cancelled()) return;
      const IndexRange band{rows.first + at, std::min(cells.rows(), rows.count - at)};
      const GridView<float> view = cells.view().rows_from(0, band.count);
      if (subject.reduction == Reduction::Max)
        pyramid_->read_max(level, layer, head, band, columns, view);
      else
        pyramid_->read_sums(level, layer, head, band, columns, view,
                            counts.view().rows_from(0, band.count));
      for (size_t r = 0; r < band.count; ++r) {
        const IndexRange tile_rows = Folding::touched((band.first + r) * factor, factor, fold.steps,
                                                      fold.tile.key.step_shift);
        for (size_t c = 0; c < columns.count; ++c) {
          const float value = cells(r, c) * longest[c];
          const IndexRange tile_columns = Folding::touched(
              (columns.first + c) * factor, factor, fold.positions, fold.tile.key.position_shift);
          if (subject.reduction == Reduction::Mean)
            fold.add_mean(tile_rows, tile_columns, double{value},
                          static_cast<double>(counts(r, c)));
          else if (!std::isnan(value))
            fold.add_max(tile_rows, tile_columns, value);
        }
      }
    }
  });
}

}  // namespace dendrokv
