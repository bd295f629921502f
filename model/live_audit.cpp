#include "model/live_audit.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "cache/audit.h"
#include "cache/row_bounds.h"
#include "data/half.h"
#include "model/attention_lane.h"
#include "model/audit_reruns.h"
#include "model/cache_bytes.h"

namespace dendrokv {
namespace {

constexpr double kSumTolerance = 1e-3;

/// What the queries of one head have seen.
struct HeadLog {
  std::mutex mutex;                             // steps of a block may come side by side
  std::vector<uint32_t> times_seen, last_seen;  // [position]
  std::vector<double> weight_sum;               // [position]
  double lowest_sum = 2, highest_sum = 0;
  uint64_t rows = 0;
  std::string softmax_fault, order_fault, budget_fault, protected_fault;
};

/// What came in with each token of a KV head.
struct RowLog {
  std::vector<float> key_norm;       // [position]
  std::vector<uint64_t> value_hash;  // [position]
};

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

}  // namespace

class LiveAudit::Impl {
 public:
  Impl(const Model& model, const PolicyChoice& policy, Observer* next)
      : model_(model),
        config_(model.config()),
        policy_(policy),
        shape_(policy.shape()),
        next_(next),
        heads_(config_.layers * config_.heads),
        rows_(config_.layers * config_.kv_heads) {}

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
  std::string place(const AttentionRow& row) const {
    return "layer " + std::to_string(row.layer.value) + ", head " + std::to_string(row.head.value) +
           ", step " + std::to_string(row.step.value) + ": ";
  }
  Lane lane_of(const AttentionRow& row) const {
    return Lane(row.head.value * lanes_of(config_, shape_) / config_.heads);
  }
  std::vector<AttentionRow> of_next(std::span<const AttentionRow> rows) const;
  void look_at(const AttentionRow& row);
  void check_softmax(const AttentionRow& row, HeadLog& log) const;
  void check_rows(const AttentionRow& row, HeadLog& log) const;

  const HeadLog& head(Layer layer, size_t head) const {
    return heads_[layer.index() * config_.heads + head];
  }
  /// The first fault of all heads, or `found`.
  Finding of_heads(std::string HeadLog::*fault, const std::string& found) const;
  Finding softmax() const;
  Finding record(const Run& run) const;
  Finding alignment(const Streams& streams, size_t stream, const Run& run) const;
  std::string slots_fault(const AttentionLane& lane, const Run& run, Layer layer, Lane of) const;
  std::string stored_fault(const AttentionLane& lane, Layer layer) const;

