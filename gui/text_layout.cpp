#include "gui/text_layout.h"

// Flow: widths of pieces are measured once per distinct text, added up token by token, and a line
// is broken where the sum crosses the width. Kerning between pieces is not part of the sum: it is
// below a tenth of a pixel per token, and the margin of the strip is wider.

#include <QHash>
#include <QTextCodec>
#include <algorithm>
#include <optional>

namespace dendrokv {
namespace {

const QChar kNewlineSign(0x21b5);
const QChar kTabSign(0x21e5);
const QChar kReturnSign(0x240d);

bool is_utf8(std::string_view bytes) {
  QTextCodec::ConverterState state;
  QTextCodec::codecForName("UTF-8")->toUnicode(bytes.data(), static_cast<int>(bytes.size()),
                                               &state);
  // A byte order mark is UTF-8, but shows nothing.
  return state.invalidChars == 0 && state.remainingChars == 0 && bytes != "\xef\xbb\xbf";
}

QString as_hex(std::string_view bytes) {
  const QByteArray hex =
      QByteArray(bytes.data(), static_cast<int>(bytes.size())).toHex(' ').toUpper();
  return QChar(0x2039) + QString::fromLatin1(hex) + QChar(0x203a);
}

/// Line ends at the end of the text so far, over pieces that are nothing but blanks.
int trailing_line_ends(std::string_view piece, int before) {
  for (const char byte : piece) {
    if (byte == '\n')
      ++before;
    else if (byte != ' ' && byte != '\r')
      before = 0;
  }
  return before;
}

/// Nothing but blanks and line ends, one at least.
bool is_line_end(std::string_view piece) {
  return piece.find_first_not_of(" \r\n") == std::string_view::npos &&
         piece.find('\n') != std::string_view::npos;
}

/// Where the last word of a line begins: a token with a blank before it, not the first of the line.
/// Nothing when there is none.
std::optional<size_t> last_word(const TokenText& tokens, const TextLine& line) {
  for (size_t t = line.tokens(); t-- > 1;) {
    const std::string_view piece = tokens.piece(Position(line.first.index() + t));
    if (piece.size() > 1 && piece[0] == ' ') return t;
  }
  return std::nullopt;
}

/// Moves the last word of the line before the last one to the last one, which is empty, if it has
/// `room`. Returns its width.
double take_word_along(const TokenText& tokens, std::vector<TextLine>& lines, double room,
                       const WidthOf& width_of) {
  TextLine& before = lines[lines.size() - 2];
  const std::optional<size_t> word = last_word(tokens, before);
  if (!word) return 0;
  // The blank before the first word of a line would indent it.
  const int from = before.start[*word] + 1;
  const QString text = before.text.mid(from);
  const double width = width_of(text);
  if (width > room) return 0;
  TextLine& line = lines.back();
  line.first = Position(before.first.index() + *word);
  line.text = text;
  for (size_t t = *word + 1; t < before.start.size(); ++t)
    line.start.push_back(before.start[t] - from);
  before.text.truncate(from - 1);
  before.start.resize(*word + 1);
  return width;
}

}  // namespace

QString shown_piece(std::string_view piece) {
  if (piece.empty() || !is_utf8(piece)) return as_hex(piece);
  QString text = QString::fromUtf8(piece.data(), static_cast<int>(piece.size()));
  for (QChar& character : text) {
    if (character == QLatin1Char('\n'))
      character = kNewlineSign;
    else if (character == QLatin1Char('\t'))
      character = kTabSign;
    else if (character == QLatin1Char('\r'))
      character = kReturnSign;
    else if (character == QLatin1Char(' '))
      character = QChar(0x00a0);
    else if (!character.isPrint() && !character.isSurrogate())
      character = QChar(0x2022);
  }
  return text;
}

QString quoted_piece(std::string_view piece, int longest) {
  QString text = shown_piece(piece);
  const QString bare = text.trimmed();
  if (!bare.isEmpty()) text = bare;
  if (text.size() > longest) {
    text.truncate(longest - 1);
    if (text.at(text.size() - 1).isHighSurrogate()) text.chop(1);
    text += QChar(0x2026);
  }
  return QChar(0x201c) + text + QChar(0x201d);
}

std::vector<TextLine> flow_text(const TokenText& tokens, double width, const WidthOf& width_of) {
  return flow_text(tokens, Position(0), Position(tokens.id.size()), width, width_of);
}

std::vector<uint32_t> text_blocks(const TokenText& tokens, uint32_t fewest, uint32_t most) {
  std::vector<uint32_t> starts;
  int line_ends = 0;
  for (uint32_t p = 0; p < tokens.id.size(); ++p) {
    const std::string_view piece = tokens.piece(Position(p));
    const bool paragraph = line_ends >= 2 && !is_line_end(piece);
    const uint32_t length = starts.empty() ? 0 : p - starts.back();
    if (starts.empty() || (paragraph && length >= fewest) || length >= most) starts.push_back(p);
    line_ends = trailing_line_ends(piece, line_ends);
  }
  return starts;
}

std::vector<TextLine> flow_text(const TokenText& tokens, Position first, Position end, double width,
                                const WidthOf& width_of) {
  std::vector<TextLine> lines;
  QHash<QString, double> widths;
  double used = 0;
  int line_ends = 0;
  for (uint32_t p = first.value; p < end.value; ++p) {
    const std::string_view piece = tokens.piece(Position(p));
    const QString text = shown_piece(piece);
    auto known = widths.find(text);
    if (known == widths.end()) known = widths.insert(text, width_of(text));
    const bool ends_lines = is_line_end(piece);
    const bool paragraph = lines.empty() || (line_ends >= 2 && !ends_lines);
    if (paragraph || used + *known > width) {
      lines.push_back({Position(p), {}, {0}});
      const bool within_word = !paragraph && !ends_lines && !piece.starts_with(' ');
      used = within_word ? take_word_along(tokens, lines, width - *known, width_of) : 0;
    }
    line_ends = trailing_line_ends(piece, line_ends);
    TextLine& line = lines.back();
    // The blank before the first word of a line would indent it.
    const bool leading = line.text.isEmpty() && text.size() > 1 && text[0] == QChar(0x00a0);
    line.text += leading ? text.mid(1) : text;
    line.start.push_back(line.text.size());
    used += *known;
  }
  return lines;
}

size_t line_of(const std::vector<TextLine>& lines, Position position) {
  const auto after =
      std::upper_bound(lines.begin(), lines.end(), position,
                       [](Position wanted, const TextLine& line) { return wanted < line.first; });
  return after == lines.begin() ? 0 : static_cast<size_t>(after - lines.begin()) - 1;
}

std::vector<Position> find_text(const TokenText& tokens, const QString& wanted) {
  std::vector<Position> found;
  if (wanted.isEmpty()) return found;
  const QTextCodec* const codec = QTextCodec::codecForName("UTF-8");
  QTextCodec::ConverterState state(QTextCodec::IgnoreHeader);
  QString text;
  std::vector<int> start;
  for (uint32_t p = 0; p < tokens.id.size(); ++p) {
    // A character whose bytes lie in several pieces belongs to the one that begins it.
    const bool within = state.remainingChars > 0;
    const std::string_view piece = tokens.piece(Position(p));
    const QString more = codec->toUnicode(piece.data(), static_cast<int>(piece.size()), &state);
    const int carried = !within || more.isEmpty() ? 0 : more[0].isHighSurrogate() ? 2 : 1;
    start.push_back(text.size() + (within && more.isEmpty() ? 1 : carried));
    text += more;
  }
  for (int at = text.indexOf(wanted, 0, Qt::CaseInsensitive); at >= 0;
       at = text.indexOf(wanted, at + 1, Qt::CaseInsensitive)) {
    const auto after = std::upper_bound(start.begin(), start.end(), at);
    const Position position(static_cast<size_t>(after - start.begin()) - 1);
    if (found.empty() || found.back() != position) found.push_back(position);
  }
  return found;
}

}  // namespace dendrokv
