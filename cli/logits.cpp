// dendrokv logits: the model's distribution after each token of a text, into a file.

#include <algorithm>
#include <chrono>
#include <iostream>

#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/stop.h"
#include "data/logits_file.h"
#include "data/trace_writer.h"
#include "model/decoder.h"

namespace dendrokv {
namespace {

constexpr size_t kBlockTokens = 64;

class Logits : public Command {
 public:
  void declare(Options& options) override {
    model_.declare(options);
    text_.declare(options);
    options.file("-o,--output", output_, "the file to write", Need::Required);
    options.text("--policy", "SPEC", policy_, kPolicyHelp);
    options.explain(
        "Writes an HDF5 file: /logits, float32 [tokens, vocabulary], row t the scores of what "
        "follows token t, and /tokens/id. It takes 4 bytes x tokens x vocabulary.");
    options.example("dendrokv logits --text data/samples/tide-ledger.txt --tokens 64 -o logits.h5");
  }

  ExitStatus run(const Session& session) override {
    text_.check();
    const PolicyChoice policy = parse_policy(policy_);
    check_output(output_, std::vector{text_.path(), model_.path});
    const Model model = model_.load(session, LoadDepth::Run);
    check_output(output_, std::vector{model.path()});
    const std::vector<int32_t> ids = text_.read(model, policy);
    const LogitsPlan plan{.model = model.facts(),
                          .policy = policy.text(),
                          .command_line = session.command_line,
                          .tokens = ids};
    session.note("logits: " + std::to_string(ids.size()) + " tokens, about " +
                 bytes_text(estimated_bytes(plan)));
    check_disk_space(output_, estimated_bytes(plan));
    const StopOnSignals signals;
    const auto start = std::chrono::steady_clock::now();
    if (!write(session, model, policy, plan)) {
      say(session.verbosity, Verbosity::Quiet,
          "dendrokv: logits: stopped, nothing was written; run the same command again");
      return ExitStatus::Stopped;
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    print(session, ids.size(), time.count());
    return ExitStatus::Done;
  }

 private:
  /// False when a signal stopped it.
  bool write(const Session& session, const Model& model, const PolicyChoice& policy,
             const LogitsPlan& plan) const {
    LogitsWriter writer(output_, plan);
    Decoder decoder(model, policy, {.threads = session.threads, .isa = session.isa});
    ProgressLine progress("logits", "tokens", session.verbosity);
    for (size_t fed = 0; fed < plan.tokens.size();) {
      const size_t count = std::min(kBlockTokens, plan.tokens.size() - fed);
      writer.append(decoder.feed(plan.tokens.subspan(fed, count), LogitsOf::All, nullptr));
      fed += count;
      if (progress.update(fed, plan.tokens.size()) == Continue::Stop) return false;
    }
    writer.finish();
    return true;
  }

  void print(const Session& session, size_t tokens, double seconds) const {
    const double rate = static_cast<double>(tokens) / seconds;
    if (session.json()) {
      std::cout << Json::object()
                       .set("output", output_.string())
                       .set("tokens", uint64_t{tokens})
                       .set("seconds", seconds)
                       .set("tokens_per_second", rate)
                       .set("bytes_written", uint64_t{std::filesystem::file_size(output_)})
                       .text()
                << "\n";
      return;
    }
    session.note("logits: " + std::to_string(tokens) + " tokens in " + significant(seconds) +
                 " s, " + significant(rate) + " tokens/s");
    std::cout << output_.string() << "\n";
  }

  ModelOption model_;
  TextOption text_;
  std::filesystem::path output_;
  std::string policy_ = "full";
};

}  // namespace

std::unique_ptr<Command> make_logits() {
  return std::make_unique<Logits>();
}

}  // namespace dendrokv
