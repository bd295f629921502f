// dendrokv trace: the instrumented model over a text, its attention into a trace.
//
//   1. model, text, policy; which layers, heads and steps
//   2. the size of the file, said before the run; refused when the disk cannot hold it
//   3. block by block through the decoder, the recorder beside it; the loss of each token from the
//      logits before it
//   4. loss, the run of the policy, and the file gets its name. Stopped early: the .part file stays
//      and is readable.
//
// With --windows the text is cut into pieces that are read by themselves, each from an empty cache
// into a trace of its own: the samples of `dendrokv analyze`.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <limits>
#include <optional>

#include "cache/audit.h"
#include "cli/audit_text.h"
#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/ranges.h"
#include "cli/stop.h"
#include "cli/text_windows.h"
#include "data/trace_reader.h"
#include "data/trace_writer.h"
#include "model/decoder.h"
#include "model/live_audit.h"
#include "model/recorder.h"

namespace dendrokv {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBlockTokens = 64;
constexpr uint64_t kMostTopK = 4096, kMostPool = 1 << 20;

/// Feeds `ids`, writes -ln p(token t / tokens < t) into nll[t]; NaN at 0 and for what was not
/// reached. Returns the number of tokens fed, all unless `progress` stops it.
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

/// What one trace came to.
struct Recorded {
  size_t fed = 0;                   // tokens; fewer than planned when it was stopped
  uint64_t bytes = 0, written = 0;  // the file, rows of attention
  CacheRows rows;                   // at the end
  std::string uuid;
  std::vector<float> nll;
  std::optional<Audit> audit;  // where it was asked for

