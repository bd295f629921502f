// Tokens per second of the running model: prefill of a text at once, and decoding token by token behind a cache of some depth.
// Each case is run several times; the median counts.

#include <ostream>

#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/model_runs.h"

namespace dendrokv::bench {

namespace {

constexpr int kRepetitions = 3;
constexpr size_t kDecodeTokens = 32;

// `fed` tokens come before the clock starts.
double tokens_per_second(const Model& model, const Options& options, size_t fed,
                         std::span<const int32_t> tokens, size_t at_once) {
  std::vector<double> rates;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    Decoder decoder(model, PolicyChoice("full"), decoder_options(options));
    decoder.feed(any_tokens(model, std::max<size_t>(fed, 1)), LogitsOf::Last, nullptr);
    const double seconds = seconds_of([&] {
      for (size_t first = 0; first < tokens.size(); first += at_once)
        decoder.feed(tokens.subspan(first, at_once), LogitsOf::Last, nullptr);
    });
    rates.push_back(static_cast<double>(tokens.size()) / seconds);
  }
  return median(rates);
}

}  // namespace

void run_engine(const Options& options, std::ostream& out) {
  const Model model = load_model(options);
  const auto prefill = options.prefill.empty() ? std::vector<size_t>{512} : options.prefill;
  const auto depths = options.depths.empty() ? std::vector<size_t>{0, 256, 512} : options.depths;
  JsonObject result;
  result.set("isa", isa_name(decoder_options(options).isa));
  result.set("threads",
             size_t{Decoder(model, PolicyChoice("full"), decoder_options(options)).threads()});
  for (const size_t tokens : prefill) {
    JsonObject row;
    row.set("tokens", tokens);
    row.set("tokens_per_second",
            tokens_per_second(model, options, 0, any_tokens(model, tokens), tokens));
    result.append("prefill", std::move(row));
  }
  for (const size_t depth : depths) {
    JsonObject row;
    row.set("depth", depth);
    row.set("tokens_per_second",
            tokens_per_second(model, options, depth, any_tokens(model, kDecodeTokens), 1));
    result.append("decode", std::move(row));
  }
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
