// dendrokv trace: the instrumented model over a text, its attention into a trace.
//
//   1. model, text, policy; which layers, heads and steps
//   2. the size of the file, said before the run; refused when the disk cannot hold it
//   3. block by block through the decoder, the recorder beside it (cli/trace_recording.h); the loss
//      of each token from the logits before it
//   4. loss, the run of the policy, and the file gets its name. Stopped early: the .part file stays
//      and is readable.
//
// With --windows the text is cut into pieces that are read by themselves, each from an empty cache
// into a trace of its own: the samples of `dendrokv analyze`.

#include <chrono>
#include <optional>

#include "cli/audit_text.h"
#include "cli/format.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/ranges.h"
#include "cli/stop.h"
#include "cli/text_windows.h"
#include "cli/trace_summary.h"
#include "data/trace_reader.h"
#include "model/chunk_choice.h"

namespace dendrokv {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kMostTopK = 4096, kMostPool = 1 << 20;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
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
    if (windows_ && !session.uuid.empty())  // which a task has, for the one file that it leaves
      fail_usage("--windows", "in a list of tasks",
                 "wanted one text and one value of each option, without --shard");
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

  Watch watch() const { return audit_ ? Watch::Yes : Watch::No; }

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
        record_trace(session, model, policy, plan, output_, watch(), progress.callback());
    progress.clear();
    if (recorded.fed < plan.info.tokens) {
      tell_stopped(session, output_, recorded.fed, plan.info.tokens);
      return ExitStatus::Stopped;
    }
    print_trace(session, output_, recorded, seconds_since(start));
    return recorded.audit ? audit_status(*recorded.audit) : ExitStatus::Done;
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
      if (is_there(plan, policy, path)) continue;
      plan.info.source = text_.path().string();
      plan.info.source_first = windows[w].first;
      const auto update = [&](uint64_t done, uint64_t) {
        return progress.update(w * *windows_ + done, total);
      };
      const Recorded one = record_trace(session, model, policy, plan, path, watch(), update);
      if (one.fed < plan.info.tokens) {
        progress.clear();
        std::filesystem::remove(path.string() + ".part");
        tell_stopped_at_window(session, w, windows.size());
        return ExitStatus::Stopped;
      }
      sum.add(one);
    }
    progress.clear();
    print_windows(session, output_, files, sum, seconds_since(start));
    return sum.audit ? audit_status(*sum.audit) : ExitStatus::Done;
  }

  /// A window that the same command over the same text has finished before, under the same budget
  /// map where the policy names one.
  static bool is_there(const TracePlan& plan, const PolicyChoice& policy,
                       const std::filesystem::path& path) {
    if (!std::filesystem::exists(path)) return false;
    try {
      const TraceReader trace(path);
      return trace.info().command_line == plan.info.command_line &&
             trace.info().model.sha256 == plan.info.model.sha256 &&
             trace.info().lane_budget == policy.lane_budget() &&
             trace.tokens().id == plan.tokens.id;
    } catch (const Error&) {
      return false;
    }
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
