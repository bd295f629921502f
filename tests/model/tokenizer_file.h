#pragma once
// Files with a small SentencePiece-like tokenizer, and what a tokenizer says to a file.

#include <string>
#include <vector>

#include "data/error.h"
#include "model/tokenizer.h"
#include "tests/model/gguf_file.h"

namespace dendrokv::testing {

inline constexpr int kNormalToken = 1, kUnknownToken = 2, kControlToken = 3, kUserToken = 4,
                     kUnusedToken = 5, kByteToken = 6;

/// A vocabulary under construction; set() writes it into a file.
struct TokenList {
  std::vector<std::string> texts;
  std::vector<int32_t> types;
  std::vector<float> scores;

  void add(const std::string& text, int32_t type = kNormalToken, float score = 0) {
    texts.push_back(text);
    types.push_back(type);
    scores.push_back(score);
  }
  void set(GgufFile& file) const {
    file.set_texts("tokenizer.ggml.tokens", texts);
    file.set_i32s("tokenizer.ggml.token_type", types);
    std::string bytes;
    append(bytes, static_cast<uint32_t>(GgufType::F32));
    append(bytes, uint64_t{scores.size()});
    for (const float score : scores) append(bytes, score);
    file.set("tokenizer.ggml.scores", GgufType::Array, bytes);
  }
};

/// <unk>, <s>, </s>, the bytes <0x00> to <0xFF>, then nothing.
inline TokenList byte_tokens() {
  constexpr const char* kDigits = "0123456789ABCDEF";
  TokenList list;
  list.add("<unk>", kUnknownToken);
  list.add("<s>", kControlToken);
  list.add("</s>", kControlToken);
  for (unsigned byte = 0; byte < 256; ++byte)
    list.add(std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">", kByteToken);
  return list;
}

inline GgufFile sentence_piece_file(const TokenList& list) {
  GgufFile file;
  file.set_text("tokenizer.ggml.model", "llama");
  list.set(file);
  return file;
}

inline Tokenizer tokenizer_of(const GgufFile& file, const TokenizerOptions& options = {}) {
  const std::string bytes = file.bytes();
  return Tokenizer(Gguf::parse("file.gguf", as_bytes(bytes)), options);
}

/// The message of the refusal, or "accepted".
inline std::string tokenizer_refusal(const GgufFile& file, const TokenizerOptions& options = {}) {
  try {
    tokenizer_of(file, options);
    return "accepted";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace dendrokv::testing
