// What recording costs: the same text with its losses, with and without a trace of all layers, heads and steps in f16. The two
// alternate; medians count.

#include <cmath>
#include <filesystem>
#include <ostream>
#include <string>
#include <unistd.h>

#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/model_runs.h"
#include "data/error.h"
#include "data/trace_writer.h"
#include "model/recorder.h"

namespace dendrokv::bench {

namespace {

constexpr int kRounds = 5;

class TemporaryFile {
 public:
  TemporaryFile()
      : path_(std::filesystem::temp_directory_path() /
              ("dendrokv-bench-" + std::to_string(getpid()) + ".h5")) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    std::filesystem::remove(path_.string() + ".part", ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

template <class Id>
std::vector<Id> all(size_t count) {
  std::vector<Id> ids;
  for (size_t id = 0; id < count; ++id) ids.emplace_back(id);
  return ids;
}

TracePlan whole_plan(const Model& model, const std::vector<int32_t>& tokens) {
  TracePlan plan;
  plan.info.model = model.facts();
  plan.info.policy = PolicyChoice("full").text();
  plan.info.tokens = static_cast<uint32_t>(tokens.size());
  plan.info.layers = all<Layer>(model.config().layers);
  plan.info.heads = all<Head>(model.config().heads);
  plan.info.steps = all<Step>(tokens.size());
  plan.tokens = model.tokenizer().text_of(tokens);
  choose_chunks(plan);
  return plan;
}

double run_without(const Model& model, const Options& options, const TracePlan& plan) {
  std::vector<float> nll(plan.info.tokens);
  return seconds_of([&] {
    Decoder(model, PolicyChoice("full"), decoder_options(options))
        .feed_and_score(plan.tokens.id, nll, nullptr);
  });
}

// Ends when the file has its final name.
double run_with(const Model& model, const Options& options, const TracePlan& plan, size_t& bytes) {
  const TemporaryFile file;
  std::vector<float> nll(plan.info.tokens);
  return seconds_of([&] {
    TraceWriter writer(file.path(), plan);
    Recorder recorder(writer, plan);
    Decoder(model, PolicyChoice("full"), decoder_options(options))
        .feed_and_score(plan.tokens.id, nll, &recorder);
    recorder.flush();
    writer.write_loss(nll);
    writer.finish();
    bytes = writer.bytes_written();
  });
}

}  // namespace

void run_trace(const Options& options, std::ostream& out) {
  const Model model = load_model(options);
  const size_t tokens = options.prefill.empty() ? 512 : options.prefill.front();
  const TracePlan plan = whole_plan(model, any_tokens(model, tokens));
  std::vector<double> without, with, ratio;
  size_t bytes = 0;
  for (int round = 0; round < kRounds; ++round) {
    without.push_back(run_without(model, options, plan));
    with.push_back(run_with(model, options, plan, bytes));
    ratio.push_back(with.back() / without.back());
  }
  JsonObject result;
  result.set("isa", isa_name(decoder_options(options).isa));
  result.set("threads",
             size_t{Decoder(model, PolicyChoice("full"), decoder_options(options)).threads()});
  result.set("tokens", tokens);
  result.set("seconds_without_trace", median(without));
  result.set("seconds_with_trace", median(with));
  result.set("ratio", median(ratio));
  result.set("bytes_written", bytes);
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
