// Chat formats are found by their markers in the file's template (a Jinja program that is not run). ChatML:
//   <|im_start|>ROLE newline TEXT <|im_end|> newline
// with a default system turn when the template holds one literally, as SmolLM2's does.

#include "data/error.h"
#include "model/tokenizer.h"

namespace dendrokv {
namespace {

constexpr std::string_view kStart = "<|im_start|>", kEnd = "<|im_end|>";

// The text of the literal system turn; empty when there is none. In a Jinja literal the newline behind the role is either itself or
// written as backslash n.
std::string default_system(std::string_view chat_template) {
  for (const std::string_view newline : {"\n", "\\n"}) {
    const std::string opening = std::string(kStart) + "system" + std::string(newline);
    const size_t first = chat_template.find(opening);
    if (first == std::string_view::npos) continue;
    const size_t begin = first + opening.size();
    const size_t end = chat_template.find(kEnd, begin);
    if (end == std::string_view::npos) continue;
    const std::string_view text = chat_template.substr(begin, end - begin);
    if (text.find_first_of("'{}") == std::string_view::npos) return std::string(text);
  }
  return {};
}

}  // namespace

std::vector<ChatPiece> chat_prompt(const Gguf& gguf, std::string_view user_message) {
  const GgufValue* value = gguf.find("tokenizer.chat_template");
  const auto* chat_template = value ? std::get_if<std::string>(value) : nullptr;
  if (!chat_template)
    fail(gguf.subject(), "tokenizer.chat_template is missing", "wanted a chat model",
         "generate without --chat");
  if (chat_template->find(kStart) == std::string::npos)
    fail(gguf.subject(), "its chat template is not ChatML", "wanted <|im_start|> turns",
         "write the turns into the prompt and generate without --chat");
  const std::string system = default_system(*chat_template);
  std::string opening;
  if (!system.empty())
    opening = std::string(kStart) + "system\n" + system + std::string(kEnd) + "\n";
  opening += std::string(kStart) + "user\n";
  return {{opening, SpecialTokens::Parse},
          {std::string(user_message), SpecialTokens::AsText},
          {std::string(kEnd) + "\n" + std::string(kStart) + "assistant\n", SpecialTokens::Parse}};
}

}  // namespace dendrokv