  const Model& model_;
  const Config& config_;
  const PolicyChoice& policy_;
  const PolicyShape& shape_;
  Observer* next_;
  std::deque<HeadLog> heads_;  // [layer, head]
  std::vector<RowLog> rows_;   // [layer, KV head]
  FirstLayer first_layer_;
};

void LiveAudit::Impl::on_attention(std::span<const AttentionRow> rows) {
  for (const AttentionRow& row : rows) look_at(row);
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

void LiveAudit::Impl::look_at(const AttentionRow& row) {
  HeadLog& log = heads_[row.layer.index() * config_.heads + row.head.index()];
  const std::lock_guard lock(log.mutex);
  check_softmax(row, log);
  check_rows(row, log);
  const size_t positions = row.positions.empty() ? 0 : row.positions.back().index() + 1;
  if (log.times_seen.size() < positions) {
    log.times_seen.resize(positions);
    log.last_seen.resize(positions);
    log.weight_sum.resize(positions);
  }
  for (size_t slot = 0; slot < row.positions.size(); ++slot) {
    const size_t at = row.positions[slot].index();
    ++log.times_seen[at];
    log.last_seen[at] = std::max(log.last_seen[at], row.step.value);
    log.weight_sum[at] += double{row.weights[slot]};
  }
}

void LiveAudit::Impl::check_softmax(const AttentionRow& row, HeadLog& log) const {
  double sum = 0;
  for (const float weight : row.weights) {
    if (!(weight >= 0) && log.softmax_fault.empty())
      log.softmax_fault = place(row) + "a weight of " + std::to_string(weight);
    sum += double{weight};
  }
  ++log.rows;
  log.lowest_sum = std::min(log.lowest_sum, sum);
  log.highest_sum = std::max(log.highest_sum, sum);
  if (!(std::fabs(sum - 1) <= kSumTolerance) && log.softmax_fault.empty())
    log.softmax_fault = place(row) + "sums to " + std::to_string(sum);
}

void LiveAudit::Impl::check_rows(const AttentionRow& row, HeadLog& log) const {
  const auto positions = row.positions;
  const bool rising =
      std::ranges::adjacent_find(positions, std::greater_equal<>()) == positions.end();
  if (log.order_fault.empty() &&
      (!rising || positions.empty() || positions.back().value != row.step.value))
    log.order_fault = place(row) + "its slots are not in the order of the text";
  // The row of this step comes on top of those that were held after the last one.
  const Lane lane = lane_of(row);
  RowBounds bounds = row_bounds(policy_, row.layer, lane, row.step.value);
  if (shape_.deciding == Deciding::LayerTogether) bounds.most = row.step.value;
  const uint64_t rows = positions.size();
  if (log.budget_fault.empty() && (rows < bounds.fewest + 1 || rows > bounds.most + 1))
    log.budget_fault = place(row) + std::to_string(rows) + " rows, wanted " +
                       std::to_string(bounds.fewest + 1) + " to " + std::to_string(bounds.most + 1);
  if (!log.protected_fault.empty() || shape_.budget == 0) return;
  const PolicyShape& shape = policy_.lane_shape(row.layer, lane);
  for (size_t slot = 0; slot < std::min<size_t>(shape.sinks, row.step.index() + 1); ++slot)
    if (slot >= rows || positions[slot].index() != slot)
      log.protected_fault = place(row) + "sink " + std::to_string(slot) + " is missing";
  for (size_t back = 0; back < std::min<size_t>(shape.recent, row.step.index() + 1); ++back)
    if (back >= rows || positions[rows - 1 - back].index() != row.step.index() - back)
      log.protected_fault =
          place(row) + "recent row " + std::to_string(row.step.index() - back) + " is missing";
}

void LiveAudit::Impl::on_row(Layer layer, KvHead kv_head, Position position,
                             std::span<const float> key, std::span<const float> value) {
  RowLog& log = rows_[layer.index() * config_.kv_heads + kv_head.index()];
  log.key_norm.resize(position.index() + 1);
  log.value_hash.resize(position.index() + 1);
  log.key_norm[position.index()] = euclidean_norm(key);
  log.value_hash[position.index()] = hash_of(stored(value, model_.arithmetic()));
  if (next_ != nullptr && next_->wants_rows(layer))
    next_->on_row(layer, kv_head, position, key, value);
}

Finding LiveAudit::Impl::of_heads(std::string HeadLog::*fault, const std::string& found) const {
  for (const HeadLog& log : heads_)
    if (!(log.*fault).empty()) return bad(log.*fault);
  return good(found);
}

Finding LiveAudit::Impl::softmax() const {
  double lowest = 2, highest = 0;
  uint64_t rows = 0;
  for (const HeadLog& log : heads_) {
    lowest = std::min(lowest, log.lowest_sum);
    highest = std::max(highest, log.highest_sum);
    rows += log.rows;
  }
  return of_heads(&HeadLog::softmax_fault, std::to_string(rows) + " rows, sums " +
                                               std::to_string(lowest) + " to " +
                                               std::to_string(highest));
}

// A row leaves once: the number of steps that saw it and the last of them say which steps they
// were.
Finding LiveAudit::Impl::record(const Run& run) const {
  const uint32_t tokens = run.retention.tokens();
  const size_t heads_of_lane = config_.heads / run.retention.lanes();
  for (Layer layer; layer.value < config_.layers; layer = layer.next())
    for (size_t head = 0; head < config_.heads; ++head) {
      const HeadLog& log = this->head(layer, head);
      const auto steps = run.retention.evict_step(layer, Lane(head / heads_of_lane));
      for (size_t position = 0; position < tokens; ++position) {
        const uint32_t last =
            steps[position] < 0 ? tokens - 1 : static_cast<uint32_t>(steps[position]);
        const bool seen = position < log.times_seen.size() && log.last_seen[position] == last &&
                          log.times_seen[position] == last - position + 1;
        if (!seen)
          return bad("layer " + std::to_string(layer.value) + ", head " + std::to_string(head) +
                     " did not see position " + std::to_string(position) + " until step " +
                     std::to_string(last) + " as the record says");
      }
    }
  return good("what " + std::to_string(heads_.size()) + " heads saw in " + std::to_string(tokens) +
              " steps is what the record says");
}

Finding LiveAudit::Impl::alignment(const Streams& streams, size_t stream, const Run& run) const {
  uint64_t slots = 0;
  for (Layer layer; layer.value < config_.layers; layer = layer.next())
    for (Lane lane; lane.value < run.retention.lanes(); lane = lane.next()) {
      const AttentionLane& rows = streams.lane(stream, layer, lane);
      std::string fault = slots_fault(rows, run, layer, lane);
      if (fault.empty()) fault = stored_fault(rows, layer);
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
  if (shape_.scores != ScoreUse::Sums || shape_.budget == 0) return {};
  for (size_t slot = 0; slot < kept.size(); ++slot) {
    const size_t position = kept[slot].index();
    const std::string subject = "position " + std::to_string(position);
    if (shape_.group == GroupRule::Max) continue;
    double sum = 0;
    for (size_t head = 0; head < lane.heads().heads; ++head)
      sum += this->head(layer, lane.heads().first_head + head).weight_sum[position];
    sum /= static_cast<double>(lane.heads().heads);
    if (std::fabs(view.weight_sum[slot] - sum) > 1e-5 * sum + 1e-6)  // means are floats
      return subject + " has the sum " + std::to_string(view.weight_sum[slot]) + ", recounted " +
             std::to_string(sum);
  }
  return {};
}

// A value row is read back by weights of one slot alone, a key by unit queries; its rotation keeps
// its length.
std::string LiveAudit::Impl::stored_fault(const AttentionLane& lane, Layer layer) const {
  const KvLane& rows = lane.rows();
  const size_t size = config_.head_dim, count = rows.slots().size();
  Grid<float> units(size, size), keys(size, count), weights(1, count, 1.0f), value(1, size);
  for (size_t channel = 0; channel < size; ++channel) units(channel, channel) = 1;
  const double tolerance = model_.arithmetic() == Arithmetic::Exact ? 1e-5 : 2e-3;  // rounded twice
  for (size_t kv_head = 0; kv_head < lane.heads().kv_heads; ++kv_head) {
    const RowLog& log =
        rows_[layer.index() * config_.kv_heads + lane.heads().first_kv_head + kv_head];
    for (size_t frame = 0; frame < rows.frames(); ++frame)
      rows.scores(kv_head, units.view(), rows.slots_of(frame), 1, keys.view());
    for (size_t slot = 0; slot < count; ++slot) {
      const size_t position = rows.slots().positions()[slot].index();
      double squares = 0;
      for (size_t channel = 0; channel < size; ++channel)
        squares += double{keys(channel, slot)} * double{keys(channel, slot)};
      const double norm = double{log.key_norm[position]};
      if (std::fabs(std::sqrt(squares) - norm) > tolerance * norm + 1e-5)
        return "the key of position " + std::to_string(position) + " is " +
               std::to_string(std::sqrt(squares)) + " long, it came with " + std::to_string(norm);
      std::ranges::fill(value.row(0), 0.0f);
      rows.add_weighted_sum(kv_head, std::as_const(weights).view(), {slot, slot + 1}, 0,
                            value.view());
      if (hash_of(value.row(0)) != log.value_hash[position])
        return "the value of position " + std::to_string(position) + " is not the one that came";
    }
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
  add("rows of p", softmax());
  add("time order", of_heads(&HeadLog::order_fault, "slots of every row in the order of the text"));
  add("rows = budget", of_heads(&HeadLog::budget_fault, "rows of every query within the budget"));
  add("protected", shape_.budget == 0 ? not_applicable("nothing leaves")
                                      : of_heads(&HeadLog::protected_fault, "seen by every query"));
  add("record", record(run));
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
