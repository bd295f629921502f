#pragma once
// How a kind of tokenizer turns the text between special tokens into ids, and what its tokens stand
// for.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/vocabulary.h"

namespace dendrokv {

/// What a user may say about the tokenizer of a file.
struct TokenizerOptions {
  std::string pre_tokenizer;  // in place of tokenizer.ggml.pre; empty = as the file says
};

/// What holds where the file says nothing.
struct TokenDefaults {
  bool add_bos = false;
  int32_t bos = -1, eos = -1, unknown = -1;  // -1 = none
};

/// Whether a space is put in front of the text that begins or that follows a special token.
enum class SpacePrefix : uint8_t { None, Added };

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends the ids of `text`, which is well-formed UTF-8, not empty, and lies between two special
  /// tokens or the ends. Throws Error on a stretch of more than kLongestPiece bytes with nothing to
  /// part it at.
  virtual void encode(std::string_view text, std::vector<int32_t>& ids) const = 0;
  /// The bytes of each token.
  virtual std::span<const std::string> pieces() const = 0;
  virtual TokenDefaults defaults() const = 0;
  virtual SpacePrefix space_prefix() const { return SpacePrefix::None; }
};

/// Bounds the memory of a merge: 70 bytes for each of these.
inline constexpr size_t kLongestPiece = size_t{1} << 21;
void check_piece(std::string_view piece);

/// A row of the table in token_model.cpp. `make` throws Error naming the key.
struct TokenModelRow {
  std::string_view name;  // tokenizer.ggml.model
  std::string_view summary;
  std::unique_ptr<TokenModel> (*make)(const TokenizerKeys& keys, const Vocabulary& vocabulary,
                                      const TokenizerOptions& options);
};

std::span<const TokenModelRow> token_model_table();
/// The model that the file names; throws Error when there is no such row.
std::unique_ptr<TokenModel> make_token_model(const TokenizerKeys& keys,
                                             const Vocabulary& vocabulary,
                                             const TokenizerOptions& options);

}  // namespace dendrokv
