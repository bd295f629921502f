#include "gui/actions.h"

// How to add an action: a row below. The menu, the key and the key sheet read it from there; a test sees to it
// that no key is given twice.

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QFileDialog>
#include <QInputDialog>
#include <QMenu>
#include <algorithm>
#include <array>
#include <map>

#include "data/error.h"
#include "gui/export.h"
#include "gui/key_sheet.h"
#include "gui/main_window.h"
#include "gui/moves.h"
#include "gui/provenance.h"

namespace dendrokv {
namespace {

template <int kBy>
void move_step(MainWindow& window) {
  window.controls().move_step(kBy);
}

/// A change of the selection over the open document.
template <auto kMove, auto... kHow>
void moved(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  window.selection().change([content](Selection& wanted) { kMove(*content, wanted, kHow...); });
}
/// One that needs no document.
template <auto kMove, auto... kHow>
void changed(MainWindow& window) {
  window.selection().change([](Selection& wanted) { kMove(wanted, kHow...); });
}

void frame(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  Kinship& kinship = window.workspace().kinship;
  window.selection().change([&](Selection& wanted) { frame_or_fit(*content, kinship, wanted); });
}

/// From what is nearest to hand to what is farther: the field, the token, the range.
void let_go(MainWindow& window) {
  if (window.tour().isVisible()) return window.tour().leave();
  if (window.controls().leave_find()) return;
  window.selection().change([](Selection& wanted) {
    if (wanted.position)
      wanted.position.reset();
    else
      wanted.range.reset();
  });
}

void open_files(MainWindow& window) {
  const QStringList names =
      QFileDialog::getOpenFileNames(&window, QStringLiteral("Open a trace, with runs over it"), {},
                                    QStringLiteral("HDF5 files (*.h5);;All files (*)"));
  std::vector<std::filesystem::path> files;
  for (const QString& name : names) files.emplace_back(name.toStdString());
  if (!files.empty()) window.open(files);
}

void reload(MainWindow& window) {
  if (!window.files().empty()) window.open(window.files());
}

/// Runs a write and shows its error, if any.
template <class Write>
void guarded(MainWindow& window, const Write& write) {
  try {
    write();
  } catch (const Error& error) {
    window.notice().tell(QStringLiteral("Not written: ") + QString::fromUtf8(error.what()));
  }
}

void open_beside(MainWindow& window) {
  const QString name =
      QFileDialog::getOpenFileName(&window, QStringLiteral("Open another trace of the same text"),
                                   {}, QStringLiteral("Traces (*.h5);;All files (*)"));
  if (!name.isEmpty()) window.comparison().open_beside({name.toStdString()});
}

void save_workspace(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  guarded(window, [&] {
    const std::filesystem::path file = workspace_path(content->file);
    window.save_workspace(file);
    window.notice().tell(QStringLiteral("Saved as ") + QString::fromStdString(file.string()) +
                         QStringLiteral(": it opens with the trace."));
  });
}

void save_workspace_as(MainWindow& window) {
  if (!window.document().content()) return;
  const QString name = QFileDialog::getSaveFileName(&window, QStringLiteral("Save the workspace"),
                                                    {}, QStringLiteral("Workspaces (*.dendrokv)"));
  if (!name.isEmpty()) guarded(window, [&] { window.save_workspace(name.toStdString()); });
}

void restore_window(MainWindow& window) {
  window.open({last_window_path()});
}

void save_picture(MainWindow& window) {
  const QString name =
      QFileDialog::getSaveFileName(&window, QStringLiteral("Save the window as a picture"), {},
                                   QStringLiteral("Pictures (*.png *.svg *.pdf)"));
  if (!name.isEmpty()) guarded(window, [&] { render_window(window, name.toStdString()); });
}

void save_view(MainWindow& window, const ViewRow& row) {
  if (!window.document().content()) return;
  const QString name = QFileDialog::getSaveFileName(
      &window, QStringLiteral("Save ") + to_qt(row.title) + QStringLiteral(" as a picture"), {},
      QStringLiteral("Pictures (*.png *.svg *.pdf)"));
  if (!name.isEmpty()) guarded(window, [&] { render_view(window, row.name, name.toStdString()); });
}

void save_table(MainWindow& window) {
  if (!window.document().content()) return;
  const QString name =
      QFileDialog::getSaveFileName(&window, QStringLiteral("Save the state of every token"), {},
                                   QStringLiteral("Tables (*.csv)"));
  if (!name.isEmpty())
    guarded(window,
            [&] { write_csv(window.document(), window.selection().now(), name.toStdString()); });
}

void copy_command_line(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  QApplication::clipboard()->setText(
      command_line(window.files(), *content, window.selection().now(), QString()));
  window.notice().tell(QStringLiteral("Copied: ") + QApplication::clipboard()->text());
}

void next_theme(MainWindow& window) {
  const std::span<const Theme> themes = all_themes();
  const auto now = std::find(themes.begin(), themes.end(), window.workspace().style.theme);
  window.set_theme(now + 1 == themes.end() ? themes.front() : *(now + 1));
}

template <Theme kTheme>
void choose_theme(MainWindow& window) {
  window.set_theme(kTheme);
}

/// 0 = back to the normal size.
template <int kBy>
void change_font(MainWindow& window) {
  window.set_font_percent(kBy == 0 ? 100 : font_percent() + kBy);
}

void toggle_marks(MainWindow& window) {
  LevelMarks& marks = window.workspace().level_marks;
  marks = marks == LevelMarks::Show ? LevelMarks::Hide : LevelMarks::Show;
  window.refresh_views();
}

void toggle_full_screen(MainWindow& window) {
  window.setWindowState(window.windowState() ^ Qt::WindowFullScreen);
}

void ask_place(MainWindow& window) {
  bool given = false;
  const QString place =
      QInputDialog::getText(&window, QStringLiteral("Go to"),
                            QStringLiteral("position (120k), step (step 40) or lane (14.2)"),
                            QLineEdit::Normal, {}, &given);
  if (given) window.go_to(place);
}

void add_note(MainWindow& window) {
  window.notes_panel().show();
  window.notes_panel().add_note();
}

template <int kDirection>
void next_note(MainWindow& window) {
  window.notes_panel().go(kDirection);
}

void undo_note(MainWindow& window) {
  guarded(window, [&window] { window.notes().undo(); });
}

void show_keys(MainWindow& window) {
  auto* sheet = new KeySheet(window);
  sheet->setAttribute(Qt::WA_DeleteOnClose);
  sheet->open();
}

constexpr ActionRow kActions[] = {
    {"File", "Open…", "Ctrl+O", open_files},
    {"File", "Read again", "F5", reload},
    {"File", "Restore the window closed last", "Ctrl+Shift+O", restore_window},
    {"File", "Save workspace", "Ctrl+S", save_workspace},
    {"File", "Save workspace as…", "", save_workspace_as},
    {"File", "Save picture…", "Ctrl+Shift+S", save_picture},
    {"File", "Save table…", "Ctrl+Shift+E", save_table},
    {"File", "Copy the command line that shows this", "Ctrl+Shift+C", copy_command_line},
    {"File", "Build index for exact coarse pictures", "",
     [](MainWindow& window) { window.document().build_index(); }},
    {"File", "Stop building the index", "",
     [](MainWindow& window) { window.document().stop_index(); }},
    {"File", "Quit", "Ctrl+Q", [](MainWindow& window) { window.close(); }},
    {"Step", "Previous step", "Left", move_step<-1>},
    {"Step", "Next step", "Right", move_step<1>},
    {"Step", "10 steps back", "Alt+Left", move_step<-10>},
    {"Step", "10 steps on", "Alt+Right", move_step<10>},
    {"Step", "100 steps back", "Shift+Left", move_step<-100>},
    {"Step", "100 steps on", "Shift+Right", move_step<100>},
    {"Step", "First step", "Home", move_step<-1'000'000'000>},
    {"Step", "Last step", "End", move_step<1'000'000'000>},
    {"Step", "Previous eviction of the lane", ",", moved<move_to_eviction, Direction::Back>},
    {"Step", "Next eviction of the lane", ".", moved<move_to_eviction, Direction::On>},
    {"Step", "Previous event of the token", "[", moved<move_to_event, Direction::Back>},
    {"Step", "Next event of the token", "]", moved<move_to_event, Direction::On>},
    {"Step", "Play or pause", "Space", [](MainWindow& window) { window.controls().toggle_play(); }},
    {"Lane", "Lane above", "Up", moved<move_lane, -1>},
    {"Lane", "Lane below", "Down", moved<move_lane, 1>},
    {"Lane", "Mean of the layer, or back", "M", changed<toggle_scope, LaneScope::LayerMean>},
    {"Lane", "Mean of all lanes, or back", "Shift+M", changed<toggle_scope, LaneScope::AllMean>},
    {"Lane", "Set of lanes, or back", "Alt+M", changed<toggle_scope, LaneScope::Set>},
    {"Lane", "Choose a set of lanes…", "Shift+L", [](MainWindow& window) { window.ask_lanes(); }},
    {"Lane", "Add the lane above to the set", "Shift+Up", moved<extend_lanes, -1>},
    {"Lane", "Add the lane below to the set", "Shift+Down", moved<extend_lanes, 1>},
    {"Position", "Find text", "Ctrl+F", [](MainWindow& window) { window.controls().focus_find(); }},
    {"Position", "Next found", "F3", [](MainWindow& window) { window.controls().find_next(1); }},
    {"Position", "Previous found", "Shift+F3",
     [](MainWindow& window) { window.controls().find_next(-1); }},
    {"Position", "Go to…", "Ctrl+G", ask_place},
    {"Position", "Token to the left", "Ctrl+Left", moved<move_position, -1>},
    {"Position", "Token to the right", "Ctrl+Right", moved<move_position, 1>},
    {"Position", "Who took its place", "Ctrl+Up", moved<move_to_kin, Direction::On>},
    {"Position", "The last one it outlived", "Ctrl+Down", moved<move_to_kin, Direction::Back>},
    {"Position", "Mark from here, or to here", "X", changed<mark_range>},
    {"Position", "Let go of token, then range", "Esc", let_go},
    {"Position", "Zoom in", "W", changed<zoom, 70>},
    {"Position", "Zoom out", "S", changed<zoom, 143>},
    {"Position", "Move left", "A", changed<pan, -2>},
    {"Position", "Move right", "D", changed<pan, 2>},
    {"Position", "Frame the selection, then the whole text", "F", frame},
    {"Position", "Zoom back", "Backspace",
     [](MainWindow& window) { window.selection().zoom_back(); }},
    {"Notes", "Add note", "N", add_note},
    {"Notes", "Notes panel", "Shift+N", [](MainWindow& window) { window.toggle_notes(); }},
    {"Notes", "Next note", "K", next_note<1>},
    {"Notes", "Previous note", "Shift+K", next_note<-1>},
    {"Notes", "Undo the last change of notes", "Ctrl+Alt+Z", undo_note},
    {"Compare", "Compare with the next run", "C",
     [](MainWindow& window) { window.comparison().cycle(); }},
    {"Compare", "Compare with one run more", "Shift+C",
     [](MainWindow& window) { window.comparison().add_next(); }},
    {"Compare", "Compare with another trace…", "", open_beside},
    {"Compare", "Side by side", "V",
     [](MainWindow& window) { window.comparison().toggle_side_by_side(); }},
    {"Compare", "Blink between the two", "B",
     [](MainWindow& window) { window.comparison().toggle_blink(); }},
    {"Compare", "Jump to the largest disagreement", "J",
     [](MainWindow& window) { window.comparison().jump_to_disagreement(); }},
    {"Compare", "Stop comparing", "", [](MainWindow& window) { window.comparison().stop(); }},
    {"View", "Undo", "Ctrl+Z", [](MainWindow& window) { window.selection().undo(); }},
    {"View", "Redo", "Ctrl+Shift+Z", [](MainWindow& window) { window.selection().redo(); }},
    {"View", "All views", "0", [](MainWindow& window) { window.show_only({}); }},
    {"View", "The usual views", "", [](MainWindow& window) { window.deck().show_standard(); }},
    {"View", "Level marks under tokens", "L", toggle_marks},
    {"View", "Larger texts", "Ctrl++ | Ctrl+=", change_font<10>},
    {"View", "Smaller texts", "Ctrl+-", change_font<-10>},
    {"View", "Texts of normal size", "Ctrl+0", change_font<0>},
    {"View", "Next theme", "T", next_theme},
    {"View", "Light theme", "", choose_theme<Theme::Light>},
    {"View", "Dark theme", "", choose_theme<Theme::Dark>},
    {"View", "High-contrast theme", "", choose_theme<Theme::HighContrast>},
    {"View", "Print theme", "", choose_theme<Theme::Print>},
    {"View", "Full screen", "F11", toggle_full_screen},
    {"Help", "Commands…", "Ctrl+Shift+P", [](MainWindow& window) { window.show_palette(); }},
    {"Help", "Keys", "? | F1", show_keys},
    {"Help", "Tour", "Ctrl+Shift+T", [](MainWindow& window) { window.start_tour(); }},
    {"Help", "Menu", "F10",
     [](MainWindow& window) { window.controls().menu_button()->showMenu(); }},
};

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
    action->setShortcuts(keys);
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

std::span<const ActionRow> action_table() {
  return kActions;
}

void add_actions(MainWindow& window) {
  auto* top = new QMenu(&window);
  top->setObjectName(QStringLiteral("menu"));
  top->menuAction()->setObjectName(QStringLiteral("menu"));
  Menus menus(window, *top);
  for (const ActionRow& row : kActions)
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
    QObject::connect(action, &QAction::triggered, &window,
                     [&window, files] { window.open(files); });
    menu->addAction(action);
  }
  menu->menuAction()->setVisible(!menu->isEmpty());
}

}  // namespace dendrokv
