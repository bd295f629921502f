#pragma once
// One function per tokenizer model, for the table in model/token_model.cpp.

#include <memory>

#include "model/token_model.h"

namespace dendrokv {

std::unique_ptr<TokenModel> make_byte_level_model(const TokenizerKeys& keys,
                                                  const Vocabulary& vocabulary,
                                                  const TokenizerOptions& options);
std::unique_ptr<TokenModel> make_sentence_piece_model(const TokenizerKeys& keys,
                                                      const Vocabulary& vocabulary,
                                                      const TokenizerOptions& options);

}  // namespace dendrokv
