// Prefill and decode speed of a model, as a user meets it: one stream, full cache, logits of the last token.

#include <span>

#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/setup.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kRounds = 3, kDecodeTokens = 32;

double prefill_rate(const Model& model, const DecoderOptions& options, size_t tokens) {
  const std::vector<int32_t> ids = some_tokens(model, tokens);
  std::vector<double> rates;
  for (size_t round = 0; round < kRounds; ++round) {
    Decoder decoder(model, PolicyChoice("full"), options);
    rates.push_back(static_cast<double>(tokens) / seconds_of([&] { decoder.feed(ids, LogitsOf::Last, nullptr); }));
  }
  return median(rates);
}

double decode_rate(const Model& model, const DecoderOptions& options, size_t depth) {
  const std::vector<int32_t> ids = some_tokens(model, depth + kDecodeTokens);
  std::vector<double> rates;
  for (size_t round = 0; round < kRounds; ++round) {
    Decoder decoder(model, PolicyChoice("full"), options);
    if (depth > 0) decoder.feed(std::span(ids).first(depth), LogitsOf::None, nullptr);
    const double seconds = seconds_of([&] {
      for (size_t i = 0; i < kDecodeTokens; ++i) decoder.feed(std::span(ids).subspan(depth + i, 1), LogitsOf::Last, nullptr);
    });
    rates.push_back(static_cast<double>(kDecodeTokens) / seconds);
  }
  return median(rates);
}

}  // namespace

void run_engine(const Options& options, std::ostream& out) {
  const Model model = load_model(options);
  const DecoderOptions decoder = decoder_options(options);
  JsonObject result;
  result.set("isa", isa_name(decoder.isa));
  result.set("threads", size_t{Decoder(model, PolicyChoice("full"), decoder).threads()});
  const std::vector<size_t> prefill = options.prefill.empty() ? std::vector<size_t>{64, 512} : options.prefill;
  const std::vector<size_t> depths = options.depths.empty() ? std::vector<size_t>{0, 512, 2048} : options.depths;
  for (const size_t tokens : prefill) {
    JsonObject row;
    row.set("tokens", tokens).set("tokens_per_second", prefill_rate(model, decoder, tokens));
    result.append("prefill", std::move(row));
  }
  for (const size_t depth : depths) {
    JsonObject row;
    row.set("depth", depth).set("tokens_per_second", decode_rate(model, decoder, depth));
    result.append("decode", std::move(row));
  }
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