  void add(const Recorded& other) {
    fed += other.fed;
    bytes += other.bytes;
    written += other.written;
    rows = other.rows;
    nll.insert(nll.end(), other.nll.begin(), other.nll.end());
    if (!other.audit) return;
    audit ? merge(*audit, other.audit->checks) : void(audit = other.audit);
  }
};

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
    options.flag(
        "--full-rows", full_rows_,
        "record full rows too beside --top-k, --pool or --entropy, which else replace them");
    options.flag("--with-keys", with_keys_, "record the un-rotated keys beside the values");
    options.text("--policy", "SPEC", policy_, kPolicyHelp);
    options.flag("--audit", audit_, kAuditHelp);
    options.count("--windows", windows_, {2},
                  "cut the text into windows of N tokens, each read from an empty cache into a "
                  "trace of its own, OUTPUT-K.h5");
    options.count("--samples", samples_, {1},
                  "of the windows, draw so many by --seed (default: all)");
    options.count("--seed", seed_, {}, "of the draw");
    options.explain(
        "The file's size is told before the run; it grows with layers x heads x steps x tokens. "
        "With --top-k, --pool or --entropy it does not, but what needs every weight of a row "
        "(replay, analyze, heat maps) cannot work on such a trace and says so. --windows makes the "
        "samples that `analyze` compares; traces that are there from the same command are kept, so "
        "a run that was stopped goes on. Stopped by Ctrl-C or SIGTERM, the steps so far stay "
        "readable in OUTPUT.part.");
    options.example("dendrokv trace --text data/samples/tide-ledger.txt --tokens 1024 -o trace.h5");
  }

  ExitStatus run(const Session& session) override {
    text_.check();
    const PolicyChoice policy = parse_policy(policy_);
    check_output(output_, std::vector{text_.path(), model_.path});
    if (!windows_ && (samples_ || seed_ != 1))
      fail_usage(samples_ ? "--samples" : "--seed", "without --windows",
                 "wanted --windows N beside it");
    const Model model = model_.load(session, LoadDepth::Run);
    check_output(output_, std::vector{model.path()});
    if (windows_) return record_windows(session, model, policy);
    const TracePlan plan = make_plan(session, model, policy, text_.read(model, policy));
    const uint64_t bytes = estimated_bytes(plan);
    session.note("trace: " + std::to_string(plan.info.tokens) + " tokens, " +
                 std::to_string(plan.info.layers.size()) + " layers x " +
                 std::to_string(plan.info.heads.size()) + " heads x " +
                 std::to_string(plan.info.steps.size()) + " steps, " + plan.info.capture.text() +
                 ", about " + bytes_text(bytes));
    check_disk_space(output_, bytes);
    note_idle_policy(session, plan.info.tokens, policy);
    const StopOnSignals signals;
    return record(session, model, policy, plan);
  }

 private:
  TracePlan make_plan(const Session& session, const Model& model, const PolicyChoice& policy,
                      const std::vector<int32_t>& ids) const {
    const Config& config = model.config();
    TracePlan plan;
    TraceInfo& info = plan.info;
    info.layers = as_ids<Layer>(parse_ranges("--layers", "layer", layers_, config.layers));
    info.heads = as_ids<Head>(parse_ranges("--heads", "head", heads_, config.heads));
    plan.tokens = model.tokenizer().text_of(ids);
    info.tokens = static_cast<uint32_t>(plan.tokens.id.size());
    info.steps = parse_steps("--steps", steps_, info.tokens);
    info.model = model.facts();
    info.uuid = session.uuid;
    info.created = session.created;
    info.command_line = session.command_line;
    info.policy = policy.text();
    info.lane_budget = policy.lane_budget();
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
    ProgressLine progress("trace", "tokens", session.verbosity);
    const Recorded recorded =
        record_one(session, model, policy, plan, output_, progress.callback());
    progress.clear();
    if (recorded.fed < plan.info.tokens) return stopped(session, plan, recorded.fed);
    print(session, recorded, std::chrono::duration<double>(Clock::now() - start).count());
    return recorded.audit ? audit_status(*recorded.audit) : ExitStatus::Done;
  }

  Recorded record_one(const Session& session, const Model& model, const PolicyChoice& policy,
                      const TracePlan& plan, const std::filesystem::path& path,
                      const Progress& progress) const {
    TraceWriter writer(path, plan);
    Recorder recorder(writer, plan);
    const DecoderOptions decoding{.threads = session.threads, .isa = session.isa};
    Decoder decoder(model, policy, decoding);
    std::optional<LiveAudit> watch;
    if (audit_) watch.emplace(model, policy, &recorder);
    Observer& observer = watch ? static_cast<Observer&>(*watch) : recorder;
    session.detail("policy " + policy.text() + ", " + std::to_string(decoder.threads()) +
                   " threads, " + std::string(isa_name(session.isa)));
    Recorded recorded;
    recorded.nll.resize(plan.info.tokens);
    recorded.fed = feed_all(decoder, plan.tokens.id, observer, recorded.nll, progress);
    recorder.flush();
    writer.write_loss(recorded.nll);
    if (recorded.fed < plan.info.tokens) return recorded;
    if (policy.shape().budget > 0) {
      Run run = decoder.run();
      run.trace_uuid = writer.info().uuid;
      writer.write_run(run);
    }
    writer.finish();
    recorded.bytes = std::filesystem::file_size(path);
    recorded.written = writer.rows_written();
    recorded.uuid = writer.info().uuid;
    recorded.rows = decoder.rows();
    if (watch) {
      recorded.audit = audit_file(path, {.threads = session.threads});
      merge(*recorded.audit, watch->checks(decoder.streams(), 0, plan.tokens.id, decoding));
    }
    return recorded;
  }

  std::vector<TextWindow> cut_text(const Model& model) const {
    const std::vector<int32_t> ids = text_.read_any_length(model);
    const Tokenizer& tokenizer = model.tokenizer();
    const bool begins = tokenizer.add_bos() && ids.front() == tokenizer.bos();
    return text_windows(
        text_.path().string(), ids,
        {*windows_, samples_, seed_, begins ? std::optional(tokenizer.bos()) : std::nullopt});
  }

  ExitStatus record_windows(const Session& session, const Model& model,
                            const PolicyChoice& policy) const {
    const std::vector<TextWindow> windows = cut_text(model);
    check_context(text_.path().string(), *windows_, model, policy, "take shorter windows");
    check_disk_space(output_, windows.size() * estimated_bytes(make_plan(session, model, policy,
                                                                         windows[0].ids)));
    session.note("trace: " + std::to_string(windows.size()) + " windows of " +
                 std::to_string(*windows_) + " tokens");
    const StopOnSignals signals;
    const auto start = Clock::now();
    ProgressLine progress("trace", "tokens", session.verbosity);
    const uint64_t total = windows.size() * *windows_;
    Recorded sum;
    std::vector<std::string> files;
    for (size_t w = 0; w < windows.size(); ++w) {
      const std::filesystem::path path = window_path(output_, w, windows.size());
      files.push_back(path.string());
      TracePlan plan = make_plan(session, model, policy, windows[w].ids);
      if (is_there(plan, path)) continue;
      plan.info.source = text_.path().string();
      plan.info.source_first = windows[w].first;
      const auto update = [&](uint64_t done, uint64_t) {
        return progress.update(w * *windows_ + done, total);
      };
      const Recorded one = record_one(session, model, policy, plan, path, update);
      if (one.fed < plan.info.tokens) {
        progress.clear();
        return stopped_at_window(session, path, w, windows.size());
      }
      sum.add(one);
    }
    progress.clear();
    print_windows(session, files, sum, std::chrono::duration<double>(Clock::now() - start).count());
    return sum.audit ? audit_status(*sum.audit) : ExitStatus::Done;
  }

  /// A window that the same command over the same text has finished before.
  static bool is_there(const TracePlan& plan, const std::filesystem::path& path) {
    if (!std::filesystem::exists(path)) return false;
    try {
      const TraceReader trace(path);
      return trace.info().command_line == plan.info.command_line &&
             trace.info().model.sha256 == plan.info.model.sha256 &&
             trace.tokens().id == plan.tokens.id;
    } catch (const Error&) {
      return false;
    }
  }

  static ExitStatus stopped_at_window(const Session& session, const std::filesystem::path& path,
                                      size_t window, size_t windows) {
    std::filesystem::remove(path.string() + ".part");
    say(session.verbosity, Verbosity::Quiet,
        "dendrokv: trace: stopped after " + std::to_string(window) + " of " +
            std::to_string(windows) + " windows; run the same command again to go on");
    return ExitStatus::Stopped;
  }

  void print_windows(const Session& session, const std::vector<std::string>& files,
                     const Recorded& sum, double seconds) const {
    if (session.json()) {
      Json json = summary(sum, seconds);
      std::cout << json.set("files", files).text() << "\n";
      return;
    }
    for (const std::string& file : files) std::cout << file << "\n";
    if (sum.audit) std::cout << audit_text(*sum.audit, colour_of_output());
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

  Json summary(const Recorded& recorded, double seconds) const {
    Json json = Json::object()
                    .set("output", output_.string())
                    .set("tokens", uint64_t{recorded.fed})
                    .set("seconds", seconds)
                    .set("tokens_per_second", static_cast<double>(recorded.fed) / seconds)
                    .set("bytes_written", recorded.bytes)
                    .set("rows_written", recorded.written)
                    .set("uuid", recorded.uuid)
                    .set("mean_nll", mean_loss(recorded.nll))
                    .set("rows_held", mean_rows(recorded.rows.held, recorded.rows))
                    .set("rows_read", mean_rows(recorded.rows.read, recorded.rows));
    if (recorded.audit) json.set("audit", audit_json(*recorded.audit));
    return json;
  }

  void print(const Session& session, const Recorded& recorded, double seconds) const {
    if (session.json()) {
      std::cout << summary(recorded, seconds).text() << "\n";
      return;
    }
    session.note("trace: " + std::to_string(recorded.fed) + " tokens in " + significant(seconds) +
                 " s, " + significant(static_cast<double>(recorded.fed) / seconds) + " tokens/s, " +
                 std::to_string(recorded.written) + " rows, " + bytes_text(recorded.bytes) +
                 ", mean loss " + significant(mean_loss(recorded.nll)) + " nat, " +
                 rows_text(recorded.rows));
    std::cout << output_.string() << "\n";
    if (recorded.audit) std::cout << audit_text(*recorded.audit, colour_of_output());
  }

  ModelOption model_;
  TextOption text_;
  std::filesystem::path output_;
  std::string layers_ = "all", heads_ = "all", steps_ = "all", encoding_ = "f16", policy_ = "full";
  std::optional<uint64_t> top_k_, pool_, windows_, samples_;
  uint64_t seed_ = 1;
  bool with_keys_ = false, entropy_ = false, full_rows_ = false, audit_ = false;
};

}  // namespace

std::unique_ptr<Command> make_trace() {
  return std::make_unique<Trace>();
}

}  // namespace dendrokv
