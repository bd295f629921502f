// What recording costs: the same run over 512 tokens with and without a trace of all layers, heads and steps in f16, in turns.

#include <filesystem>

#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/setup.h"
#include "data/error.h"
#include "model/recorder.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kRounds = 5, kTokens = 512;

TracePlan plan_of(const Model& model, const std::vector<int32_t>& ids) {
  TracePlan plan;
  plan.tokens = model.tokenizer().text_of(ids);
  plan.info.model = model.facts();
  plan.info.policy = "full";
  plan.info.tokens = static_cast<uint32_t>(ids.size());
  for (uint32_t layer = 0; layer < model.config().layers; ++layer) plan.info.layers.emplace_back(layer);
  for (uint32_t head = 0; head < model.config().heads; ++head) plan.info.heads.emplace_back(head);
  for (uint32_t step = 0; step < plan.info.tokens; ++step) plan.info.steps.emplace_back(step);
  choose_chunks(plan);
  return plan;
}

double plain_seconds(const Model& model, const DecoderOptions& options, const std::vector<int32_t>& ids) {
  return seconds_of([&] {
    Decoder decoder(model, PolicyChoice("full"), options);
    std::vector<float> nll(ids.size());
    decoder.feed_and_score(ids, nll, nullptr);
  });
}

double traced_seconds(const Model& model, const DecoderOptions& options, const TracePlan& plan,
                      const std::filesystem::path& path) {
  return seconds_of([&] {
    TraceWriter writer(path, plan);
    Recorder recorder(writer, plan);
    Decoder decoder(model, PolicyChoice("full"), options);
    std::vector<float> nll(plan.tokens.id.size());
    decoder.feed_and_score(plan.tokens.id, nll, &recorder);
    recorder.flush();
    writer.write_loss(nll);
    writer.finish();
  });
}

}  // namespace

void run_trace(const Options& options, std::ostream& out) {
  const Model model = load_model(options);
  const DecoderOptions decoder = decoder_options(options);
  const size_t tokens = options.prefill.empty() ? kTokens : options.prefill[0];
  const std::vector<int32_t> ids = some_tokens(model, tokens);
  const TracePlan plan = plan_of(model, ids);
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "dendrokv-bench-trace.h5";
  check_disk_space(path, estimated_bytes(plan));
  std::vector<double> plain, traced, ratio;
  for (size_t round = 0; round < kRounds; ++round) {
    plain.push_back(plain_seconds(model, decoder, ids));
    traced.push_back(traced_seconds(model, decoder, plan, path));
    ratio.push_back(traced.back() / plain.back());
  }
  JsonObject result;
  result.set("isa", isa_name(decoder.isa)).set("tokens", tokens);
  result.set("bytes", size_t{std::filesystem::file_size(path)});
  result.set("plain_seconds", median(plain)).set("traced_seconds", median(traced));
  result.set("ratio", median(ratio));
  std::filesystem::remove(path);
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
