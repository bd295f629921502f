#include "gui/search.h"

#include <QRegularExpression>
#include <algorithm>

#include "gui/style.h"

namespace dendrokv {
namespace {

/// All pieces as one text. `start[i]` is where token i begins; start.back() is the length. A
/// character whose bytes are cut between tokens belongs to the token that ends it.
struct Decoded {
  QString text;
  std::vector<int> start;

  /// The tokens of [from, to).
  PositionRange tokens(int from, int to) const {
    const auto token_at = [this](int place) {
      const auto after = std::upper_bound(start.begin(), start.end() - 1, place);
      return Position(static_cast<size_t>(after - start.begin()) - 1);
    };
    return {token_at(from), token_at(to - 1)};
  }
};

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

Decoded decoded(const TokenText& tokens) {
  Decoded all;
  const QByteArray bytes(tokens.bytes.data(), static_cast<int>(tokens.bytes.size()));
  size_t from = 0;
  for (size_t i = 0; i < tokens.id.size(); ++i) {
    all.start.push_back(all.text.size());
    size_t end = tokens.offset[i + 1];
    // Bytes of a character that goes on in the next token wait for it.
    if (end < tokens.bytes.size() && continues_character(tokens.bytes[end])) {
      while (end > from && continues_character(tokens.bytes[end - 1])) --end;
      if (end > from) --end;
    }
    all.text += QString::fromUtf8(bytes.constData() + from, static_cast<int>(end - from));
    from = end;
  }
  all.start.push_back(all.text.size());
  return all;
}

void find_pattern(const Decoded& all, const QRegularExpression& pattern, SearchResult& result) {
  QRegularExpressionMatchIterator matches = pattern.globalMatch(all.text);
  while (matches.hasNext() && result.hits.size() < kMostHits) {
    const QRegularExpressionMatch match = matches.next();
    if (match.capturedLength() > 0)
      result.hits.push_back(all.tokens(match.capturedStart(), match.capturedEnd()));
  }
}

void find_literal(const Decoded& all, const QString& wanted, SearchResult& result) {
  for (int at = all.text.indexOf(wanted, 0, Qt::CaseInsensitive);
       at >= 0 && result.hits.size() < kMostHits;
       at = all.text.indexOf(wanted, at + 1, Qt::CaseInsensitive))
    result.hits.push_back(all.tokens(at, at + wanted.size()));
}

/// The first token of a passage to leave a lane: the step; -1 = none of them left.
int32_t first_loss(std::span<const int32_t> evicted, PositionRange needle) {
  int32_t first = -1;
  for (uint32_t p = needle.first.value; p <= needle.last.value; ++p)
    if (evicted[p] >= 0 && (first < 0 || evicted[p] < first)) first = evicted[p];
  return first;
}

QString lanes_word(const Run& run) {
  switch (run.lane_kind) {
    case LaneKind::PerKvHead:
      return QStringLiteral("KV heads");
    case LaneKind::PerQueryHead:
      return QStringLiteral("heads");
    case LaneKind::PerLayer:
      return QStringLiteral("layers");
  }
  return {};
}

}  // namespace

SearchQuery parse_query(const QString& typed) {
  if (typed.size() > 2 && typed.startsWith(QLatin1Char('/')) && typed.endsWith(QLatin1Char('/')))
    return {SearchKind::Pattern, typed.mid(1, typed.size() - 2), 0};
  if (typed.startsWith(QLatin1Char('#'))) {
    bool number = false;
    const int32_t id = typed.mid(1).toInt(&number);
    if (number) return {SearchKind::Id, typed, id};
  }
  return {SearchKind::Text, typed, 0};
}

SearchResult search_tokens(const TokenText& tokens, const SearchQuery& query) {
  SearchResult result;
  if (query.text.isEmpty()) return result;
  if (query.kind == SearchKind::Id) {
    for (size_t p = 0; p < tokens.id.size() && result.hits.size() < kMostHits; ++p)
      if (tokens.id[p] == query.id) result.hits.push_back({Position(p), Position(p)});
    return result;
  }
  if (query.kind == SearchKind::Text) {
    find_literal(decoded(tokens), query.text, result);
    return result;
  }
  const QRegularExpression pattern(query.text, QRegularExpression::CaseInsensitiveOption |
                                                   QRegularExpression::UseUnicodePropertiesOption |
                                                   QRegularExpression::MultilineOption);
  if (pattern.isValid())
    find_pattern(decoded(tokens), pattern, result);
  else
    result.problem = pattern.errorString();
  return result;
}

NeedleStory needle_story(const Run& run, PositionRange needle, LaneId lane, Step step) {
  NeedleStory story;
  story.rows = needle.last.value - needle.first.value + 1;
  const auto now = static_cast<int32_t>(step.value);
  std::vector<int32_t> losses;
  for (const LaneId& id : all_lanes(run)) {
    const int32_t loss = first_loss(run.retention.evict_step(id.layer, id.lane), needle);
    if (loss >= 0 && loss <= now) losses.push_back(loss);
    if (id == lane && loss >= 0 && loss <= now) story.lost_here = Step(loss);
  }
  for (uint32_t p = needle.first.value; p <= needle.last.value; ++p)
    story.rows_here += run.retention.kept_after(lane.layer, lane.lane, Position(p), step);
  story.lanes = run.retention.layers() * run.retention.lanes();
  story.lost = static_cast<uint32_t>(losses.size());
  const size_t half = (story.lanes + size_t{1}) / 2;
  if (losses.size() >= half && half > 0) {
    std::nth_element(losses.begin(), losses.begin() + static_cast<ptrdiff_t>(half - 1),
                     losses.end());
    story.half_lost = Step(losses[half - 1]);
  }
  return story;
}

QString needle_text(const NeedleStory& story, const Run& run) {
  const QString here =
      story.lost_here ? QStringLiteral("kept until step %1").arg(grouped(story.lost_here->value))
                      : QStringLiteral("kept");
  if (story.lost == 0) return here + QStringLiteral(", lost nowhere");
  const double share = 100.0 * story.lost / story.lanes;
  // A share that is not quite none or all must not read as if it were.
  const int digits = share < 1 || (share > 99 && share < 100) ? 1 : 0;
  return here + QStringLiteral(", lost in %1 % of ").arg(share, 0, 'f', digits) + lanes_word(run);
}

}  // namespace dendrokv
