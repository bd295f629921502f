// The table of chat formats. To add one: a row, and its markers.
//
// A file holds its format as a Jinja program, which is not run. Formats are recognised by the
// special tokens in it, as llama.cpp does. What a template computes beyond the turns (dates, tools,
// thinking switches) is left out.

#include "model/chat.h"

#include <array>

#include "data/error.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

using Texts = std::span<const std::string_view>;

constexpr std::array<std::string_view, 2> kChatMl = {"<|im_start|>", "<|im_end|>"};
// Phi-4 and SmolVLM write the same opening, but other turns.
constexpr std::array<std::string_view, 2> kNotChatMl = {"<|im_sep|>", "<end_of_utterance>"};
constexpr std::array<std::string_view, 3> kLlama3 = {"<|start_header_id|>", "<|end_header_id|>",
                                                     "<|eot_id|>"};
constexpr std::array<std::string_view, 2> kGemma = {"<start_of_turn>", "<end_of_turn>"};

constexpr std::array kTable = {
    ChatFormat{"chatml", "<|im_start|>user ... <|im_end|>: SmolLM2, Qwen, many others", kChatMl,
               kNotChatMl, "<|im_start|>", "\n", "<|im_end|>\n", "assistant", SystemPlace::OwnTurn,
               MessageSpace::Keep},
    ChatFormat{"llama-3", "<|start_header_id|>user<|end_header_id|> ... <|eot_id|>: Llama 3",
               kLlama3, Texts(), "<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>",
               "assistant", SystemPlace::OwnTurn, MessageSpace::Trim},
    ChatFormat{"gemma", "<start_of_turn>user ... <end_of_turn>: Gemma", kGemma, Texts(),
               "<start_of_turn>", "\n", "<end_of_turn>\n", "model", SystemPlace::BeforeFirstMessage,
               MessageSpace::Trim},
    ChatFormat{"raw", "the message and nothing around it", Texts(), Texts(), "", "", "", "",
               SystemPlace::Nowhere, MessageSpace::Keep},
};

std::string names(Texts texts, std::string_view between) {
  std::string all;
  for (const std::string_view text : texts) all.append(all.empty() ? "" : between).append(text);
  return all;
}

const std::string* template_of(const Gguf& gguf) {
  const GgufValue* value = gguf.find("tokenizer.chat_template");
  return value ? std::get_if<std::string>(value) : nullptr;
}

bool has_all(std::string_view text, Texts parts) {
  for (const std::string_view part : parts)
    if (text.find(part) == std::string_view::npos) return false;
  return true;
}

bool has_any(std::string_view text, Texts parts) {
  for (const std::string_view part : parts)
    if (text.find(part) != std::string_view::npos) return true;
  return false;
}

std::vector<const ChatFormat*> formats_in(std::string_view chat_template) {
  std::vector<const ChatFormat*> found;
  for (const ChatFormat& row : kTable)
    if (!row.markers.empty() && has_all(chat_template, row.markers) &&
        !has_any(chat_template, row.foreign))
      found.push_back(&row);
  return found;
}

std::string say_it() {
  return "say the format with --chat-format " + chat_format_choices() +
         ", or generate without --chat";
}

const ChatFormat& format_of(const Gguf& gguf) {
  const std::string* text = template_of(gguf);
  if (!text)
    fail(gguf.subject(), "tokenizer.chat_template is missing", "wanted a chat model", say_it());
  const auto found = formats_in(*text);
  if (found.empty())
    fail(gguf.subject(), "its chat template is of no known format",
         "wanted the markers of chatml, llama-3 or gemma", say_it());
  if (found.size() > 1)
    fail(gguf.subject(), "its chat template has the markers of several formats",
         "wanted those of one", say_it());
  return *found.front();
}

const ChatFormat& named_format(std::string_view name) {
  std::vector<std::string_view> known;
  for (const ChatFormat& row : kTable) {
    if (row.name == name) return row;
    known.push_back(row.name);
  }
  fail("--chat-format", "'" + shown(name) + "'", "wanted " + chat_format_choices(),
       did_you_mean(name, known));
}

// As a Jinja literal writes it: line ends as backslash n.
std::string escaped(std::string_view text) {
  std::string literal;
  for (const char letter : text)
    literal += letter == '\n' ? std::string("\\n") : std::string(1, letter);
  return literal;
}

