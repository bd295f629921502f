#include "model/lane_errors.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "data/error.h"
#include "model/weights.h"

namespace dendrokv {
namespace {

void check(const TraceReader& trace, const Model& model) {
  const TraceInfo& info = trace.info();
  check_same_model(info, model);
  if (info.layers.size() != info.model.layers || info.heads.size() != info.model.heads ||
      info.steps.size() != info.tokens)
    fail("trace " + info.uuid, "records a part of the layers, heads or steps",
         "wanted all of them");
}

double squared_norm(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum;
}

class LayerErrors {
 public:
  LayerErrors(const TraceReader& trace, const PackedMatrix& projection, Layer layer)
      : trace_(trace),
        info_(trace.info()),
        layer_(layer),
        projection_(projection.rows(), projection.cols()) {
    for (size_t row = 0; row < projection.rows(); ++row) projection.row(row, projection_.row(row));
    for (uint32_t kv_head = 0; kv_head < info_.model.kv_heads; ++kv_head) {
      values_.emplace_back(info_.tokens, info_.model.head_dim);
      trace.read_values(layer.index(), KvHead(kv_head), {0, info_.tokens}, values_.back().view());
    }
  }

  /// Adds one step's errors to errors[run, first_lane + lane].
  void add(Step step, std::span<const Run> runs, Grid<double>& errors) {
    const size_t heads = info_.model.heads, size = info_.model.head_dim;
    weights_.resize(heads);
    full_.assign(heads * size, 0);
    for (size_t head = 0; head < heads; ++head) {
      weights_[head].resize(step.index() + 1);
      trace_.read_weights(layer_.index(), head, {step.index(), 1}, {0, step.index() + 1},
                          {weights_[head].data(), 1, step.index() + 1});
      output(head, {}, std::span(full_).subspan(head * size, size));
    }
    const double whole = squared_norm(projected(full_, 0));
    for (size_t run = 0; run < runs.size(); ++run)
      add_run(step, runs[run].retention, whole, errors.row(run));
  }

 private:
  void add_run(Step step, const Retention& retention, double whole, std::span<double> errors) {
    const size_t lanes = retention.lanes(), heads = info_.model.heads / lanes,
                 size = info_.model.head_dim;
    for (size_t lane = 0; lane < lanes; ++lane) {
      const auto evict_step = retention.evict_step(layer_, Lane(lane));
      seen_.clear();
      for (uint32_t position = 0; position <= step.value; ++position)
        if (evict_step[position] < 0 || static_cast<uint32_t>(evict_step[position]) >= step.value)
          seen_.push_back(position);
      if (seen_.size() == step.index() + 1) continue;
      change_.assign(heads * size, 0);
      for (size_t head = 0; head < heads; ++head) {
        const auto change = std::span(change_).subspan(head * size, size);
        output(lane * heads + head, seen_, change);
        for (size_t d = 0; d < size; ++d) change[d] -= full_[(lane * heads + head) * size + d];
      }
      errors[layer_.index() * lanes + lane] +=
          squared_norm(projected(change_, lane * heads * size)) / whole;
    }
  }

  /// (1 / P) sum p v over the rows seen, over all when none are named.
  void output(size_t head, std::span<const uint32_t> seen, std::span<double> out) {
    const std::span<const float> weights = weights_[head];
    const Grid<float>& values = values_[head / info_.group()];
    double mass = 0;
    const auto add_row = [&](size_t position) {
      const auto weight = static_cast<double>(weights[position]);
      mass += weight;
      const std::span<const float> value = values.row(position);
      for (size_t d = 0; d < out.size(); ++d) out[d] += weight * static_cast<double>(value[d]);
    };
    if (seen.empty())
      for (size_t position = 0; position < weights.size(); ++position) add_row(position);
    else
      for (const uint32_t position : seen) add_row(position);
    if (mass > 0)
      for (double& value : out) value /= mass;
  }

  /// W_O[:, first ..] x
  std::span<const double> projected(std::span<const double> x, size_t first) {
    projected_.assign(projection_.rows(), 0);
    for (size_t row = 0; row < projection_.rows(); ++row) {
      const std::span<const float> weights =
          std::as_const(projection_).row(row).subspan(first, x.size());
      double sum = 0;
      for (size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(weights[i]) * x[i];
      projected_[row] = sum;
    }
    return projected_;
  }

  const TraceReader& trace_;
  const TraceInfo& info_;
  const Layer layer_;
  Grid<float> projection_;                   // [width, heads * head_dim]
  std::vector<Grid<float>> values_;          // [kv head] of [position, head_dim]
  std::vector<std::vector<float>> weights_;  // [head][position]
  std::vector<uint32_t> seen_;
  std::vector<double> full_, change_, projected_;
};

}  // namespace

void check_same_model(const TraceInfo& info, const Model& model) {
  if (info.model.sha256 == model.sha256()) return;
  fail("trace " + info.uuid, "of model " + info.model.name + " " + info.model.sha256.substr(0, 12),
       "wanted one of " + model.path().string(), "name its model with --model");
}

std::optional<Grid<double>> lane_errors(const TraceReader& trace, const Model& model,
                                        std::span<const Run> runs, std::span<const Step> steps,
                                        const Progress& progress) {
  trace.require_full_rows("the errors of lanes");
  check(trace, model);
  DENDROKV_ASSERT(!runs.empty() && !steps.empty());
  const Config& config = model.config();
  Grid<double> errors(runs.size(), size_t{config.layers} * runs[0].retention.lanes());
  for (Layer layer; layer.value < config.layers; layer = layer.next()) {
    LayerErrors of_layer(trace, model.weights().layers[layer.index()].attention_output, layer);
    for (const Step step : steps) of_layer.add(step, runs, errors);
    if (progress && progress(layer.value + 1, config.layers) == Continue::Stop) return std::nullopt;
  }
  for (double& error : errors.all()) error /= static_cast<double>(steps.size());
  return errors;
}

}  // namespace dendrokv
