// dendrokv trace: the instrumented model over a text, its attention into a trace.
//
//   1. model, text, policy; which layers, heads and steps
//   2. the size of the file, said before the run; refused when the disk cannot hold it
//   3. block by block through the decoder, the recorder beside it; the loss of each token from the logits before it
//   4. loss, the run of the policy, and the file gets its name. Stopped early: the .part file stays and is readable.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <limits>
#include <optional>

#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/ranges.h"
#include "cli/stop.h"
#include "data/trace_writer.h"
#include "model/decoder.h"
#include "model/recorder.h"

namespace dendrokv {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBlockTokens = 64;
constexpr uint64_t kMostTopK = 4096, kMostPool = 1 << 20;

/// Feeds `ids`, writes -ln p(token t / tokens < t) into nll[t]; NaN at 0 and for what was not reached. Returns the number of
/// tokens fed, all unless `progress` stops it.
size_t feed_all(Decoder& decoder, std::span<const int32_t> ids, Observer& observer,
                std::span<float> nll, const Progress& progress) {
  std::fill(nll.begin(), nll.end(), std::numeric_limits<float>::quiet_NaN());
  for (size_t fed = 0; fed < ids.size();) {
    const size_t count = std::min(kBlockTokens, ids.size() - fed);
    decoder.feed_and_score(ids.subspan(fed, count), nll.subspan(fed, count), &observer);
    fed += count;
    if (progress(fed, ids.size()) == Continue::Stop) return fed;
  }
  return ids.size();
}

double mean_loss(std::span<const float> nll) {
  double sum = 0;
  size_t count = 0;
  for (const float loss : nll)
    if (!std::isnan(loss)) {
      sum += double{loss};
      ++count;
    }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

template <class Name>
std::vector<Name> as_ids(const std::vector<uint32_t>& numbers) {
  return {numbers.begin(), numbers.end()};
}

class Trace : public Command {
 public:
  void declare(Options& options) override {
    model_.declare(options);
    text_.declare(options);
    options.file("-o,--output", output_, "the trace to write", Need::Required);
    options.text("--layers", "LIST", layers_, "layers to record, as in 0-3,7");
    options.text("--heads", "LIST", heads_, "query heads to record, as in 0-3,7");
    options.text("--steps", "STEPS", steps_,
                 "queries to record: all, last, every:K (0, K, 2K, ...) or a list as in 0-9,500");
    options.choice("--encoding", "f16|u8|f32", encoding_,
                   "of a weight in the file: 2, 1 or 4 bytes");
    options.count("--top-k", top_k_, {1, kMostTopK},
                  "record the K largest weights of a row, and the mass of the rest");
    options.count("--pool", pool_, {2, kMostPool},
                  "record the largest weight and the mass of each block of so many positions");
    options.flag("--entropy", entropy_, "record the entropy of a row, in nat");
    options.flag("--full-rows", full_rows_,
                 "record full rows too beside --top-k, --pool or --entropy, which else replace them");
    options.flag("--with-keys", with_keys_, "record the un-rotated keys beside the values");
    options.text("--policy", "SPEC", policy_, kPolicyHelp);
    options.explain(
        "The file's size is told before the run; it grows with layers x heads x steps x tokens. "
        "With --top-k, --pool or --entropy it does not, but what needs every weight of a row (replay, analyze, heat maps) "
        "cannot work on such a trace and says so. "
        "Stopped by Ctrl-C or SIGTERM, the steps so far stay readable in OUTPUT.part.");
    options.example("dendrokv trace --text data/samples/tide-ledger.txt --tokens 1024 -o trace.h5");
  }

  ExitStatus run(const Session& session) override {
    text_.check();
    const PolicyChoice policy = parse_policy(policy_);
    check_output(output_, std::vector{text_.path(), model_.path});
    const Model model = model_.load(session, LoadDepth::Run);
    check_output(output_, std::vector{model.path()});
    const TracePlan plan = make_plan(session, model, policy);
    const uint64_t bytes = estimated_bytes(plan);
    session.note("trace: " + std::to_string(plan.info.tokens) + " tokens, " +
                 std::to_string(plan.info.layers.size()) + " layers x " +
                 std::to_string(plan.info.heads.size()) + " heads x " +
                 std::to_string(plan.info.steps.size()) + " steps, " + plan.info.capture.text() +
                 ", about " + bytes_text(bytes));
    check_disk_space(output_, bytes);
    const StopOnSignals signals;
    return record(session, model, policy, plan);
  }

 private:
  TracePlan make_plan(const Session& session, const Model& model,
                      const PolicyChoice& policy) const {
    const Config& config = model.config();
    TracePlan plan;
    TraceInfo& info = plan.info;
    info.layers = as_ids<Layer>(parse_ranges("--layers", "layer", layers_, config.layers));
    info.heads = as_ids<Head>(parse_ranges("--heads", "head", heads_, config.heads));
    plan.tokens = model.tokenizer().text_of(text_.read(model, policy));
    info.tokens = static_cast<uint32_t>(plan.tokens.id.size());
    info.steps = parse_steps("--steps", steps_, info.tokens);
    info.model = model.facts();
    info.uuid = session.uuid;
    info.created = session.created;
    info.command_line = session.command_line;
    info.policy = policy.text();
    info.encoding = parse_encoding(encoding_);
    info.keys = with_keys_ ? KeyRows::Record : KeyRows::Omit;
    info.capture = capture();
    choose_chunks(plan);
    return plan;
  }

  Capture capture() const {
    Capture capture;
    capture.top_k = static_cast<uint32_t>(top_k_.value_or(0));
    capture.pool = static_cast<uint32_t>(pool_.value_or(0));
    capture.entropy = entropy_ ? EntropyRows::Record : EntropyRows::Omit;
    const bool reduced = top_k_ || pool_ || entropy_;
    capture.rows = reduced && !full_rows_ ? FullRows::Omit : FullRows::Record;
    return capture;
  }

  ExitStatus record(const Session& session, const Model& model, const PolicyChoice& policy,
                    const TracePlan& plan) const {
    const auto start = Clock::now();
    TraceWriter writer(output_, plan);
    Recorder recorder(writer, plan);
    Decoder decoder(model, policy, {.threads = session.threads, .isa = session.isa});
    session.detail("policy " + policy.text() + ", " + std::to_string(decoder.threads()) +
                   " threads, " + std::string(isa_name(session.isa)));
    ProgressLine progress("trace", "tokens", session.verbosity);
    std::vector<float> nll(plan.info.tokens);
    const size_t fed = feed_all(decoder, plan.tokens.id, recorder, nll, progress.callback());
    recorder.flush();
    writer.write_loss(nll);
    progress.clear();
    if (fed < plan.info.tokens) return stopped(session, plan, fed);
    if (policy.shape().budget > 0) {
      Run run = decoder.run();
      run.trace_uuid = writer.info().uuid;
      writer.write_run(run);
    }
    writer.finish();
    print(session, writer, fed, std::chrono::duration<double>(Clock::now() - start).count(), nll);
    return ExitStatus::Done;
  }

  ExitStatus stopped(const Session& session, const TracePlan& plan, size_t fed) const {
    const std::string part = output_.string() + ".part";
    say(session.verbosity, Verbosity::Quiet,
        "dendrokv: trace: stopped after " + std::to_string(fed) + " of " +
            std::to_string(plan.info.tokens) + " tokens; " + part + " holds them (dendrokv info " +
            part + "); run the same command again for the whole, or with --tokens " +
            std::to_string(fed) + " for this much");
    return ExitStatus::Stopped;
  }

  void print(const Session& session, const TraceWriter& writer, size_t tokens, double seconds,
             std::span<const float> nll) const {
    const double rate = static_cast<double>(tokens) / seconds;
    const uint64_t bytes = std::filesystem::file_size(output_);
    if (session.json()) {
      std::cout << Json::object()
                       .set("output", output_.string())
                       .set("tokens", uint64_t{tokens})
                       .set("seconds", seconds)
                       .set("tokens_per_second", rate)
                       .set("bytes_written", bytes)
                       .set("rows_written", writer.rows_written())
                       .set("uuid", writer.info().uuid)
                       .set("mean_nll", mean_loss(nll))
                       .text()
                << "\n";
      return;
    }
    session.note("trace: " + std::to_string(tokens) + " tokens in " + significant(seconds) +
                 " s, " + significant(rate) + " tokens/s, " +
                 std::to_string(writer.rows_written()) + " rows, " + bytes_text(bytes) +
                 ", mean loss " + significant(mean_loss(nll)) + " nat");
    std::cout << output_.string() << "\n";
  }

  ModelOption model_;
  TextOption text_;
  std::filesystem::path output_;
  std::string layers_ = "all", heads_ = "all", steps_ = "all", encoding_ = "f16", policy_ = "full";
  std::optional<uint64_t> top_k_, pool_;
  bool with_keys_ = false, entropy_ = false, full_rows_ = false;
};

}  // namespace

std::unique_ptr<Command> make_trace() {
  return std::make_unique<Trace>();
}

}  // namespace dendrokv
