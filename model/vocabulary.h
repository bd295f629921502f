#pragma once
// The vocabulary as a file has it: texts, types and scores of the tokens, checked against each
// other.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/tokenizer_keys.h"

namespace dendrokv {

/// Values of tokenizer.ggml.token_type.
enum class TokenType : uint8_t {
  Normal = 1,
  Unknown = 2,      // stands for what no token covers
  Control = 3,      // scaffolding, such as the beginning of a text or of a turn
  UserDefined = 4,  // recognised in any text
  Unused = 5,
  Byte = 6,  // one byte: <0x0A>
};

/// Views into the Gguf that it was read from, which must outlive it.
struct Vocabulary {
  std::span<const std::string> texts;
  std::vector<TokenType> types;
  std::span<const double> scores;  // empty when the file has none
  std::unordered_map<std::string_view, int32_t> ids;

  size_t size() const { return texts.size(); }
  /// "token 17 'the'", for errors.
  std::string name(int32_t id) const;
};

/// Throws Error: a list is missing, of another type or another length; a type that does not exist;
/// a score that is no number; a text that stands there twice.
Vocabulary read_vocabulary(const TokenizerKeys& keys);

/// Control, unknown and user-defined tokens: what is cut out of a text before the rest of it is
/// encoded.
bool is_special(TokenType type);

}  // namespace dendrokv
