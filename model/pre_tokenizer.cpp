// The table of pre-tokenizers. To add one: a split function and a row.
//
// gpt-2, the first alternative that matches at each place:
//   apostrophe and one of s t re ve m ll d; optional space and letters; optional space and numbers;
//   optional space and a run of anything else that is not white space; white space up to, but not
//   including, its last character if something follows; white space
// smollm: every single number character stands alone, then gpt-2 within what lies between.
// llama-bpe:
//   apostrophe and s t re ve m ll d in either case; letters, with one character in front of them
//   that is no letter, number or line end; up to three numbers; optional space and a run of
//   anything else that is not white space, with the line ends behind it; white space up to its last
//   line end; white space as in gpt-2
// qwen2: as llama-bpe, but one number at a time. The text is taken as it is (no Unicode
// normalisation), as in llama.cpp.
//
// Letters and numbers are Unicode's categories L and N, white space is White_Space; the optional
// space is U+0020.

#include "model/pre_tokenizer.h"

#include <array>

#include "model/unicode.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 7> kContractions = {"'s", "'t",  "'re", "'ve",
                                                           "'m", "'ll", "'d"};

CharClass first_class(std::string_view text) {
  return char_class(take_character(text));
}

size_t first_length(std::string_view text) {
  std::string_view rest = text;
  take_character(rest);
  return text.size() - rest.size();
}

// Bytes of the run of characters of one class at the start of `text`, of `most` characters at most.
size_t run_length(std::string_view text, CharClass wanted, size_t most = SIZE_MAX) {
  std::string_view rest = text;
  for (size_t count = 0; count < most && !rest.empty(); ++count) {
    std::string_view after = rest;
    if (char_class(take_character(after)) != wanted) break;
    rest = after;
  }
  return text.size() - rest.size();
}

enum class LetterCase { Lower, Either };

size_t contraction_length(std::string_view text, LetterCase letters) {
  if (text[0] != '\'') return 0;
  for (const std::string_view contraction : kContractions) {
    size_t same = 1;
    while (same < contraction.size() && same < text.size()) {
      const char letter = text[same];
      const bool upper = letter >= 'A' && letter <= 'Z' && letters == LetterCase::Either;
      if ((upper ? static_cast<char>(letter + ('a' - 'A')) : letter) != contraction[same]) break;
      ++same;
    }
    if (same == contraction.size()) return same;
  }
  return 0;
}

// `text` begins with white space: all of it, less its last character if something follows and that
// leaves any.
size_t space_length(std::string_view text) {
  const size_t run = run_length(text, CharClass::Space);
  if (run == text.size()) return run;
  size_t last = run - 1;
  while ((static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return last == 0 ? run : last;
}

size_t gpt2_length(std::string_view text) {
  if (const size_t contraction = contraction_length(text, LetterCase::Lower)) return contraction;
  const size_t space = text[0] == ' ' && text.size() > 1 ? 1 : 0;
  const CharClass kind = first_class(text.substr(space));
  if (kind != CharClass::Space) return space + run_length(text.substr(space), kind);
  return space_length(text);
}

bool is_line_end(char letter) {
  return letter == '\r' || letter == '\n';
}

// Letters, with one character in front that is no letter, number or line end; 0 when there are
// none.
size_t word_length(std::string_view text) {
  const CharClass kind = first_class(text);
  if (kind == CharClass::Letter) return run_length(text, CharClass::Letter);
  if (kind == CharClass::Number || is_line_end(text[0])) return 0;
  const size_t front = first_length(text);
  const size_t letters = run_length(text.substr(front), CharClass::Letter);
  return letters > 0 ? front + letters : 0;
}

// Optional space and symbols, with the line ends behind them; 0 when there are none.
size_t symbols_length(std::string_view text) {
  const size_t space = text[0] == ' ' ? 1 : 0;
  const size_t symbols = run_length(text.substr(space), CharClass::Other);
  if (symbols == 0) return 0;
  size_t length = space + symbols;
  while (length < text.size() && is_line_end(text[length])) ++length;
  return length;
}

size_t llama_length(std::string_view text, size_t most_numbers) {
  if (const size_t contraction = contraction_length(text, LetterCase::Either)) return contraction;
  if (const size_t word = word_length(text)) return word;
  if (const size_t numbers = run_length(text, CharClass::Number, most_numbers)) return numbers;
  if (const size_t symbols = symbols_length(text)) return symbols;
  const std::string_view run = text.substr(0, run_length(text, CharClass::Space));
  const size_t line_end = run.find_last_of("\r\n");
  return line_end == std::string_view::npos ? space_length(text) : line_end + 1;
}

template <class Length>
void split_by(std::string_view text, const PieceSink& piece, const Length& length_at_start) {
  while (!text.empty()) {
    const size_t length = length_at_start(text);
    piece(text.substr(0, length));
    text.remove_prefix(length);
  }
}

void split_gpt2(std::string_view text, const PieceSink& piece) {
  split_by(text, piece, gpt2_length);
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

void split_llama(std::string_view text, const PieceSink& piece) {
  split_by(text, piece, [](std::string_view rest) { return llama_length(rest, 3); });
}

void split_qwen2(std::string_view text, const PieceSink& piece) {
  split_by(text, piece, [](std::string_view rest) { return llama_length(rest, 1); });
}

// Rows with the same function are names that converters gave to the same rules.
constexpr std::array kTable = {
    PreTokenizer{"gpt-2", split_gpt2},
    PreTokenizer{"smollm", split_smollm},
    PreTokenizer{"llama-bpe", split_llama, WholeTokens::Take, FirstToken::Bos},
    PreTokenizer{"llama3", split_llama, WholeTokens::Take, FirstToken::Bos},
    PreTokenizer{"llama-v3", split_llama, WholeTokens::Take, FirstToken::Bos},
    PreTokenizer{"qwen2", split_qwen2},
    PreTokenizer{"deepseek-r1-qwen", split_qwen2},
};

}  // namespace

std::span<const PreTokenizer> pre_tokenizer_table() {
  return kTable;
}

std::string pre_tokenizer_choices() {
  std::string choices;
  for (const PreTokenizer& row : kTable)
    choices += (choices.empty() ? "" : "|") + std::string(row.name);
  return choices;
}

const PreTokenizer* find_pre_tokenizer(std::string_view name) {
  for (const PreTokenizer& row : kTable)
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace dendrokv
