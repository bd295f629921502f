#include "model/incoming_rows.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "cache/lane_inputs.h"
#include "data/grid.h"
#include "data/half.h"

namespace dendrokv {
namespace {

uint64_t hash_of(std::span<const float> row) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a over the numbers
  for (const float number : row)
    hash = (hash ^ std::bit_cast<uint32_t>(number + 0.0f)) * 0x100000001b3;  // -0 is 0
  return hash;
}

/// The numbers as the cache stores them.
std::vector<float> stored(std::span<const float> row, Arithmetic arithmetic) {
  std::vector<float> numbers(row.begin(), row.end());
  if (arithmetic == Arithmetic::Fast)
    for (float& number : numbers) number = from_half(to_half(number));
  return numbers;
}

/// Of each slot the length of its key, read by unit queries: rotation keeps it.
std::vector<double> key_norms(const KvLane& rows, size_t kv_head, size_t head_dim) {
  Grid<float> units(head_dim, head_dim), keys(head_dim, rows.slots().size());
  for (size_t channel = 0; channel < head_dim; ++channel) units(channel, channel) = 1;
  for (size_t frame = 0; frame < rows.frames(); ++frame)
    rows.scores(kv_head, units.view(), rows.slots_of(frame), 1, keys.view());
  std::vector<double> norms(keys.cols());
  for (size_t slot = 0; slot < norms.size(); ++slot) {
    double squares = 0;
    for (size_t channel = 0; channel < head_dim; ++channel)
      squares += double{keys(channel, slot)} * double{keys(channel, slot)};
    norms[slot] = std::sqrt(squares);
  }
  return norms;
}

}  // namespace

IncomingRows::IncomingRows(const Model& model)
    : model_(model), rows_(model.config().layers * model.config().kv_heads) {}

void IncomingRows::add(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
                       std::span<const float> value) {
  RowLog& log = rows_[layer.index() * model_.config().kv_heads + kv_head.index()];
  log.key_norm.resize(position.index() + 1);
  log.value_hash.resize(position.index() + 1);
  log.key_norm[position.index()] = euclidean_norm(key);
  log.value_hash[position.index()] = hash_of(stored(value, model_.arithmetic()));
}

std::string IncomingRows::fault_in(const AttentionLane& lane, Layer layer) const {
  const KvLane& rows = lane.rows();
  const size_t head_dim = model_.config().head_dim;
  const double tolerance = model_.arithmetic() == Arithmetic::Exact ? 1e-5 : 2e-3;  // rounded twice
  Grid<float> value(1, head_dim);  // of a slot, read by weights of it alone
  for (size_t kv_head = 0; kv_head < lane.heads().kv_heads; ++kv_head) {
    const RowLog& log = log_of(layer, lane.heads().first_kv_head + kv_head);
    const std::vector<double> norms = key_norms(rows, kv_head, head_dim);
    const Grid<float> ones(1, norms.size(), 1.0f);
    for (size_t slot = 0; slot < norms.size(); ++slot) {
      const size_t position = rows.slots().positions()[slot].index();
      const double norm = double{log.key_norm[position]};
      if (std::fabs(norms[slot] - norm) > tolerance * norm + 1e-5)
        return "the key of position " + std::to_string(position) + " is " +
               std::to_string(norms[slot]) + " long, it came with " + std::to_string(norm);
      std::ranges::fill(value.row(0), 0.0f);
      rows.add_weighted_sum(kv_head, ones.view(), {slot, slot + 1}, 0, value.view());
      if (hash_of(value.row(0)) != log.value_hash[position])
        return "the value of position " + std::to_string(position) + " is not the one that came";
    }
  }
  return {};
}

}  // namespace dendrokv
