// dendrokv generate: text from the model under a cache policy.
//
//   1. the prompt becomes tokens: as it stands, or as a user's message in the model's chat format
//   2. the prompt goes through the decoder in blocks
//   3. until N tokens, an end token, a full context or a signal: sample, print, feed
//   4. in a conversation: the next line of standard input is the next message, and so on from 2

#include <iostream>
#include <optional>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/audit_text.h"
#include "cli/format.h"
#include "cli/generation.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/stop.h"
#include "model/chat.h"

namespace dendrokv {
namespace {

/// A text and where it came from.
struct Prompt {
  std::string subject, text;
};

/// Something is sent to standard input: it is a pipe or a file, no terminal and no empty device.
bool input_is_sent() {
  struct stat status {};
  return fstat(STDIN_FILENO, &status) == 0 &&
         (S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode) || S_ISSOCK(status.st_mode));
}

/// The next line of standard input that is not empty; none at its end or when a signal asked to
/// stop.
std::optional<std::string> next_message() {
  const bool terminal = isatty(STDIN_FILENO) == 1;
  std::string line;
  while (line.empty()) {
    if (terminal) std::cerr << "> " << std::flush;
    // Unlike reading, waiting is broken off by a signal.
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (std::cin.rdbuf()->in_avail() <= 0 && poll(&input, 1, -1) < 0 && stop_requested())
      return std::nullopt;
    if (stop_requested() || !std::getline(std::cin, line)) return std::nullopt;
  }
  return line;
}

class Generate : public Command {
 public:
  void declare(Options& options) override {
    model_.declare(options);
    options.text("-p,--prompt", "TEXT", prompt_,
                 "the text to go on from (default: standard input when something is sent there)");
    options.file("--prompt-file", prompt_file_, "the same from a file, - for standard input");
    options.flag("--parse-special", parse_special_,
                 "control tokens written in the prompt, such as <|im_start|>, become their ids");
    options.flag("--chat", chat_,
                 "put the prompt as a user's message into the model's chat format");
    options.choice("--chat-format", chat_format_choices(), chat_format_,
                   "the same in this format, where the model's template shows none (raw: nothing "
                   "around the message)");
    options.text("--system", "TEXT", system_,
                 "with --chat: instructions for the conversation (default: those that stand in "
                 "the model's template, or none)");
    options.flag("-i,--interactive", interactive_,
                 "a conversation: after each reply the next line of standard input is the next "
                 "message, until its end");
    options.count("-n", count_, {1}, "tokens to generate at most, for each message");
    options.text("--policy", "SPEC", policy_, kPolicyHelp);
    options.flag("--audit", audit_, kAuditHelp);
    options.real("--temperature", sampling_.temperature, {0, 100},
                 "0: always the likeliest token; 1: the model's own distribution");
    options.count("--top-k", sampling_.top_k, {1}, "draw from the K likeliest tokens only");
    options.real("--top-p", sampling_.top_p, {0, 1},
                 "draw from the likeliest tokens that together have this probability");
    options.real("--min-p", sampling_.min_p, {0, 1},
                 "draw from tokens with at least this share of the likeliest one's probability");
    options.count("--seed", sampling_.seed, {0}, "of the draws, with a temperature above 0");
    options.explain(
        "Prints the text as it comes. Ends at N tokens, at a token with which the model ends a "
        "message, when the context is full, or at Ctrl-C. Speeds go to standard error.");
    options.explain(
        "Limits on the draw apply in the order top-k, top-p, min-p, before the temperature. The "
        "same seed gives the same text.");
    options.example(
        "dendrokv generate --chat --prompt 'What is a tide?' -n 64 --policy "
        "treekv:capacity=64,sinks=4,recent=60");
    options.example("dendrokv generate --interactive --policy streaming:budget=256");
  }

  ExitStatus run(const Session& session) override {
    check_options(session);
    const PolicyChoice policy = parse_policy(policy_);
    const std::optional<Prompt> prompt = read_prompt();
    const Model model = model_.load(session, LoadDepth::Run);
    session.detail("policy " + policy.text() + ", " + std::to_string(session.threads) +
                   " threads, " + std::string(isa_name(session.isa)));
    const StopOnSignals signals;
    const auto show = [&](std::string_view text) {
      if (session.json()) return;
      std::cout << text << std::flush;
      if (!std::cout) fail("standard output", "cannot be written", "wanted room for the text");
    };
    Generation generation(session, model, policy, sampling_, show, audit_ ? Watch::Yes : Watch::No);
    if (interactive_) return converse(session, model, prompt, generation);
    const Reply reply =
        generation.answer(prompt->subject, prompt_tokens(model, prompt->text), count_);
    std::optional<Audit> audit;
    if (audit_) audit = generation.audit();
    if (session.json())
      print_json(model, policy, reply, audit);
    else
      std::cout << std::endl;
    print_notes(session, reply);
    return end(session, audit, reply.ended_by == "signal");
  }

 private:
  bool in_turns() const { return chat_ || interactive_ || !chat_format_.empty(); }

