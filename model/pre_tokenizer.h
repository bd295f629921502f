#pragma once
// Cuts text into the pieces within which byte pairs merge.

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace dendrokv {

/// Calls `piece` for every pre-token of `text` (valid UTF-8), in order; together they are the text.
using PieceSink = std::function<void(std::string_view piece)>;

/// A row of the table in pre_tokenizer.cpp.
struct PreTokenizer {
  std::string_view name;  // tokenizer.ggml.pre
  void (*split)(std::string_view text, const PieceSink& piece);
};

std::span<const PreTokenizer> pre_tokenizer_table();
/// Throws Error naming `subject` when there is no such row.
const PreTokenizer& find_pre_tokenizer(const std::string& subject, std::string_view name);

}  // namespace dendrokv
