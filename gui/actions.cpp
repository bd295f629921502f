#include "gui/actions.h"

#include <QAction>
#include <QMenu>
#include <map>

#include "gui/file_actions.h"
#include "gui/key_bindings.h"
#include "gui/main_window.h"

namespace dendrokv {
namespace {

QList<QKeySequence> keys_of(std::string_view text) {
  QList<QKeySequence> keys;
  if (text.empty()) return keys;
  for (const QString& key : to_qt(text).split(QStringLiteral(" | "))) keys << QKeySequence(key);
  return keys;
}

/// "Save workspace as…" -> "file.save_workspace_as"
QString slug(const QString& group, const QString& text) {
  QString name;
  for (const QChar letter : (group + QLatin1Char('.') + text).toLower())
    name += letter.isLetterOrNumber() || letter == QLatin1Char('.') ? letter : QLatin1Char('_');
  while (name.endsWith(QLatin1Char('_'))) name.chop(1);
  return name;
}

void give_place(QAction& action, const QString& group) {
  action.setProperty("group", group);
  action.setObjectName(slug(group, action.text()));
}

/// Submenus by name, made when they are first asked for.
class Menus {
 public:
  Menus(MainWindow& window, QMenu& top) : window_(window), top_(top) {}

  QAction* add(const QString& group, const QString& text, const QList<QKeySequence>& keys,
               std::function<void()> run) {
    auto* action = new QAction(text, &window_);
    set_standard_keys(*action, keys);
    give_place(*action, group);
    QObject::connect(action, &QAction::triggered, &window_, std::move(run));
    window_.addAction(action);
    menu(group)->addAction(action);
    return action;
  }
  QMenu* menu(const QString& group) {
    QMenu*& found = menus_[group];
    if (!found) {
      found = top_.addMenu(group);
      found->setObjectName(QStringLiteral("menu_") + group.toLower());
      found->menuAction()->setObjectName(slug(QStringLiteral("menu"), group));
    }
    return found;
  }

 private:
  MainWindow& window_;
  QMenu& top_;
  std::map<QString, QMenu*> menus_;
};

void toggle_view(MainWindow& window, const ViewRow& row) {
  ViewDeck& deck = window.deck();
  deck.set_visibility(row.name, deck.shows(row.name) ? Visibility::Hidden : Visibility::Shown);
}

/// Of each view: there or not, alone (the first nine have a digit), and as a picture.
void add_view_actions(MainWindow& window, Menus& menus) {
  int number = 0;
  for (const ViewRow& row : view_table()) {
    const QString title = to_qt(row.title);
    QAction* shown = menus.add(QStringLiteral("Views"), title, {},
                               [&window, &row] { toggle_view(window, row); });
    shown->setCheckable(true);
    shown->setToolTip(to_qt(row.summary));
    QObject::connect(&window.deck(), &ViewDeck::visibility_changed, shown,
                     [&window, &row, shown] { shown->setChecked(window.deck().shows(row.name)); });
    shown->setChecked(window.deck().shows(row.name));
    const QString digit = ++number <= 9 ? QString::number(number) : QString();
    menus.add(QStringLiteral("Only one view"), QStringLiteral("Only ") + title,
              digit.isEmpty() ? QList<QKeySequence>() : QList<QKeySequence>{QKeySequence(digit)},
              [&window, &row] { window.show_only(row.name); });
    QAction* picture = menus.add(QStringLiteral("Pictures"),
                                 QStringLiteral("Save picture of ") + title + QStringLiteral("…"),
                                 {}, [&window, &row] { save_view(window, row); });
    window.view(row.name)->addAction(picture);
    window.view(row.name)->addActions(menus.menu(QStringLiteral("Panel"))->actions());
    window.view(row.name)->setContextMenuPolicy(Qt::ActionsContextMenu);
  }
}

/// What views made for menus of their own.
void name_foreign_actions(MainWindow& window) {
  for (const ViewRow& row : view_table())
    for (QAction* action : window.view(row.name)->findChildren<QAction*>())
      if (action->objectName().isEmpty() && !action->text().isEmpty())
        give_place(*action, to_qt(row.title));
}

}  // namespace

void add_actions(MainWindow& window) {
  auto* top = new QMenu(&window);
  top->setObjectName(QStringLiteral("menu"));
  top->menuAction()->setObjectName(QStringLiteral("menu"));
  Menus menus(window, *top);
  for (const ActionRow& row : action_table())
    menus.add(to_qt(row.menu), to_qt(row.text), keys_of(row.key),
              [&window, run = row.run] { run(window); });
  add_view_actions(window, menus);
  name_foreign_actions(window);
  menus.menu(QStringLiteral("Recent files"));
  window.controls().menu_button()->setMenu(top);
  fill_recent(window);
}

void fill_recent(MainWindow& window) {
  auto* menu = window.findChild<QMenu*>(QStringLiteral("menu_recent files"));
  for (QAction* action : menu->actions()) delete action;
  for (const Recent::Files& files : window.recent().opened) {
    QString text = QString::fromStdString(files.front().string());
    if (files.size() > 1) text += QStringLiteral(" + %1").arg(files.size() - 1);
    auto* action = new QAction(text, menu);
    give_place(*action, QStringLiteral("Recent files"));
    action->setProperty("passing", true);
    QObject::connect(action, &QAction::triggered, &window,
                     [&window, files] { window.open(files); });
    menu->addAction(action);
  }
  menu->menuAction()->setVisible(!menu->isEmpty());
}

}  // namespace dendrokv