  void check_options(const Session& session) const {
    if (!prompt_.empty() && !prompt_file_.empty())
      fail_usage("--prompt", "together with --prompt-file", "wanted one text to go on from");
    if (!system_.empty() && !in_turns()) fail_usage("--system", "without --chat", "wanted both");
    if (parse_special_ && in_turns())
      fail_usage("--parse-special", "together with --chat",
                 "wanted one of them: a message is read as plain text");
    if (interactive_ && session.json())
      fail_usage("--json", "together with --interactive", "wanted one of them");
    const bool limited = sampling_.top_k || sampling_.top_p < 1 || sampling_.min_p > 0;
    if (limited && sampling_.temperature == 0)
      fail_usage("--temperature", "0 beside a limit on the draw",
                 "wanted a temperature above 0 with --top-k, --top-p or --min-p");
  }

  /// None in a conversation that begins with a line of standard input.
  std::optional<Prompt> read_prompt() const {
    if (!prompt_.empty()) return Prompt{"--prompt", prompt_};
    Prompt prompt;
    if (!prompt_file_.empty() && prompt_file_ != "-") {
      prompt = {prompt_file_.string(), read_text_file(prompt_file_)};
    } else if (interactive_) {
      if (!prompt_file_.empty())
        fail_usage("--prompt-file", "- together with --interactive",
                   "wanted standard input for the conversation");
      return std::nullopt;
    } else if (!prompt_file_.empty() || input_is_sent()) {
      prompt = {"standard input", read_standard_input()};
    } else {
      fail_usage("--prompt", "missing", "wanted a text to go on from",
                 "give --prompt or --prompt-file, or send it to standard input");
    }
    if (prompt.text.empty())
      fail(prompt.subject, "the prompt is empty", "wanted at least one character");
    return prompt;
  }

  std::vector<int32_t> prompt_tokens(const Model& model, const std::string& text) const {
    std::vector<TextPart> parts = {
        {text, parse_special_ ? SpecialTokens::Parse : SpecialTokens::AsText}};
    if (in_turns())
      parts = Chat(model.gguf(), model.tokenizer(), chat_format_, system_).first(text);
    std::vector<int32_t> ids = model.tokenizer().encode_prompt(parts);
    if (ids.empty()) fail("prompt", "no tokens", "wanted at least one");
    return ids;
  }

  ExitStatus converse(const Session& session, const Model& model,
                      const std::optional<Prompt>& prompt, Generation& generation) const {
    const Chat chat(model.gguf(), model.tokenizer(), chat_format_, system_);
    std::optional<std::string> message = prompt ? std::optional(prompt->text) : next_message();
    for (bool first = true; message; message = next_message()) {
      const std::vector<TextPart> parts = first ? chat.first(*message) : chat.next(*message);
      const std::vector<int32_t> ids =
          first ? model.tokenizer().encode_prompt(parts) : model.tokenizer().encode_more(parts);
      first = false;
      const Reply reply = generation.answer("the conversation", ids, count_);
      std::cout << std::endl;
      print_notes(session, reply);
      if (reply.ended_by == "signal") break;
    }
    std::optional<Audit> audit;
    if (audit_) audit = generation.audit();
    return end(session, audit, stop_requested());
  }

  /// The audit comes last, behind the text.
  static ExitStatus end(const Session& session, const std::optional<Audit>& audit, bool stopped) {
    if (audit && !session.json()) std::cout << audit_text(*audit, colour_of_output());
    if (stopped) return ExitStatus::Stopped;
    return audit ? audit_status(*audit) : ExitStatus::Done;
  }

  void print_json(const Model& model, const PolicyChoice& policy, const Reply& reply,
                  const std::optional<Audit>& audit) const {
    Json json = Json::object()
                    .set("model", model.config().name)
                    .set("policy", policy.text())
                    .set("prompt_tokens", uint64_t{reply.prompt_tokens})
                    .set("tokens", uint64_t{reply.ids.size()})
                    .set("ids", reply.ids)
                    .set("text", reply.text)
                    .set("ended_by", reply.ended_by)
                    .set("prompt_tokens_per_second", reply.prompt_tokens_per_second)
                    .set("tokens_per_second", reply.tokens_per_second)
                    .set("seconds", reply.seconds)
                    .set("kv_bytes", reply.kv_bytes)
                    .set("rows_held", mean_rows(reply.rows.held, reply.rows))
                    .set("rows_read", mean_rows(reply.rows.read, reply.rows));
    if (audit) json.set("audit", audit_json(*audit));
    std::cout << json.text() << "\n";
  }

  static void print_notes(const Session& session, const Reply& reply) {
    session.note("prompt: " + std::to_string(reply.prompt_tokens) + " tokens, " +
                 significant(reply.prompt_tokens_per_second) +
                 " tokens/s; text: " + std::to_string(reply.ids.size()) + " tokens, " +
                 significant(reply.tokens_per_second) + " tokens/s; cache " +
                 bytes_text(reply.kv_bytes) + ", " + rows_text(reply.rows));
    if (reply.ended_by == "context") session.note("ended: the model's context is full");
    if (reply.ended_by == "signal")
      session.note("stopped by a signal; run the same command again for the rest");
  }

  ModelOption model_;
  std::string prompt_, system_, chat_format_, policy_ = "full";
  std::filesystem::path prompt_file_;
  bool parse_special_ = false, chat_ = false, interactive_ = false, audit_ = false;
  uint64_t count_ = 128;
  SamplerOptions sampling_;
};

}  // namespace

std::unique_ptr<Command> make_generate() {
  return std::make_unique<Generate>();
}

}  // namespace dendrokv
