#pragma once
// What an audit runs again: short texts, under the full cache and under the policy.

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "cache/checks.h"
#include "model/observer.h"
#include "model/streams.h"

namespace dendrokv {

/// The last query's rows of the first layer, whose keys and queries depend on the tokens alone.
class FirstLayer final : public Observer {
 public:
  struct Row {
    Step step;
    std::vector<Position> positions;
    std::vector<float> weights;
  };

  bool wants_attention(Layer layer, Head, Step) const override { return layer.value == 0; }
  bool wants_rows(Layer) const override { return false; }
  void on_row(Layer, KvHead, Position, std::span<const float>, std::span<const float>) override {}
  void on_steps_done(Step, uint32_t) override {}
  void on_attention(std::span<const AttentionRow> rows) override {
    const std::lock_guard lock(mutex_);
    for (const AttentionRow& row : rows) {
      Row& last = rows_[row.head];
      if (!last.positions.empty() && row.step < last.step) continue;
      last = {row.step,
              {row.positions.begin(), row.positions.end()},
              {row.weights.begin(), row.weights.end()}};
    }
  }
  const std::map<Head, Row>& rows() const { return rows_; }

 private:
  std::mutex mutex_;
  std::map<Head, Row> rows_;
};

/// The start of `tokens`, as far as it fits the budget, has the logits of full bit for bit.
Finding check_identity(const Model& model, const PolicyChoice& policy,
                       std::span<const int32_t> tokens, const DecoderOptions& options);

/// `seen` is what the run showed of `tokens`; the suffix is run alone.
Finding check_relativity(const Model& model, const PolicyChoice& policy, const FirstLayer& seen,
                         std::span<const int32_t> tokens, const DecoderOptions& options);

/// Logits [token, vocabulary] of a text that fits its budget, beside those under full.
Finding check_same_logits(GridView<const float> found, GridView<const float> full);

}  // namespace dendrokv
