#include "gui/inspection.h"

#include <QStringList>

#include "gui/style.h"

namespace dendrokv {

Entry fact(const QString& label, const QString& value) {
  return {EntryKind::Fact, label, {}, value, {}, 0};
}

Entry note(const QString& text) {
  return {EntryKind::Note, text, {}, {}, {}, 0};
}

Entry share(const QString& label, uint64_t part, uint64_t whole) {
  return {EntryKind::Share,
          label,
          {},
          with_number("%1 of ", part) + grouped(whole),
          {},
          static_cast<double>(part) / static_cast<double>(std::max<uint64_t>(whole, 1))};
}

QString with_number(const char* text, uint64_t number) {
  return QString::fromUtf8(text).arg(grouped(number));
}

QString percent(double fraction) {
  return QStringLiteral("%1 %").arg(100 * fraction, 0, 'f', 1);
}

QString place_name(TokenState state) {
  switch (state.place) {
    case Place::NotYet:
      return QStringLiteral("not read yet");
    case Place::Evicted:
      return QStringLiteral("evicted");
    case Place::Sink:
      return QStringLiteral("sinks");
    case Place::Recent:
      return QStringLiteral("recent window");
    case Place::Tree:
      break;
  }
  static const char* const kWins[] = {"not yet compared", "won once", "won twice"};
  const QString wins = state.level < 3 ? QString::fromUtf8(kWins[state.level])
                                       : QStringLiteral("won %1 times").arg(state.level);
  return QStringLiteral("level %1 · ").arg(state.level) + wins;
}

QString as_text(const Inspection& inspection) {
  QStringList lines;
  lines << inspection.card.title
        << inspection.card.token + QLatin1Char('\t') + inspection.card.place;
  for (const Section& section : inspection.sections) {
    if (!section.title.isEmpty()) lines << QString() << section.title;
    for (const Entry& entry : section.entries) {
      QStringList cells = {entry.label, entry.middle, entry.value};
      cells.removeAll(QString());
      lines << cells.join(QLatin1Char('\t'));
    }
  }
  return lines.join(QLatin1Char('\n'));
}

}  // namespace dendrokv
