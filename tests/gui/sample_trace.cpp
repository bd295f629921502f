#include "tests/gui/sample_trace.h"

#include <cmath>
#include <limits>
#include <vector>

#include "cache/policies.h"
#include "cache/replay.h"
#include "data/grid.h"
#include "data/trace_reader.h"
#include "data/trace_writer.h"

namespace dendrokv::testing {
namespace {

constexpr std::string_view kText =
    "The tide turned at four. Maren wrote the height in the ledger, and the key hung behind the "
    "barometer; \"remember this,\" she said.\n\nNobody did. The captain smoked, the boat was late, "
    "and a "
    "child counted crabs: 12, 13, 14.\n";

uint32_t hashed(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  uint64_t x = a * 0x9e3779b97f4a7c15u ^ b * 0xc2b2ae3d27d4eb4fu ^ c * 0x165667b19e3779f9u ^ d;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 32;
  return static_cast<uint32_t>(x);
}

double unit(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  return hashed(a, b, c, d) / 4294967296.0;
}

/// Words with the blank before them, punctuation and line ends on their own.
TokenText tokens_of(const std::string& text, uint32_t count) {
  TokenText tokens;
  tokens.offset.push_back(0);
  size_t at = 0;
  while (tokens.id.size() < count) {
    if (at >= text.size()) at = 0;
    size_t end = at + 1;
    const auto letter = [&](size_t place) {
      return place < text.size() && std::isalnum(static_cast<unsigned char>(text[place]));
    };
    if (letter(at) || (text[at] == ' ' && letter(at + 1)))
      while (letter(end) && end - at < 9) ++end;
    tokens.bytes += text.substr(at, end - at);
    tokens.offset.push_back(tokens.bytes.size());
    tokens.id.push_back(
        static_cast<int32_t>(hashed(end - at, static_cast<unsigned char>(text[at]), 0, 0) % 50000));
    at = end;
  }
  return tokens;
}

/// Unnormalised, positive.
double raw_weight(size_t layer, size_t head, size_t step, size_t position) {
  if (position == 0) return 0.8 + 2.0 * unit(layer, head, 1, 0);
  const double distance = static_cast<double>(step - position);
  const double reach = 2.0 + 30.0 * unit(layer, head, 2, 0);
  // A few positions draw all queries.
  const double key = std::pow(unit(layer, 3, position, 4), 6.0);
  return std::exp(-distance / reach) + 0.35 * key +
         0.004 * unit(layer, head * 131 + step, position, 5);
}

using Rows = std::vector<Grid<float>>;  // [layer * heads + head] of [step, position]

/// Full attention; NaN after the query.
Rows full_rows(const SampleOptions& options) {
  Rows rows;
  for (size_t layer = 0; layer < options.layers; ++layer)
    for (size_t head = 0; head < options.heads; ++head) {
      Grid<float> grid(options.tokens, options.tokens, std::numeric_limits<float>::quiet_NaN());
      for (size_t step = 0; step < options.tokens; ++step) {
        double sum = 0;
        for (size_t p = 0; p <= step; ++p) sum += raw_weight(layer, head, step, p);
        for (size_t p = 0; p <= step; ++p)
          grid(step, p) = static_cast<float>(raw_weight(layer, head, step, p) / sum);
      }
      rows.push_back(std::move(grid));
    }
  return rows;
}

Run run_policy(const SampleOptions& options, const Rows& rows) {
  const PolicyChoice choice(options.policy);
  Run run{choice.text(),
          RunMode::ClosedLoop,
          {},
          LaneKind::PerKvHead,
          choice.shape().sinks,
          choice.shape().recent,
          choice.shape().budget,
          "rank",
          0,
          Retention(options.layers, options.kv_heads, options.tokens)};
  const size_t group = options.heads / options.kv_heads;
  Grid<float> weights(group, options.tokens);
  for (size_t layer = 0; layer < options.layers; ++layer)
    for (size_t lane = 0; lane < options.kv_heads; ++lane)
      replay_lane(
          choice, Layer(layer), Lane(lane),
          [&](Step step) {
            for (size_t g = 0; g < group; ++g)
              for (size_t p = 0; p <= step.index(); ++p)
                weights(g, p) = rows[layer * options.heads + lane * group + g](step.index(), p);
            return GridView<const float>(weights.data(), group, step.index() + 1, options.tokens);
          },
          run.retention);
  return run;
}

/// What a closed loop would have seen: absent rows NaN, the rest rescaled.
void drop_evicted(const SampleOptions& options, const Run& run, Rows& rows) {
  const size_t group = options.heads / options.kv_heads;
  for (size_t layer = 0; layer < options.layers; ++layer)
    for (size_t head = 0; head < options.heads; ++head)
      for (size_t step = 0; step < options.tokens; ++step) {
        const std::span<float> row = rows[layer * options.heads + head].row(step);
        double sum = 0;
        for (size_t p = 0; p <= step; ++p) {
          if (!run.retention.seen_by(Layer(layer), Lane(head / group), Position(p), Step(step)))
            row[p] = std::numeric_limits<float>::quiet_NaN();
          else
            sum += double{row[p]};
        }
        for (size_t p = 0; p <= step; ++p) row[p] = static_cast<float>(double{row[p]} / sum);
      }
}

TracePlan plan_of(const SampleOptions& options) {
  TracePlan plan;
  plan.info.model = {"sample",         "llama",          "0",   options.layers, options.heads,
                     options.kv_heads, options.head_dim, 50000, 4096,           1e4};
  plan.info.policy = options.policy.empty() ? "full" : PolicyChoice(options.policy).text();
  plan.info.tokens = options.tokens;
  for (uint32_t i = 0; i < options.layers; ++i) plan.info.layers.emplace_back(i);
  for (uint32_t i = 0; i < options.heads; ++i) plan.info.heads.emplace_back(i);
  for (uint32_t i = 0; i < options.tokens; ++i) plan.info.steps.emplace_back(i);
  plan.tokens = tokens_of(options.text.empty() ? std::string(kText) : options.text, options.tokens);
  plan.chunk_steps = std::min(64u, options.tokens);
  plan.chunk_positions = options.tokens;
  return plan;
}

void write_weights(TraceWriter& writer, const TracePlan& plan, const SampleOptions& options,
                   const Rows& rows) {
  for (size_t chunk = 0; chunk * plan.chunk_steps < options.tokens; ++chunk)
    for (size_t layer = 0; layer < options.layers; ++layer)
      for (size_t head = 0; head < options.heads; ++head) {
        std::vector<float> cells(size_t{plan.chunk_steps} * options.tokens,
                                 std::numeric_limits<float>::quiet_NaN());
        for (size_t s = 0; s < plan.chunk_steps; ++s) {
          const size_t step = chunk * plan.chunk_steps + s;
          if (step >= options.tokens) break;
          const std::span<const float> row = rows[layer * options.heads + head].row(step);
          std::copy(row.begin(), row.end(),
                    cells.begin() + static_cast<ptrdiff_t>(s * options.tokens));
        }
        std::vector<std::byte> bytes(cells.size() * encoded_bytes(plan.info.encoding));
        encode_weights(plan.info.encoding, cells, bytes);
        writer.write_weights(layer, head, chunk, 0, std::move(bytes));
      }
}

void write_values(TraceWriter& writer, const SampleOptions& options) {
  for (size_t layer = 0; layer < options.layers; ++layer)
    for (size_t kv_head = 0; kv_head < options.kv_heads; ++kv_head) {
      Grid<float> values(options.tokens, options.head_dim);
      for (size_t p = 0; p < options.tokens; ++p)
        for (size_t d = 0; d < options.head_dim; ++d)
          values(p, d) = static_cast<float>((p == 0 ? 0.05 : 1.0) *
                                            (2 * unit(layer, kv_head, p * 64 + d, 6) - 1));
      writer.write_values(layer, KvHead(kv_head), Position(0), values.view());
    }
}

}  // namespace

std::string write_sample_trace(const std::filesystem::path& path, const SampleOptions& options) {
  Rows rows = full_rows(options);
  const TracePlan plan = plan_of(options);
  TraceWriter writer(path, plan);
  const std::string uuid = writer.info().uuid;
  if (!options.policy.empty()) {
    Run run = run_policy(options, rows);
    run.trace_uuid = uuid;
    drop_evicted(options, run, rows);
    writer.write_run(run);
  }
  write_weights(writer, plan, options, rows);
  write_values(writer, options);
  std::vector<float> nll(options.tokens, 2.5f);
  nll[0] = std::numeric_limits<float>::quiet_NaN();
  writer.write_loss(nll);
  writer.mark_steps_valid(options.tokens);
  writer.finish();
  return uuid;
}

static SampleOptions of_one_layer() {
  SampleOptions options;
  options.tokens = GrowingTrace::kTokens;
  options.layers = options.kv_heads = 1;
  options.heads = 8;
  return options;
}

struct GrowingTrace::State {
  SampleOptions options = of_one_layer();
  TracePlan plan = plan_of(options);
  TraceWriter writer;
  uint32_t written = 0;
  explicit State(const std::filesystem::path& path) : writer(path, plan) {}
};

GrowingTrace::GrowingTrace(const std::filesystem::path& path)
    : state_(std::make_unique<State>(path)) {}
GrowingTrace::~GrowingTrace() = default;

void GrowingTrace::write_steps(uint32_t count) {
  const uint32_t rows = state_->plan.chunk_steps;
  for (; state_->written < count; state_->written += rows) {
    std::vector<float> cells(size_t{rows} * kTokens, std::numeric_limits<float>::quiet_NaN());
    for (uint32_t r = 0; r < rows; ++r)
      std::fill_n(cells.begin() + ptrdiff_t{r} * kTokens, state_->written + r + 1,
                  1.0f / static_cast<float>(state_->written + r + 1));
    std::vector<std::byte> bytes(cells.size() * encoded_bytes(state_->plan.info.encoding));
    encode_weights(state_->plan.info.encoding, cells, bytes);
    for (size_t head = 0; head < state_->options.heads; ++head)
      state_->writer.write_weights(0, head, state_->written / rows, 0, bytes);
    state_->writer.mark_steps_valid(state_->written + rows);
  }
}

void GrowingTrace::finish() {
  write_steps(kTokens);
  write_values(state_->writer, state_->options);
  state_->writer.write_loss(std::vector<float>(kTokens, 2.5f));
  state_->writer.finish();
}

void write_sample_runs(const std::filesystem::path& path, const std::filesystem::path& trace,
                       const std::vector<std::string>& policies) {
  const TraceReader reader(trace);
  std::vector<PolicyChoice> choices;
  for (const std::string& policy : policies) choices.emplace_back(policy);
  RunsFile file;
  file.trace_uuid = reader.info().uuid;
  file.runs = *replay_trace(reader, choices, 1, {});
  write_runs(path, std::move(file));
}

}  // namespace dendrokv::testing
