#include "model/live_audit.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "cache/audit.h"
#include "model/attention_lane.h"
#include "model/audit_reruns.h"
#include "model/incoming_rows.h"
#include "model/seen_rows.h"

namespace dendrokv {

class LiveAudit::Impl {
 public:
  Impl(const Model& model, const PolicyChoice& policy, Observer* next)
      : model_(model),
        config_(model.config()),
        policy_(policy),
        shape_(policy.shape()),
        next_(next),
        seen_(config_, policy),
        incoming_(model) {}

  bool next_wants(Layer layer, Head head, Step step) const {
    return next_ != nullptr && next_->wants_attention(layer, head, step);
  }

  void on_attention(std::span<const AttentionRow> rows);
  void on_attention_done(std::span<const AttentionRow> rows);
  void on_row(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
              std::span<const float> value);
  void on_steps_done(Step first, uint32_t count) {
    if (next_ != nullptr) next_->on_steps_done(first, count);
  }
  std::vector<Check> checks(const Streams& streams, size_t stream, std::span<const int32_t> tokens,
                            const DecoderOptions& options) const;
  ModelFacts facts() const { return model_.facts(); }
  std::string policy() const { return policy_.text(); }

 private:
  std::vector<AttentionRow> of_next(std::span<const AttentionRow> rows) const;
  Finding alignment(const Streams& streams, size_t stream, const Run& run) const;
  std::string slots_fault(const AttentionLane& lane, const Run& run, Layer layer, Lane of) const;

  const Model& model_;
  const Config& config_;
  const PolicyChoice& policy_;
  const PolicyShape& shape_;
  Observer* next_;
  SeenRows seen_;
  IncomingRows incoming_;
  FirstLayer first_layer_;
};

void LiveAudit::Impl::on_attention(std::span<const AttentionRow> rows) {
  for (const AttentionRow& row : rows) seen_.add(row);
  if (rows.front().layer.value == 0) first_layer_.on_attention(rows);
  const std::vector<AttentionRow> wanted = of_next(rows);
  if (!wanted.empty()) next_->on_attention(wanted);
}

void LiveAudit::Impl::on_attention_done(std::span<const AttentionRow> rows) {
  const std::vector<AttentionRow> wanted = of_next(rows);
  if (!wanted.empty()) next_->on_attention_done(wanted);
}

// Those that the next observer asked for.
std::vector<AttentionRow> LiveAudit::Impl::of_next(std::span<const AttentionRow> rows) const {
  std::vector<AttentionRow> wanted;
  std::ranges::copy_if(rows, std::back_inserter(wanted), [&](const AttentionRow& row) {
    return next_wants(row.layer, row.head, row.step);
  });
  return wanted;
}

void LiveAudit::Impl::on_row(Layer layer, KvHead kv_head, Position position,
                             std::span<const float> key, std::span<const float> value) {
  incoming_.add(layer, kv_head, position, key, value);
  if (next_ != nullptr && next_->wants_rows(layer))
    next_->on_row(layer, kv_head, position, key, value);
}

Finding LiveAudit::Impl::alignment(const Streams& streams, size_t stream, const Run& run) const {
  uint64_t slots = 0;
  for (Layer layer; layer.value < config_.layers; layer = layer.next())
    for (Lane lane; lane.value < run.retention.lanes(); lane = lane.next()) {
      const AttentionLane& rows = streams.lane(stream, layer, lane);
      std::string fault = slots_fault(rows, run, layer, lane);
      if (fault.empty()) fault = incoming_.fault_in(rows, layer);
      if (!fault.empty()) return bad(lane_text(layer.value, lane.value) + ": " + fault);
      slots += rows.rows().slots().size();
    }
  return good("positions, scores, keys and values of " + std::to_string(slots) + " slots");
}

// Positions as on record, S = the weights that the queries gave.
std::string LiveAudit::Impl::slots_fault(const AttentionLane& lane, const Run& run, Layer layer,
                                         Lane of) const {
  const Step last(run.retention.tokens() - 1);
  const LaneView view = lane.rows().slots().view(layer, of, last);
  const std::vector<Position> kept = run.retention.kept_positions(layer, of, last);
  if (!std::ranges::equal(view.position, kept))
    return "holds " + std::to_string(view.position.size()) + " rows, other ones than on record";
  if (shape_.scores != ScoreUse::Sums || shape_.budget == 0 || shape_.group == GroupRule::Max)
    return {};
  for (size_t slot = 0; slot < kept.size(); ++slot) {
    double sum = 0;
    for (size_t head = 0; head < lane.heads().heads; ++head)
      sum += seen_.weight_sum(layer, lane.heads().first_head + head, kept[slot]);
    sum /= static_cast<double>(lane.heads().heads);
    if (std::fabs(view.weight_sum[slot] - sum) > 1e-5 * sum + 1e-6)  // means are floats
      return "position " + std::to_string(kept[slot].value) + " has the sum " +
             std::to_string(view.weight_sum[slot]) + ", recounted " + std::to_string(sum);
  }
  return {};
}

std::vector<Check> LiveAudit::Impl::checks(const Streams& streams, size_t stream,
                                           std::span<const int32_t> tokens,
                                           const DecoderOptions& options) const {
  const Run run = streams.run(stream);
  std::vector<Check> checks;
  const auto add = [&](const char* name, Finding finding) {
    checks.push_back({name, std::string(check_meaning(name)), std::move(finding)});
  };
  add("rows of p", seen_.softmax());
  add("time order", seen_.order());
  add("rows = budget", seen_.budget());
  add("protected", seen_.protection());
  add("record", seen_.record(run));
  add("alignment", alignment(streams, stream, run));
  DecoderOptions again = options;
  again.evictions = EvictionLog::Discard;
  add("identity", check_identity(model_, policy_, tokens, again));
  add("RoPE relativity", check_relativity(model_, policy_, first_layer_, tokens, again));
  return checks;
}

LiveAudit::LiveAudit(const Model& model, const PolicyChoice& policy, Observer* next)
    : impl_(std::make_unique<Impl>(model, policy, next)) {}
LiveAudit::~LiveAudit() = default;

bool LiveAudit::wants_attention(Layer, Head, Step) const {
  return true;
}
bool LiveAudit::wants_rows(Layer) const {
  return true;
}
void LiveAudit::on_attention(std::span<const AttentionRow> rows) {
  impl_->on_attention(rows);
}
void LiveAudit::on_attention_done(std::span<const AttentionRow> rows) {
  impl_->on_attention_done(rows);
}
void LiveAudit::on_row(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
                       std::span<const float> value) {
  impl_->on_row(layer, kv_head, position, key, value);
}
void LiveAudit::on_steps_done(Step first, uint32_t count) {
  impl_->on_steps_done(first, count);
}

std::vector<Check> LiveAudit::checks(const Streams& streams, size_t stream,
                                     std::span<const int32_t> tokens,
                                     const DecoderOptions& options) const {
  return impl_->checks(streams, stream, tokens, options);
}

Audit LiveAudit::audit(const Streams& streams, size_t stream, std::span<const int32_t> tokens,
                       const DecoderOptions& options) const {
  Audit audit = audit_run(streams.run(stream), impl_->facts());
  audit.subject = "running model, policy " + impl_->policy();
  merge(audit, checks(streams, stream, tokens, options));
  return audit;
}

}  // namespace dendrokv
