#include "model/chat.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/error.h"
#include "model/model.h"
#include "tests/model/gguf_file.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using nlohmann::json;
using testing::data_file;
using testing::GgufFile;
using Ids = std::vector<int32_t>;

const Model& default_model() {
  static const Model model =
      Model::load(testing::default_model(), LoadDepth::Describe, Arithmetic::Fast);
  return model;
}

std::string joined(const std::vector<TextPart>& parts) {
  std::string text;
  for (const TextPart& part : parts) text += part.text;
  return text;
}

// The tiny model with a chat template and the special tokens of all formats.
GgufFile chat_model(const std::string& chat_template) {
  GgufFile file = testing::tiny_model();
  std::vector<std::string> tokens = testing::byte_texts();
  std::vector<int32_t> types(tokens.size(), 1);
  for (const char* special :
       {"<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
        "<start_of_turn>", "<end_of_turn>"}) {
    tokens.push_back(special);
    types.push_back(3);
  }
  file.set_texts("tokenizer.ggml.tokens", tokens);
  file.set_i32s("tokenizer.ggml.token_type", types);
  file.set_texts("tokenizer.ggml.merges", {});
  if (!chat_template.empty()) file.set_text("tokenizer.chat_template", chat_template);
  return file;
}

std::vector<TextPart> turns(const GgufFile& file, std::string_view format,
                            const std::string& system, std::string_view message) {
  const std::string bytes = file.bytes();
  const Gguf gguf = Gguf::parse("chat.gguf", testing::as_bytes(bytes));
  return Chat(gguf, Tokenizer(gguf), format, system).first(message);
}

std::string refusal(const GgufFile& file, std::string_view format, const std::string& system) {
  try {
    turns(file, format, system, "hi");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

constexpr const char* kChatMlTemplate =
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>'}}"
    "{% endfor %}";
constexpr const char* kLlama3Template =
    "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' "
    "}}";
constexpr const char* kGemmaTemplate =
    "{{ '<start_of_turn>' + role + '\n' + m['content'] | trim + '<end_of_turn>\n' }}";

TEST(Chat, ChatMlWithTheDefaultSystemTurnOfTheTemplate) {
  const json reference = json::parse(testing::read_text(data_file("logits/greedy_chat.json")));
  const Chat chat(default_model().gguf(), default_model().tokenizer(), "", "");
  const auto parts = chat.first(reference.at("user_message").get<std::string>());
  EXPECT_EQ(chat.format().name, "chatml");
  EXPECT_EQ(joined(parts), reference.at("prompt"));
  EXPECT_EQ(default_model().tokenizer().encode_prompt(parts),
            reference.at("prompt_ids").get<Ids>());
}

TEST(Chat, ASystemMessageReplacesTheTemplates) {
  const Chat chat(default_model().gguf(), default_model().tokenizer(), "", "Be brief.");
  EXPECT_EQ(joined(chat.first("Hi")),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(joined(chat.next(" and then? ")),
            "<|im_end|>\n<|im_start|>user\n and then? <|im_end|>\n<|im_start|>assistant\n");
}

TEST(Chat, FormatsAreRecognisedByTheTokensOfTheirTemplates) {
  EXPECT_EQ(joined(turns(chat_model(kChatMlTemplate), "", "", " Hi ")),
            "<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(joined(turns(chat_model(kLlama3Template), "", " S\n", " Hi ")),
            "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_EQ(joined(turns(chat_model(kGemmaTemplate), "", "S", "Hi")),
            "<start_of_turn>user\nS\n\nHi<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_EQ(joined(turns(chat_model(kGemmaTemplate), "", "", "Hi")),
            "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_EQ(joined(turns(chat_model(kGemmaTemplate), "raw", "", " Hi ")), " Hi ");
}

TEST(Chat, ANamedFormatNeedsNoTemplate) {
  for (const ChatFormat& row : chat_format_table())
    EXPECT_NE(joined(turns(chat_model(""), row.name, "", "Hi")).find("Hi"), std::string::npos);
  EXPECT_EQ(joined(turns(chat_model(kChatMlTemplate), "gemma", "", "Hi")),
            "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n");
}

// The turn that a template writes out is found among those that it puts together, with line ends in
// either spelling.
TEST(Chat, TheDefaultSystemMessageIsTheOneThatStandsLiterally) {
  const auto system = [](const std::string& literal) {
    return joined(turns(chat_model(std::string(kChatMlTemplate) + literal), "", "", "Hi"));
  };
  const std::string user = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
  EXPECT_EQ(system("{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}"
                   "{{- '<|im_start|>system\\nYou are Q.\\nBe kind.<|im_end|>\\n' }}"),
            "<|im_start|>system\nYou are Q.\nBe kind.<|im_end|>\n" + user);
  EXPECT_EQ(system("{{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>' }}"), user);
  EXPECT_EQ(system("<|im_start|>system\nno end"), user);
}

TEST(Chat, WhatIsNotCertainIsRefusedWithTheWayToSayIt) {
  const auto expect = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(refusal(chat_model(""), "", ""), "tokenizer.chat_template is missing");
  expect(refusal(chat_model(""), "", ""), "--chat-format chatml|llama-3|gemma|raw");
  expect(refusal(chat_model("[INST] {{ m }} [/INST]"), "", ""), "of no known format");
  expect(refusal(chat_model(std::string(kChatMlTemplate) + kGemmaTemplate), "", ""),
         "several formats");
  // Phi-4 begins its turns as ChatML does, and goes on in another way.
  expect(refusal(chat_model(std::string(kChatMlTemplate) + "<|im_sep|>"), "", ""),
         "of no known format");
  expect(refusal(chat_model(""), "chatlm", ""), "did you mean chatml");
  expect(refusal(chat_model(""), "raw", "Be brief."), "--system");
  GgufFile without = testing::tiny_model();
  expect(refusal(without, "llama-3", ""), "its vocabulary has no token <|start_header_id|>");
  EXPECT_EQ(refusal(without, "chatml", ""), "accepted");
}

TEST(Chat, ControlTokensInMessagesStayText) {
  const Tokenizer& tokenizer = default_model().tokenizer();
  const Chat chat(default_model().gguf(), tokenizer, "", "<|endoftext|>");
  const Ids ids = tokenizer.encode_prompt(chat.first("<|im_end|>"));
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 1), 3);  // system, user, assistant
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 2), 2);  // the ends of system and user
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 0), 0);
}

}  // namespace
}  // namespace dendrokv
