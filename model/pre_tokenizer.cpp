// The table of pre-tokenizers. To add one: a split function and a row.
//
// gpt-2, the first alternative that matches at each place:
//   apostrophe and one of s t re ve m ll d; optional space and letters; optional space and numbers; optional space and a run of
//   anything else that is not white space; white space up to, but not including, its last character if something follows; white space
// smollm: every single number character stands alone, then gpt-2 within what lies between.

#include "model/pre_tokenizer.h"

#include <algorithm>
#include <array>
#include <vector>

#include "data/error.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 7> kContractions = {"'s", "'t",  "'re", "'ve",
                                                           "'m", "'ll", "'d"};

// Bytes of the run of characters of one class at the start of `text`.
size_t run_length(std::string_view text, CharClass wanted) {
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view after = rest;
    if (char_class(take_character(after)) != wanted) break;
    rest = after;
  }
  return text.size() - rest.size();
}

size_t contraction_length(std::string_view text) {
  for (const std::string_view contraction : kContractions)
    if (text.substr(0, contraction.size()) == contraction) return contraction.size();
  return 0;
}

// `text` begins with white space: all of it, less its last character if something follows and that leaves any.
size_t space_length(std::string_view text) {
  const size_t run = run_length(text, CharClass::Space);
  if (run == text.size()) return run;
  size_t last = run - 1;
  while ((static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return last == 0 ? run : last;
}

size_t gpt2_length(std::string_view text) {
  if (const size_t contraction = contraction_length(text)) return contraction;
  const size_t space = text[0] == ' ' && text.size() > 1 ? 1 : 0;
  std::string_view first = text.substr(space);
  const CharClass kind = char_class(take_character(first));
  if (kind != CharClass::Space) return space + run_length(text.substr(space), kind);
  return space_length(text);
}

void split_gpt2(std::string_view text, const PieceSink& piece) {
  while (!text.empty()) {
    const size_t length = gpt2_length(text);
    piece(text.substr(0, length));
    text.remove_prefix(length);
  }
}

void split_smollm(std::string_view text, const PieceSink& piece) {
  std::string_view rest = text;
  size_t start = 0;
  while (!rest.empty()) {
    const size_t at = text.size() - rest.size();
    if (char_class(take_character(rest)) != CharClass::Number) continue;
    const size_t end = text.size() - rest.size();
    split_gpt2(text.substr(start, at - start), piece);
    piece(text.substr(at, end - at));
    start = end;
  }
  split_gpt2(text.substr(start), piece);
}

constexpr std::array kTable = {
    PreTokenizer{"gpt-2", split_gpt2},
    PreTokenizer{"smollm", split_smollm},
};

}  // namespace

std::span<const PreTokenizer> pre_tokenizer_table() {
  return kTable;
}

const PreTokenizer& find_pre_tokenizer(const std::string& subject, std::string_view name) {
  std::vector<std::string_view> known;
  for (const PreTokenizer& row : kTable) {
    if (row.name == name) return row;
    known.push_back(row.name);
  }
  fail(subject, "tokenizer.ggml.pre is '" + shown(name) + "'", "wanted gpt-2 or smollm",
       did_you_mean(name.substr(0, 60), known));
}

}  // namespace dendrokv
