#pragma once
// Cuts text into the pieces within which byte pairs merge.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace dendrokv {

/// Calls `piece` for every pre-token of `text` (valid UTF-8), in order; together they are the text.
using PieceSink = std::function<void(std::string_view piece)>;

/// A pre-token that is a token: merged like any other, or taken as it stands.
enum class WholeTokens : uint8_t { Merge, Take };
/// What stands in front of a text when the file does not say.
enum class FirstToken : uint8_t { None, Bos };

/// A row of the table in pre_tokenizer.cpp.
struct PreTokenizer {
  std::string_view name;  // tokenizer.ggml.pre
  void (*split)(std::string_view text, const PieceSink& piece);
  WholeTokens whole_tokens = WholeTokens::Merge;
  FirstToken first_token = FirstToken::None;
};

std::span<const PreTokenizer> pre_tokenizer_table();
/// "gpt-2|smollm|...", as an option lists its values.
std::string pre_tokenizer_choices();
/// Null when there is no such row.
const PreTokenizer* find_pre_tokenizer(std::string_view name);

}  // namespace dendrokv
