#pragma once
// Text to token ids and back, as a GGUF file says: byte-level byte-pair encoding or
// SentencePiece-like (model/token_model.cpp).
//
// Any bytes can be encoded, with these losses:
// - A byte that is not part of a well-formed UTF-8 sequence is read as U+FFFD. Overlong forms,
//   surrogates and code points above U+10FFFF are not well-formed.
// - In byte-level BPE a byte for which the vocabulary has no token, alone or merged, leaves none,
//   as in other programs. SmolLM2's lacks 04 06 13 14 16 1d c0 c1 f1 f2 f5..ff: six control
//   characters vanish, and U+40000..U+BFFFF lose a byte.
// - SentencePiece-like vocabularies read U+2581 as a space; those without byte tokens make one
//   unknown token of a character they lack; a file may ask to drop spaces at the ends and repeated
//   ones.
// A text that is decoded and compared with its source shows them all.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/trace.h"
#include "model/gguf.h"
#include "model/special_tokens.h"
#include "model/token_model.h"

namespace dendrokv {

/// A stretch of text that is read in one way.
struct TextPart {
  std::string text;
  SpecialTokens special;
};

class Tokenizer {
 public:
  /// Throws Error naming the key: missing, wrong type, inconsistent lengths, an id outside of the
  /// vocabulary, unknown model or pre-tokenizer. A pre-tokenizer is never guessed: a file that does
  /// not name one is refused, unless `options` does.
  explicit Tokenizer(const Gguf& gguf, const TokenizerOptions& options = {});
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// Adds nothing in front or behind. Throws Error on more than 64 MiB, or on 2 MiB without a place
  /// to part them.
  std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const;
  /// A whole prompt: the first token (BOS) if the file asks for it, then the parts as one text, of
  /// which each is searched for special tokens in its own way.
  std::vector<int32_t> encode_prompt(std::span<const TextPart> parts) const;
  /// The same without BOS, for what comes later.
  std::vector<int32_t> encode_more(std::span<const TextPart> parts) const;

  /// The bytes of one token; they may begin or end in the middle of a UTF-8 character. This and the
  /// next two throw Error on an id outside of the vocabulary.
  std::string_view piece(int32_t id) const;
  /// The text of ids that begin a text: the pieces joined, without the spaces that encoding put in
  /// front.
  std::string decode(std::span<const int32_t> ids) const;
  /// Ids with their texts, as traces store them.
  TokenText text_of(std::vector<int32_t> ids) const;

  uint32_t vocabulary() const;
  bool add_bos() const;
  int32_t bos() const;  // -1 = none
  SpacePrefix space_prefix() const;
  /// A control, unknown or user-defined token.
  bool is_special(int32_t id) const;
  /// The id of the special token of that text; -1 = none.
  int32_t special_id(std::string_view text) const;
  /// The token ends a generation: EOS, EOT, EOM, and control tokens known to end a turn.
  bool ends_generation(int32_t id) const;
  /// All of those, rising.
  std::vector<int32_t> end_ids() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
