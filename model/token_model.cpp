// The table of tokenizer models. To add one: a class in a file of its own, a make function in
// model/make_token_model.h, and a row.

#include "model/token_model.h"

#include <array>

#include "data/error.h"
#include "model/make_token_model.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

constexpr std::array kTable = {
    TokenModelRow{"gpt2", "byte-level byte-pair encoding", make_byte_level_model},
    TokenModelRow{"llama", "SentencePiece-like, by scores, with byte fallback",
                  make_sentence_piece_model},
};

}  // namespace

void check_piece(std::string_view piece) {
  if (piece.size() > kLongestPiece)
    fail("the text", "goes on for " + std::to_string(piece.size()) + " bytes without a break",
         "wanted at most " + std::to_string(kLongestPiece), "break it with spaces or line ends");
}

std::span<const TokenModelRow> token_model_table() {
  return kTable;
}

std::unique_ptr<TokenModel> make_token_model(const TokenizerKeys& keys,
                                             const Vocabulary& vocabulary,
                                             const TokenizerOptions& options) {
  const std::string* model = keys.text("model");
  if (!model) keys.missing("model");
  for (const TokenModelRow& row : kTable)
    if (row.name == *model) return row.make(keys, vocabulary, options);
  fail(keys.subject(), "tokenizer.ggml.model is '" + shown(*model) + "'",
       "wanted gpt2 (byte-level BPE) or llama (SentencePiece-like)",
       "other tokenizers are not supported");
}

}  // namespace dendrokv
