// dendrokv generate: text from the model under a cache policy.
//
//   1. the prompt becomes tokens: as it stands, or as one user message in the model's chat format
//   2. the prompt goes through the decoder in blocks
//   3. until N tokens, an end token, a full context or a signal: sample, print, feed

#include <chrono>
#include <iostream>

#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/stop.h"
#include "model/decoder.h"
#include "model/sampler.h"

namespace dendrokv {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double rate(size_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

/// What came of it.
struct Outcome {
  std::vector<int32_t> ids;
  std::string text;
  std::string ended_by;  // "end-token", "length", "context", "signal"
  double prompt_seconds = 0, seconds = 0;
  uint64_t kv_bytes = 0;
};

class Generate : public Command {
 public:
  void declare(Options& options) override {
    model_.declare(options);
    options.text("-p,--prompt", "TEXT", prompt_, "the text to go on from");
    options.file("--prompt-file", prompt_file_, "the same from a file");
    options.flag("--chat", chat_,
                 "put the prompt as a user's message into the model's chat format");
    options.count("-n", count_, {1}, "tokens to generate at most");
    options.text("--policy", "SPEC", policy_, kPolicyHelp);
    options.real("--temperature", temperature_, {0, 100},
                 "0: always the likeliest token; 1: the model's own distribution");
    options.count("--seed", seed_, {0}, "of the draws, with a temperature above 0");
    options.explain(
        "Prints the text as it comes. Ends at N tokens, at a token with which the model ends a "
        "message, or when the context is full. Speeds go to standard error.");
    options.example(
        "dendrokv generate --chat --prompt 'What is a tide?' -n 64 --policy "
        "treekv:capacity=64,sinks=4,recent=60");
  }

  ExitStatus run(const Session& session) override {
    if (prompt_.empty() == prompt_file_.empty())
      fail_usage("--prompt", prompt_.empty() ? "missing" : "together with --prompt-file",
                 "wanted one text to go on from", "give --prompt or --prompt-file");
    const PolicyChoice policy = parse_policy(policy_);
    const Model model = model_.load(session, LoadDepth::Run);
    const std::vector<int32_t> prompt = prompt_tokens(model);
    check_context(prompt_file_.empty() ? "--prompt" : prompt_file_.string(), prompt.size(), model,
                  policy, "shorten the prompt or take a policy with positions=rank");
    session.detail("policy " + policy.text() + ", " + std::to_string(session.threads) +
                   " threads, " + std::string(isa_name(session.isa)));
    const StopOnSignals signals;
    const Outcome outcome = generate(session, model, policy, prompt);
    if (session.json()) print_json(model, policy, prompt.size(), outcome);
    print_notes(session, prompt.size(), outcome);
    return outcome.ended_by == "signal" ? ExitStatus::Stopped : ExitStatus::Done;
  }

 private:
  std::vector<int32_t> prompt_tokens(const Model& model) const {
    const std::string text = prompt_file_.empty() ? prompt_ : read_text_file(prompt_file_);
    if (text.empty())
      fail(prompt_file_.string(), "the prompt is empty", "wanted at least one character");
    const Tokenizer& tokenizer = model.tokenizer();
    std::vector<int32_t> ids;
    if (tokenizer.add_bos() && tokenizer.bos() >= 0) ids.push_back(tokenizer.bos());
    const auto append = [&](const std::string& piece, SpecialTokens special) {
      const std::vector<int32_t> more = tokenizer.encode(piece, special);
      ids.insert(ids.end(), more.begin(), more.end());
    };
    if (!chat_)
      append(text, SpecialTokens::AsText);
    else
      for (const ChatPiece& piece : chat_prompt(model.gguf(), text))
        append(piece.text, piece.special);
    if (ids.empty()) fail("prompt", "no tokens", "wanted at least one");
    return ids;
  }

  /// Places left in the model's context; no end under ranks.
  static bool context_full(const Model& model, const PolicyChoice& policy, Step next) {
    const PolicyShape& shape = policy.shape();
    const bool by_rank = shape.positions == PositionMode::Rank && shape.budget > 0 &&
                         shape.budget < model.config().context_length;
    return !by_rank && next.value >= model.config().context_length;
  }

  Outcome generate(const Session& session, const Model& model, const PolicyChoice& policy,
                   const std::vector<int32_t>& prompt) const {
    Decoder decoder(
        model, policy,
        {.threads = session.threads, .isa = session.isa, .evictions = EvictionLog::Discard});
    Sampler sampler(temperature_, seed_);
    Utf8Stream stream;
    Outcome outcome;
    const auto emit = [&](const std::string& text) {
      outcome.text += text;
      if (!session.json()) std::cout << text << std::flush;
    };
    const auto start = Clock::now();
    GridView<const float> logits = feed_prompt(session, decoder, prompt);
    outcome.prompt_seconds = seconds_since(start);
    const auto decode_start = Clock::now();
    for (outcome.ended_by = "length"; outcome.ids.size() < count_;) {
      if (stop_requested()) outcome.ended_by = "signal";
      if (stop_requested()) break;
      const int32_t id = sampler.next(logits.row(logits.rows() - 1));
      if (model.tokenizer().ends_generation(id)) {
        outcome.ended_by = "end-token";
        break;
      }
      outcome.ids.push_back(id);
      emit(stream.feed(model.tokenizer().piece(id)));
      if (outcome.ids.size() == count_) break;
      if (context_full(model, policy, decoder.next_step())) {
        outcome.ended_by = "context";
        break;
      }
      logits = decoder.feed({&id, 1}, LogitsOf::Last, nullptr);
    }
    emit(stream.flush());
    if (!session.json()) std::cout << std::endl;
    outcome.seconds = seconds_since(decode_start);
    outcome.kv_bytes = decoder.kv_bytes();
    return outcome;
  }

  /// Block by block, so that a signal need not wait for a long prompt.
  static GridView<const float> feed_prompt(const Session& session, Decoder& decoder,
                                           std::span<const int32_t> prompt) {
    constexpr size_t kBlock = 256;
    ProgressLine progress("prompt", "tokens", session.verbosity);
    GridView<const float> logits;
    for (size_t fed = 0; fed < prompt.size();) {
      const size_t count = std::min(kBlock, prompt.size() - fed);
      logits = decoder.feed(prompt.subspan(fed, count), LogitsOf::Last, nullptr);
      fed += count;
      if (progress.update(fed, prompt.size()) == Continue::Stop) break;
    }
    return logits;
  }

  static void print_json(const Model& model, const PolicyChoice& policy, size_t prompt_tokens,
                         const Outcome& outcome) {
    std::cout << Json::object()
                     .set("model", model.config().name)
                     .set("policy", policy.text())
                     .set("prompt_tokens", uint64_t{prompt_tokens})
                     .set("tokens", uint64_t{outcome.ids.size()})
                     .set("ids", outcome.ids)
                     .set("text", outcome.text)
                     .set("ended_by", outcome.ended_by)
                     .set("prompt_tokens_per_second", rate(prompt_tokens, outcome.prompt_seconds))
                     .set("tokens_per_second", rate(outcome.ids.size(), outcome.seconds))
                     .set("seconds", outcome.prompt_seconds + outcome.seconds)
                     .set("kv_bytes", outcome.kv_bytes)
                     .text()
              << "\n";
  }

  static void print_notes(const Session& session, size_t prompt_tokens, const Outcome& outcome) {
    session.note("prompt: " + std::to_string(prompt_tokens) + " tokens, " +
                 significant(rate(prompt_tokens, outcome.prompt_seconds)) +
                 " tokens/s; text: " + std::to_string(outcome.ids.size()) + " tokens, " +
                 significant(rate(outcome.ids.size(), outcome.seconds)) + " tokens/s; cache " +
                 bytes_text(outcome.kv_bytes));
    if (outcome.ended_by == "context") session.note("ended: the model's context is full");
    if (outcome.ended_by == "signal")
      session.note("stopped by a signal; run the same command again for the rest");
  }

  ModelOption model_;
  std::string prompt_, policy_ = "full";
  std::filesystem::path prompt_file_;
  bool chat_ = false;
  uint64_t count_ = 128, seed_ = 1;
  double temperature_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_generate() {
  return std::make_unique<Generate>();
}

}  // namespace dendrokv
