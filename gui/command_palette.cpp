#include "gui/command_palette.h"

#include <QKeyEvent>
#include <QMenu>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QTimer>
#include <QVBoxLayout>
#include <algorithm>

#include "gui/destinations.h"
#include "gui/style.h"

namespace dendrokv {
namespace {

constexpr int kWidth = 560, kHeight = 420;
enum Roles { kAction = Qt::UserRole, kGroup, kKeys };

/// Name at the left, its menu behind it, keys at the right.
class CommandDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override {
    QStyleOptionViewItem bare = option;
    initStyleOption(&bare, index);
    const QString name = bare.text;
    bare.text.clear();
    const QWidget* widget = option.widget;
    widget->style()->drawControl(QStyle::CE_ItemViewItem, &bare, painter, widget);
    const bool chosen = option.state & QStyle::State_Selected;
    const QRect box = option.rect.adjusted(12, 0, -12, 0);
    const auto ink = [&](QPalette::ColorRole role) {
      return option.palette.color(chosen ? QPalette::HighlightedText : role);
    };
    painter->setFont(body_font());
    painter->setPen(ink(QPalette::Text));
    painter->drawText(box, Qt::AlignLeft | Qt::AlignVCenter, name);
    const int used = QFontMetrics(body_font()).horizontalAdvance(name) + 12;
    painter->setFont(small_font());
    painter->setPen(ink(QPalette::PlaceholderText));
    painter->drawText(box.adjusted(used, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter,
                      index.data(kGroup).toString());
    painter->drawText(box, Qt::AlignRight | Qt::AlignVCenter, index.data(kKeys).toString());
  }
  QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
    return {100, static_cast<int>(scaled(28))};
  }
};

QString keys_text(const QAction& action) {
  QStringList keys;
  for (const QKeySequence& key : action.shortcuts()) keys << key.toString(QKeySequence::NativeText);
  return keys.join(QStringLiteral(", "));
}

}  // namespace

int palette_score(const QString& typed, const QString& name) {
  int score = 1, at = 0, last = -2;
  for (const QChar wanted : typed) {
    if (wanted.isSpace()) continue;
    const int found = name.indexOf(wanted, at, Qt::CaseInsensitive);
    if (found < 0) return 0;
    const bool word = found == 0 || !name[found - 1].isLetterOrNumber();
    score += 1 + (word ? 4 : 0) + (found == last + 1 ? 3 : 0);
    last = found;
    at = found + 1;
  }
  if (name.contains(typed.trimmed(), Qt::CaseInsensitive)) score += 20;
  return score;
}

std::vector<QAction*> palette_actions(const QWidget& window) {
  std::vector<QAction*> actions;
  for (QAction* action : window.findChildren<QAction*>()) {
    const bool of_qt = action->objectName().startsWith(QLatin1String("_q_"));
    if (!action->menu() && !action->isSeparator() && !action->text().isEmpty() && !of_qt)
      actions.push_back(action);
  }
  return actions;
}

CommandPalette::CommandPalette(std::vector<QAction*> actions, QWidget* parent)
    : QDialog(parent), actions_(std::move(actions)) {
  setWindowTitle(QStringLiteral("Commands"));
  resize(static_cast<int>(scaled(kWidth)), kHeight);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kGutter, kGutter, kGutter, kGutter);
  layout->setSpacing(8);
  line_ = new QLineEdit(this);
  line_->setPlaceholderText(QStringLiteral("a command, or a place: 120k, step 40, 14.2"));
  line_->setAccessibleName(QStringLiteral("command or place"));
  line_->installEventFilter(this);
  layout->addWidget(line_);
  list_ = new QListWidget(this);
  list_->setItemDelegate(new CommandDelegate(list_));
  list_->setAccessibleName(QStringLiteral("commands that fit"));
  list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  layout->addWidget(list_, 1);
  connect(line_, &QLineEdit::textChanged, this, [this] { fill(); });
  connect(line_, &QLineEdit::returnPressed, this, [this] { run(); });
  connect(list_, &QListWidget::itemActivated, this, [this] { run(); });
  fill();
  line_->setFocus();
}

void CommandPalette::fill() {
  std::vector<std::pair<int, QAction*>> fitting;
  for (QAction* action : actions_) {
    const QString group = action->property("group").toString();
    const int score =
        std::max(palette_score(line_->text(), action->text()),
                 palette_score(line_->text(), group + QLatin1Char(' ') + action->text()) - 6);
    if (score > 0) fitting.emplace_back(score, action);
  }
  std::stable_sort(fitting.begin(), fitting.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  list_->clear();
  for (const auto& [score, action] : fitting) {
    auto* item = new QListWidgetItem(action->text(), list_);
    item->setData(kAction, QVariant::fromValue(static_cast<QObject*>(action)));
    item->setData(kGroup, action->property("group"));
    item->setData(kKeys, keys_text(*action));
    item->setToolTip(action->toolTip());
    if (!action->isEnabled()) item->setFlags(Qt::NoItemFlags);
  }
  if (list_->count() > 0) list_->setCurrentRow(0);
}

QStringList CommandPalette::shown() const {
  QStringList names;
  for (int row = 0; row < list_->count(); ++row) names << list_->item(row)->text();
  return names;
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::KeyPress) {
    const int key = static_cast<QKeyEvent*>(event)->key();
    const int by = key == Qt::Key_Down ? 1 : key == Qt::Key_Up ? -1 : 0;
    if (by != 0 && list_->count() > 0) {
      list_->setCurrentRow((list_->currentRow() + by + list_->count()) % list_->count());
      return true;
    }
  }
  return QDialog::eventFilter(watched, event);
}

void CommandPalette::run() {
  const QString typed = line_->text();
  if (parse_destination(typed)) {
    accept();
    Q_EMIT went_to(typed);
    return;
  }
  const QListWidgetItem* const item = list_->currentItem();
  if (!item) return;
  auto* action = qobject_cast<QAction*>(item->data(kAction).value<QObject*>());
  accept();
  // After the palette is gone: the command may open a dialog of its own.
  if (action) QTimer::singleShot(0, action, &QAction::trigger);
}

}  // namespace dendrokv
