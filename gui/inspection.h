#pragma once
// What the side panel says, as text and numbers: sections of entries, without a window.

#include <QString>
#include <optional>
#include <vector>

#include "gui/lane_state.h"

namespace dendrokv {

enum class EntryKind {
  Fact,    // label left, value right
  Link,    // one token of a chain: swatch, text, place, until when
  Duel,    // how the token above it lost: scores and margin
  Share,   // a fact with a bar of `fraction`
  Legend,  // swatch, label, count
  Note,    // a sentence
};

struct Entry {
  EntryKind kind = EntryKind::Fact;
  QString label, middle, value;
  std::optional<TokenState> state;  // gives the swatch its colour and mark
  double fraction = 0;
};

struct Section {
  QString title;
  std::vector<Entry> entries;
};

/// The token that the panel is about.
struct Card {
  QString title;  // "Why was it evicted?"
  QString token;  // in quotes; empty when no token is chosen
  QString place;  // "position 130"
};

struct Inspection {
  Card card;
  std::vector<Section> sections;
};

Entry fact(const QString& label, const QString& value);
Entry note(const QString& text);
/// A bar of `part` of `whole`, and "3 of 90" beside it.
Entry share(const QString& label, uint64_t part, uint64_t whole);
/// "%1" of a text as a grouped number.
QString with_number(const char* text, uint64_t number);
QString percent(double fraction);
/// "sinks", "recent window", "level 2 · won twice" ...
QString place_name(TokenState state);
/// The same as lines of text with tabs.
QString as_text(const Inspection& inspection);

}  // namespace dendrokv
