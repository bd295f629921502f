// Prefill and decode speed of a model, as a user meets it: one stream, full cache, logits of the
// last token. Beside it the limit that memory sets to decoding: the bytes that a token must read,
// at the rate at which the same threads can stream memory now.
//
// Rates are of wall time. On a machine that others use, one thread's processor time says more: it
// is given too.

#include <algorithm>
#include <ctime>
#include <optional>
#include <span>

#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/setup.h"
#include "data/error.h"
#include "model/aligned_bytes.h"
#include "model/thread_pool.h"
#include "model/weights.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kRounds = 3, kDecodeTokens = 32;
constexpr size_t kStreamBytes = size_t{256} << 20;  // many times a last-level cache
constexpr size_t kAhead = 256;                      // 4 KiB of words, as the products ask ahead

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// What one round of something took, per token or byte.
struct Cost {
  double wall, processor;  // s
};

Cost cost_of(size_t items, const std::function<void()>& work) {
  const double before = processor_seconds();
  const double wall = seconds_of(work);
  const auto count = static_cast<double>(items);
  return {wall / count, (processor_seconds() - before) / count};
}

Cost median(const std::vector<Cost>& costs) {
  std::vector<double> wall, processor;
  for (const Cost& cost : costs) {
    wall.push_back(cost.wall);
    processor.push_back(cost.processor);
  }
  return {bench::median(wall), bench::median(processor)};
}

void set_costs(JsonObject& row, const Cost& cost) {
  row.set("tokens_per_second", 1 / cost.wall);
  row.set("processor_seconds_per_token", cost.processor);
}

std::vector<Cost> prefill_costs(const Model& model, const DecoderOptions& options, size_t tokens) {
  const std::vector<int32_t> ids = some_tokens(model, tokens);
  std::vector<Cost> costs;
  for (size_t round = 0; round < kRounds; ++round) {
    Decoder decoder(model, PolicyChoice("full"), options);
    costs.push_back(cost_of(tokens, [&] { decoder.feed(ids, LogitsOf::Last, nullptr); }));
  }
  return costs;
}

std::vector<Cost> decode_costs(const Model& model, const DecoderOptions& options, size_t depth) {
  const std::vector<int32_t> ids = some_tokens(model, depth + kDecodeTokens);
  Decoder decoder(model, PolicyChoice("full"), options);
  decoder.feed(std::span(ids).first(depth), LogitsOf::None, nullptr);
  std::vector<Cost> costs;
  for (size_t round = 0; round < kRounds; ++round)
    costs.push_back(cost_of(kDecodeTokens, [&] {
      for (size_t i = 0; i < kDecodeTokens; ++i)
        decoder.feed(std::span(ids).subspan(depth + i, 1), LogitsOf::Last, nullptr);
    }));
  return costs;
}

using Words [[gnu::vector_size(16)]] = uint64_t;

// What it costs the threads together to read a byte, each its own part of a region beyond every
// cache.
Cost stream_cost(unsigned threads) {
  const AlignedBytes region = aligned_bytes(kStreamBytes);  // in huge pages, as the weights
  auto* words = reinterpret_cast<Words*>(region.bytes.get());
  std::fill_n(words, kStreamBytes / sizeof(Words), Words{1, 1});
  const size_t part = kStreamBytes / sizeof(Words) / threads / 8 * 8;
  ThreadPool pool(threads);
  std::vector<Words> sums(threads);
  const auto read = [&](unsigned thread) {
    Words partial[8] = {};
    for (size_t i = thread * part; i < (thread + 1) * part; i += 8) {
      for (size_t j = 0; j < 8; j += 64 / sizeof(Words)) __builtin_prefetch(words + i + kAhead + j);
      for (size_t j = 0; j < 8; ++j) partial[j] += words[i + j];
    }
    for (const Words& sum : partial) sums[thread] += sum;
  };
  std::vector<Cost> costs;
  for (size_t round = 0; round < 2 * kRounds + 1; ++round)
    costs.push_back(cost_of(threads * part * sizeof(Words), [&] { pool.run(read); }));
  uint64_t total = 0;
  for (const Words& sum : sums) total += sum[0] + sum[1];
  DENDROKV_ASSERT(total == (2 * kRounds + 1) * threads * part * 2);
  return median(costs);
}

// Matrices are read once per token, and so are the keys and values of every token before.
double bytes_per_token(const Model& model, size_t depth) {
  const Config& config = model.config();
  size_t bytes = model.weights().head().bytes();
  for (const LayerWeights& layer : model.weights().layers)
    bytes += layer.query_key_value.bytes() + layer.attention_output.bytes() +
             layer.gate_up.bytes() + layer.down.bytes();
  const size_t cached = size_t{config.layers} * config.kv_heads * config.head_dim * 2;
  return static_cast<double>(bytes + depth * cached * sizeof(uint16_t));
}

}  // namespace

void run_engine(const Options& options, std::ostream& out) {
  std::optional<Model> loaded;
  const double load_seconds = seconds_of([&] { loaded.emplace(load_model(options)); });
  const Model& model = *loaded;
  const DecoderOptions decoder = decoder_options(options);
  const unsigned threads = Decoder(model, PolicyChoice("full"), decoder).threads();
  const Cost stream = stream_cost(threads);
  JsonObject result;
  result.set("isa", isa_name(decoder.isa)).set("threads", size_t{threads});
  result.set("load_seconds", load_seconds).set("stream_gigabytes_per_second", 1e-9 / stream.wall);
  const std::vector<size_t> prefill =
      options.prefill.empty() ? std::vector<size_t>{64, 512} : options.prefill;
  const std::vector<size_t> depths =
      options.depths.empty() ? std::vector<size_t>{0, 512, 2048} : options.depths;
  for (const size_t tokens : prefill) {
    JsonObject row;
    row.set("tokens", tokens);
    set_costs(row, median(prefill_costs(model, decoder, tokens)));
    result.append("prefill", std::move(row));
  }
  for (const size_t depth : depths) {
    JsonObject row;
    row.set("depth", depth);
    const Cost cost = median(decode_costs(model, decoder, depth));
    set_costs(row, cost);
    const double bytes = bytes_per_token(model, depth);
    row.set("bytes_per_token", bytes);
    row.set("memory_bound_tokens_per_second", 1 / (stream.wall * bytes));
    row.set("share_of_memory_bound", stream.wall * bytes / cost.wall);
    row.set("share_of_memory_bound_by_processor_time", stream.processor * bytes / cost.processor);
    result.append("decode", std::move(row));
  }
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
