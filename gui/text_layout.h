#pragma once
// Tokens as text: what each piece shows, and how pieces flow into lines. No painting.

#include <QFont>
#include <QString>
#include <functional>
#include <vector>

#include "data/trace.h"

namespace dendrokv {

/// What a piece looks like: line ends and tabs as signs, bytes that are no UTF-8 of their own as
/// hex. A blank that stands alone keeps its width.
QString shown_piece(std::string_view piece);
/// A piece for a label: quoted, without the blanks around it, shortened to `longest` characters.
QString quoted_piece(std::string_view piece, int longest = 24);

/// One line of the strip. `start[i]` is where token first + i begins in `text`; start.back() is its
/// length.
struct TextLine {
  Position first;
  QString text;
  std::vector<int> start;

  size_t tokens() const { return start.size() - 1; }
  Position end() const { return Position(first.value + tokens()); }
};

using WidthOf = std::function<double(const QString&)>;

/// Breaks before the token that would cross `width`, or before the word that it goes on; also after
/// an empty line of the text, so that paragraphs begin at the left. Every token is on exactly one
/// line, in order; no line is empty.
std::vector<TextLine> flow_text(const TokenText& tokens, double width, const WidthOf& width_of);

/// The same for the tokens [first, end) alone, as if the text began there.
std::vector<TextLine> flow_text(const TokenText& tokens, Position first, Position end, double width,
                                const WidthOf& width_of);

/// First tokens of pieces of text that flow on their own: a piece ends before a paragraph when it
/// has `fewest` tokens, or when it has `most`, and a line of its own begins there.
std::vector<uint32_t> text_blocks(const TokenText& tokens, uint32_t fewest, uint32_t most);

/// Index of the line that holds a position.
size_t line_of(const std::vector<TextLine>& lines, Position position);

/// Positions whose text contains `wanted` (any case), also across pieces: the piece in which a
/// match begins. In order.
std::vector<Position> find_text(const TokenText& tokens, const QString& wanted);

}  // namespace dendrokv
