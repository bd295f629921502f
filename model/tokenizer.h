#pragma once
// Text to token ids and back: byte-level byte-pair encoding with the `gpt-2` and `smollm` pre-tokenizers.
//
// Any bytes can be encoded, with two losses:
//   A byte that is not part of a well-formed UTF-8 sequence is read as U+FFFD. Overlong forms, surrogates and code points above
//   U+10FFFF are not well-formed.
//   A byte for which the vocabulary has no token, alone or merged, leaves none, as in other programs. SmolLM2's lacks 04 06 13 14
//   16 1d c0 c1 f1 f2 f5..ff: six control characters vanish, and U+40000..U+BFFFF lose a byte.
// A text that is decoded and compared with its source shows both.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/trace.h"
#include "model/gguf.h"

namespace dendrokv {

/// Whether control tokens written out in the text become their ids or are read as plain characters.
enum class SpecialTokens { AsText, Parse };

class Tokenizer {
 public:
  /// Throws Error naming the key: missing, wrong type, inconsistent lengths, unknown model or pre-tokenizer.
  /// A pre-tokenizer is never guessed: a file that does not name one is refused.
  explicit Tokenizer(const Gguf& gguf);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// Adds nothing in front or behind. Throws Error on more than 64 MiB.
  std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const;
  /// The bytes of one token; they may begin or end in the middle of a UTF-8 character. This and the next two throw Error on an id
  /// outside of the vocabulary.
  std::string_view piece(int32_t id) const;
  std::string decode(std::span<const int32_t> ids) const;
  /// Ids with their texts, as traces store them.
  TokenText text_of(std::vector<int32_t> ids) const;

  uint32_t vocabulary() const;
  bool add_bos() const;
  int32_t bos() const;  // -1 = none
  /// The token ends a generation: EOS, EOT and their like.
  bool ends_generation(int32_t id) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The prompt of one user message in the file's chat format, ready for encode(..., Parse) piece by piece.
/// ChatML is recognised by its markers; anything else throws Error. Pieces alternate scaffold and user text.
struct ChatPiece {
  std::string text;
  SpecialTokens special;
};
std::vector<ChatPiece> chat_prompt(const Gguf& gguf, std::string_view user_message);

/// Holds back the bytes of an unfinished UTF-8 character until the rest of it arrives.
class Utf8Stream {
 public:
  /// Bytes that are complete after adding `piece`.
  std::string feed(std::string_view piece);
  /// What is left at the end of the text.
  std::string flush();

 private:
  std::string held_;
};

}  // namespace dendrokv
