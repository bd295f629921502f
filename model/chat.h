#pragma once
// Chat formats: what stands around the messages that a chat model was trained on.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf.h"
#include "model/tokenizer.h"

namespace dendrokv {

/// Where the instructions for the whole conversation go.
enum class SystemPlace : uint8_t { OwnTurn, BeforeFirstMessage, Nowhere };
/// Whether white space around a message is taken away.
enum class MessageSpace : uint8_t { Keep, Trim };

/// A row of the table in chat.cpp. A turn is: begin, role, after_role, message, end.
struct ChatFormat {
  std::string_view name, summary;
  /// Special tokens of the format. A template that has them all is recognised, unless it has one of
  /// `foreign`.
  std::span<const std::string_view> markers, foreign;
  std::string_view begin, after_role, end;
  std::string_view assistant;  // the model's role
  SystemPlace system;
  MessageSpace space;
};

std::span<const ChatFormat> chat_format_table();
/// "chatml|llama-3|...", as an option lists its values.
std::string chat_format_choices();

/// The one format that the file's template shows; null when there is no template or not exactly
/// one.
const ChatFormat* recognise_chat_format(const Gguf& gguf);

/// A conversation in one format: each call gives what the model has to read next, for
/// Tokenizer::encode_prompt or encode. Scaffolding is searched for special tokens, messages are
/// not.
class Chat {
 public:
  /// `format` names a row; empty = recognised by the file's template. Without `system` the
  /// instructions are those that stand literally in the template, as in SmolLM2's, or none. Throws
  /// Error: no template, none that is known, a vocabulary without the format's tokens, a system
  /// message where the format has no place for it.
  Chat(const Gguf& gguf, const Tokenizer& tokenizer, std::string_view format, std::string system);

  const ChatFormat& format() const { return *format_; }
  /// The first message, up to where the model's reply begins.
  std::vector<TextPart> first(std::string_view message) const;
  /// A later one; the model's last reply ends before it.
  std::vector<TextPart> next(std::string_view message) const;

 private:
  const ChatFormat* format_;
  std::string system_;
};

}  // namespace dendrokv
