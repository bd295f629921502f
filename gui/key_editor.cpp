#include "gui/key_editor.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QVBoxLayout>

#include "data/error.h"
#include "gui/style.h"

namespace dendrokv {
namespace {

constexpr int kWidth = 640, kHeight = 560;
constexpr int kAction = Qt::UserRole;
enum Column { kCommand, kMenu, kKeys };

}  // namespace

KeyEditor::KeyEditor(std::vector<QAction*> actions, std::optional<std::filesystem::path> file,
                     QWidget* parent)
    : QDialog(parent),
      bindings_(actions),
      file_(std::move(file)),
      filter_(new QLineEdit(this)),
      list_(new QTreeWidget(this)),
      key_(new QKeySequenceEdit(this)),
      message_(new QLabel(this)) {
  setWindowTitle(QStringLiteral("Change keys"));
  resize(static_cast<int>(scaled(kWidth)), kHeight);
  build();
  connect(filter_, &QLineEdit::textChanged, this, [this] { fill(); });
  connect(list_, &QTreeWidget::currentItemChanged, this, [this] { show_keys(); });
  fill();
}

void KeyEditor::build() {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPadding, kPadding, kPadding, kPadding);
  filter_->setPlaceholderText(QStringLiteral("a command or a key"));
  filter_->setAccessibleName(QStringLiteral("commands to show"));
  filter_->setClearButtonEnabled(true);
  list_->setHeaderLabels(
      {QStringLiteral("command"), QStringLiteral("menu"), QStringLiteral("keys")});
  list_->setAccessibleName(QStringLiteral("commands and their keys"));
  list_->setRootIsDecorated(false);
  list_->setUniformRowHeights(true);
  list_->header()->setSectionResizeMode(kCommand, QHeaderView::Stretch);
  list_->header()->setSectionResizeMode(kMenu, QHeaderView::ResizeToContents);
  list_->header()->setSectionResizeMode(kKeys, QHeaderView::ResizeToContents);
  list_->header()->setStretchLastSection(false);
  key_->setAccessibleName(QStringLiteral("new key"));
  message_->setWordWrap(true);
  message_->setAccessibleName(QStringLiteral("what happened"));
  auto* line = new QHBoxLayout;
  auto* label = new QLabel(QStringLiteral("new key"), this);
  line->addWidget(label);
  line->addWidget(key_, 1);
  of_one_ = {button(QStringLiteral("Set"), &KeyEditor::assign),
             button(QStringLiteral("Add"), &KeyEditor::add),
             button(QStringLiteral("No key"), &KeyEditor::clear),
             button(QStringLiteral("Usual key"), &KeyEditor::restore)};
  for (QPushButton* one : of_one_) line->addWidget(one);
  auto* last = new QHBoxLayout;
  last->addWidget(message_, 1);
  last->addWidget(button(QStringLiteral("All usual keys"), &KeyEditor::restore_all));
  auto* close = new QPushButton(QStringLiteral("Close"), this);
  close->setAutoDefault(false);
  connect(close, &QPushButton::clicked, this, &QDialog::accept);
  last->addWidget(close);
  layout->addWidget(filter_);
  layout->addWidget(list_, 1);
  layout->addLayout(line);
  layout->addLayout(last);
}

QPushButton* KeyEditor::button(const QString& text, QString (KeyEditor::*act)()) {
  auto* made = new QPushButton(text, this);
  // Return is a key that may be wanted, not a press of the first button.
  made->setAutoDefault(false);
  connect(made, &QPushButton::clicked, this, [this, act, text] {
    const QString name = chosen() ? chosen()->text() : QString();
    apply((this->*act)(), name.isEmpty() ? text : name + QStringLiteral(": ") + text);
  });
  return made;
}

QAction* KeyEditor::chosen() const {
  const QTreeWidgetItem* const item = list_->currentItem();
  return item ? qobject_cast<QAction*>(item->data(kCommand, kAction).value<QObject*>()) : nullptr;
}

void KeyEditor::fill() {
  const QAction* const before = chosen();
  list_->clear();
  for (QAction* action : bindings_.actions()) {
    const QString menu = action->property("group").toString(), keys = keys_in_words(*action);
    const QString row = action->text() + QLatin1Char(' ') + menu + QLatin1Char(' ') + keys;
    if (!row.contains(filter_->text().trimmed(), Qt::CaseInsensitive)) continue;
    auto* item = new QTreeWidgetItem(list_, {action->text(), menu, keys});
    item->setData(kCommand, kAction, QVariant::fromValue(static_cast<QObject*>(action)));
    if (!bindings_.is_standard(*action)) {
      QFont changed = list_->font();
      changed.setBold(true);
      item->setFont(kKeys, changed);
      item->setToolTip(kKeys, QStringLiteral("not the usual key"));
    }
    if (action == before) list_->setCurrentItem(item);
  }
  show_keys();
}

void KeyEditor::show_keys() {
  const QAction* const action = chosen();
  for (QPushButton* one : of_one_) one->setEnabled(action != nullptr);
  key_->setEnabled(action != nullptr);
  key_->clear();
}

bool KeyEditor::choose(const QString& name) {
  for (int row = 0; row < list_->topLevelItemCount(); ++row) {
    QTreeWidgetItem* const item = list_->topLevelItem(row);
    if (item->data(kCommand, kAction).value<QObject*>()->objectName() != name) continue;
    list_->setCurrentItem(item);
    return true;
  }
  return false;
}

QString KeyEditor::assign() {
  return bindings_.assign(*chosen(), key_->keySequence());
}

QString KeyEditor::add() {
  return bindings_.add(*chosen(), key_->keySequence());
}

QString KeyEditor::clear() {
  bindings_.clear(*chosen());
  return {};
}

QString KeyEditor::restore() {
  return bindings_.restore(*chosen());
}

QString KeyEditor::restore_all() {
  bindings_.restore_all();
  return {};
}

void KeyEditor::apply(const QString& problem, const QString& done) {
  message_->setText(problem.isEmpty() ? done : problem);
  if (!problem.isEmpty()) return;
  fill();
  try {
    if (file_) write_keys(*file_, bindings_.changed());
  } catch (const Error& error) {
    message_->setText(QStringLiteral("Not written: ") + QString::fromUtf8(error.what()));
  }
}

}  // namespace dendrokv
