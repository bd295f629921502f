#include "gui/notes_panel.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QScopedValueRollback>
#include <QVBoxLayout>

#include "data/error.h"
#include "gui/text_layout.h"

namespace dendrokv {
namespace {

/// "“tide” 3" or "“tide” … “four” 3–7", and the first line of what is written on it.
QString line_of(const Note& note, const TokenText& tokens) {
  QString text = quoted_piece(tokens.piece(note.range.first), 12);
  if (note.range.last != note.range.first)
    text += QStringLiteral(" … ") + quoted_piece(tokens.piece(note.range.last), 12);
  text += QStringLiteral("  ") + grouped(note.range.first.value);
  if (note.range.last != note.range.first)
    text += QStringLiteral("–") + grouped(note.range.last.value);
  const QString words = note.text.section(QLatin1Char('\n'), 0, 0).left(40);
  return words.isEmpty() ? text : words + QStringLiteral("  ·  ") + text;
}

}  // namespace

NotesPanel::NotesPanel(Workspace& workspace, NotesModel& notes, QWidget* parent)
    : QFrame(parent), workspace_(workspace), notes_(notes) {
  setObjectName(QStringLiteral("notes"));
  build();
  connect(&notes, &NotesModel::changed, this, [this] { fill(); });
  connect(list_, &QListWidget::currentRowChanged, this, [this] {
    if (!filling_) show_chosen();
  });
  connect(text_, &QPlainTextEdit::textChanged, this, [this] {
    if (!filling_) write_text();
  });
  connect(add_, &QPushButton::clicked, this, [this] { add_note(); });
  connect(remove_, &QPushButton::clicked, this,
          [this] { guarded([this] { notes_.remove(chosen()); }); });
}

void NotesPanel::build() {
  auto* layout = new QVBoxLayout(this);
  // Within the margins that the style sheet leaves around the panel.
  layout->setContentsMargins(kPadding, kGutter + 10, kPadding + kGutter, kPadding + kGutter);
  layout->setSpacing(8);
  auto* title = new QLabel(QStringLiteral("Notes"), this);
  title->setFont(title_font());
  list_ = new QListWidget(this);
  list_->setAccessibleName(QStringLiteral("notes"));
  list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  text_ = new QPlainTextEdit(this);
  text_->setAccessibleName(QStringLiteral("text of the note"));
  text_->setPlaceholderText(QStringLiteral("what is worth knowing about it"));
  text_->setTabChangesFocus(true);
  text_->setMaximumHeight(90);
  add_ = new QPushButton(QStringLiteral("Add"), this);
  remove_ = new QPushButton(QStringLiteral("Remove"), this);
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(add_);
  buttons->addWidget(remove_);
  buttons->addStretch(1);
  layout->addWidget(title);
  layout->addWidget(list_, 1);
  layout->addWidget(text_);
  layout->addLayout(buttons);
  setMinimumHeight(200);
  fill();
}

template <class Change>
void NotesPanel::guarded(const Change& change) {
  try {
    change();
  } catch (const Error& error) {
    Q_EMIT failed(QString::fromUtf8(error.what()));
  }
}

const Note* NotesPanel::note(const QString& id) const {
  for (const Note& note : notes_.notes())
    if (note.id == id) return &note;
  return nullptr;
}

QString NotesPanel::chosen() const {
  const QListWidgetItem* const item = list_->currentItem();
  return item ? item->data(Qt::UserRole).toString() : QString();
}

void NotesPanel::fill() {
  const QScopedValueRollback<bool> guard(filling_, true);
  const QString before = chosen();
  const Content* const content = workspace_.document.content();
  list_->clear();
  workspace_.marks.notes = notes_.notes();
  if (content)
    for (const Note& note : notes_.notes()) {
      if (note.range.last.value >= content->info.tokens) continue;
      auto* item = new QListWidgetItem(line_of(note, content->tokens), list_);
      item->setData(Qt::UserRole, note.id);
      item->setToolTip(note.text);
      if (note.id == before) list_->setCurrentItem(item);
    }
  const Note* const now = note(chosen());
  if (!text_->hasFocus() || !now) text_->setPlainText(now ? now->text : QString());
  text_->setEnabled(now != nullptr);
  remove_->setEnabled(now != nullptr);
}

void NotesPanel::show_chosen() {
  const QScopedValueRollback<bool> guard(filling_, true);
  const Note* const now = note(chosen());
  text_->setPlainText(now ? now->text : QString());
  text_->setEnabled(now != nullptr);
  remove_->setEnabled(now != nullptr);
  if (now) look_at(*now);
}

void NotesPanel::look_at(const Note& note) {
  workspace_.selection.change([&note](Selection& wanted) {
    wanted.position = note.range.first;
    wanted.range = note.range;
    const uint32_t end = wanted.first_visible.value + wanted.visible;
    if (note.range.first < wanted.first_visible || note.range.first.value >= end)
      wanted.first_visible =
          Position(note.range.first.value - std::min(note.range.first.value, wanted.visible / 3));
  });
}

void NotesPanel::write_text() {
  const QString id = chosen();
  guarded([&] { notes_.set_text(id, text_->toPlainText()); });
}

void NotesPanel::add_note() {
  const Selection& now = workspace_.selection.now();
  if (!workspace_.document.content() || (!now.range && !now.position)) return;
  const PositionRange range = now.range ? *now.range : PositionRange{*now.position, *now.position};
  const std::vector<Note> before = notes_.notes();
  guarded([&] { notes_.add(range, {}); });
  for (int row = 0; row < list_->count(); ++row) {
    const QString id = list_->item(row)->data(Qt::UserRole).toString();
    const bool known = std::any_of(before.begin(), before.end(),
                                   [&id](const Note& note) { return note.id == id; });
    if (!known) list_->setCurrentRow(row);
  }
  text_->setFocus();
}

void NotesPanel::go(int direction) {
  const Note* const next = notes_.neighbour(workspace_.selection.now().position, direction);
  if (!next) return;
  for (int row = 0; row < list_->count(); ++row)
    if (list_->item(row)->data(Qt::UserRole).toString() == next->id) {
      const Note target = *next;
      list_->setCurrentRow(row);
      look_at(target);
      return;
    }
}

}  // namespace dendrokv