std::string unescaped(std::string_view literal) {
  std::string text;
  for (size_t at = 0; at < literal.size(); ++at) {
    const bool line_end = literal.substr(at, 2) == "\\n";
    text += line_end ? '\n' : literal[at];
    at += line_end ? 1 : 0;
  }
  return text;
}

// The first system turn whose message stands literally in the template; empty when there is none.
std::string literal_system(const ChatFormat& format, std::string_view chat_template) {
  const std::string opening = std::string(format.begin) + "system" + std::string(format.after_role);
  const std::string_view ending = format.end.substr(0, format.end.find('\n'));
  for (const std::string& form : {opening, escaped(opening)}) {
    for (size_t at = chat_template.find(form); at != std::string_view::npos;
         at = chat_template.find(form, at + 1)) {
      const size_t begin = at + form.size(), end = chat_template.find(ending, begin);
      if (end == std::string_view::npos) break;
      const std::string_view text = chat_template.substr(begin, end - begin);
      // A quote or a brace ends the literal: the message is put together by the program.
      if (!text.empty() && text.find_first_of("'\"{}") == std::string_view::npos)
        return unescaped(text);
    }
  }
  return {};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string message_text(const ChatFormat& format, std::string_view message) {
  return std::string(format.space == MessageSpace::Trim ? trimmed(message) : message);
}

std::string opening_of(const ChatFormat& format, std::string_view role) {
  if (format.begin.empty()) return {};
  return std::string(format.begin) + std::string(role) + std::string(format.after_role);
}

void add_part(std::vector<TextPart>& parts, std::string text, SpecialTokens special) {
  if (!text.empty()) parts.push_back({std::move(text), special});
}

// The user's message, and the opening of the reply.
void add_message(const ChatFormat& format, std::string_view message, std::vector<TextPart>& parts) {
  add_part(parts, message_text(format, message), SpecialTokens::AsText);
  add_part(parts, std::string(format.end) + opening_of(format, format.assistant),
           SpecialTokens::Parse);
}

}  // namespace

std::span<const ChatFormat> chat_format_table() {
  return kTable;
}

std::string chat_format_choices() {
  std::vector<std::string_view> all;
  for (const ChatFormat& row : kTable) all.push_back(row.name);
  return names(all, "|");
}

const ChatFormat* recognise_chat_format(const Gguf& gguf) {
  const std::string* text = template_of(gguf);
  if (!text) return nullptr;
  const auto found = formats_in(*text);
  return found.size() == 1 ? found.front() : nullptr;
}

Chat::Chat(const Gguf& gguf, const Tokenizer& tokenizer, std::string_view format,
           std::string system)
    : format_(format.empty() ? &format_of(gguf) : &named_format(format)),
      system_(std::move(system)) {
  for (const std::string_view marker : format_->markers)
    if (tokenizer.special_id(marker) < 0)
      fail(gguf.subject(), "its vocabulary has no token " + std::string(marker),
           "wanted those of the chat format " + std::string(format_->name),
           "take another with --chat-format " + chat_format_choices());
  if (!system_.empty() && format_->system == SystemPlace::Nowhere)
    fail("--system", "together with the chat format " + std::string(format_->name),
         "wanted a format with a place for it");
  const std::string* text = template_of(gguf);
  if (system_.empty() && text && format_->system == SystemPlace::OwnTurn)
    system_ = literal_system(*format_, *text);
}

std::vector<TextPart> Chat::first(std::string_view message) const {
  std::vector<TextPart> parts;
  const std::string system = message_text(*format_, system_);
  const std::string user = opening_of(*format_, "user");
  if (format_->system == SystemPlace::OwnTurn && !system.empty()) {
    add_part(parts, opening_of(*format_, "system"), SpecialTokens::Parse);
    add_part(parts, system, SpecialTokens::AsText);
    add_part(parts, std::string(format_->end) + user, SpecialTokens::Parse);
  } else {
    add_part(parts, user, SpecialTokens::Parse);
    if (!system.empty()) add_part(parts, system + "\n\n", SpecialTokens::AsText);
  }
  add_message(*format_, message, parts);
  return parts;
}

std::vector<TextPart> Chat::next(std::string_view message) const {
  std::vector<TextPart> parts;
  add_part(parts, std::string(format_->end) + opening_of(*format_, "user"), SpecialTokens::Parse);
  add_message(*format_, message, parts);
  return parts;
}

}  // namespace dendrokv
