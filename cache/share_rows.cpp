#include "cache/share_rows.h"

#include <cmath>
#include <utility>

namespace dendrokv {

void ShareRows::read(const TraceReader& trace, size_t layer_index, InputSet wanted) {
  const bool values = wanted.has(Input::Values) || wanted.has(Input::ValueNorms);
  for (uint32_t kv_head = 0; kv_head < share_.count; ++kv_head) {
    const KvHead recorded(share_.first + kv_head);
    const IndexRange all{0, info_.tokens};
    if (values) {
      values_.emplace_back(info_.tokens, info_.model.head_dim);
      trace.read_values(layer_index, recorded, all, values_.back().view());
    }
    if (wanted.has(Input::Keys)) {
      keys_.emplace_back(info_.tokens, info_.model.head_dim);
      trace.read_keys(layer_index, recorded, all, keys_.back().view());
    }
  }
  for (const Grid<float>& rows : values_) add_norms(rows);
}

void ShareRows::add_mass(size_t head, std::span<const float> weights) {
  if (mass_.empty()) mass_.assign(share_.count * info_.group(), std::vector<double>(info_.tokens));
  for (size_t position = 0; position < weights.size(); ++position)
    mass_[head][position] += static_cast<double>(weights[position]);
}

RecordedRows ShareRows::of_lane(uint32_t first_head, uint32_t heads) {
  const uint32_t kv_head = first_head / info_.group();
  RecordedRows rows;
  if (!keys_.empty()) rows.keys = std::as_const(keys_[kv_head]).view();
  if (!values_.empty()) rows.values = std::as_const(values_[kv_head]).view();
  if (!norms_.empty()) rows.value_norms = heads <= info_.group() ? norms_[kv_head] : mean_norms();
  if (!mass_.empty()) rows.mass = mean_mass(first_head, heads);
  return rows;
}

void ShareRows::add_norms(const Grid<float>& rows) {
  std::vector<float>& norms = norms_.emplace_back();
  for (size_t position = 0; position < rows.rows(); ++position)
    norms.push_back(euclidean_norm(rows.row(position)));
}

// Root mean square over the KV heads.
std::span<const float> ShareRows::mean_norms() {
  std::vector<float>& mean = lane_norms_.emplace_back(info_.tokens);
  for (size_t position = 0; position < mean.size(); ++position) {
    double squares = 0;
    for (const std::vector<float>& norms : norms_)
      squares += static_cast<double>(norms[position]) * static_cast<double>(norms[position]);
    mean[position] = static_cast<float>(std::sqrt(squares / static_cast<double>(norms_.size())));
  }
  return mean;
}

std::span<const double> ShareRows::mean_mass(uint32_t first_head, uint32_t heads) {
  std::vector<double>& mean = lane_mass_.emplace_back(info_.tokens);
  for (uint32_t head = first_head; head < first_head + heads; ++head)
    for (size_t position = 0; position < mean.size(); ++position)
      mean[position] += mass_[head][position] / heads;
  return mean;
}

}  // namespace dendrokv
