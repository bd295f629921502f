#include "gui/actions.h"

// How to add an action: a row below. The menu, the key and the key sheet read it from there; a test sees to it
// that no key is given twice.

#include <QAction>
#include <QFileDialog>
#include <QMenu>
#include <QMessageBox>
#include <algorithm>
#include <array>
#include <map>

#include "data/error.h"
#include "gui/export.h"
#include "gui/main_window.h"

namespace dendrokv {
namespace {

template <int kBy>
void move_step(MainWindow& window) {
  window.controls().move_step(kBy);
}

template <int kBy>
void move_lane(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  window.selection().change([content](Selection& wanted) {
    const Retention& retention = content->runs[wanted.run].retention;
    const int lanes = static_cast<int>(retention.lanes());
    const int all = lanes * static_cast<int>(retention.layers());
    const int now =
        static_cast<int>(wanted.layer.value) * lanes + static_cast<int>(wanted.lane.value);
    const int next = std::clamp(now + kBy, 0, all - 1);
    wanted.scope = LaneScope::One;
    wanted.layer = Layer(next / lanes);
    wanted.lane = Lane(next % lanes);
  });
}

template <LaneScope kScope>
void toggle_scope(MainWindow& window) {
  window.selection().change(
      [](Selection& wanted) { wanted.scope = wanted.scope == kScope ? LaneScope::One : kScope; });
}

template <int kBy>
void move_position(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  window.selection().change([content](Selection& wanted) {
    const int now = wanted.position ? static_cast<int>(wanted.position->value) : 0;
    wanted.position =
        Position(std::clamp(now + kBy, 0, static_cast<int>(content->info.tokens) - 1));
  });
}

/// To the next step at which the lane drops a token, or back to the last one.
template <int kDirection>
void next_eviction(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  window.selection().change([content](Selection& wanted) {
    std::vector<int32_t> steps;
    for (const int32_t step :
         content->runs[wanted.run].retention.evict_step(wanted.layer, wanted.lane))
      if (step >= 0) steps.push_back(step);
    std::sort(steps.begin(), steps.end());
    const auto now = static_cast<int32_t>(wanted.step.value);
    const auto next = kDirection > 0 ? std::upper_bound(steps.begin(), steps.end(), now)
                                     : std::lower_bound(steps.begin(), steps.end(), now);
    if (kDirection > 0 && next != steps.end()) wanted.step = Step(*next);
    if (kDirection < 0 && next != steps.begin()) wanted.step = Step(*std::prev(next));
  });
}

/// Pans by tenths of the view; zooms about its middle.
template <int kTenths>
void pan(MainWindow& window) {
  window.selection().change([](Selection& wanted) {
    const double first = wanted.first_visible.value + kTenths * (wanted.visible / 10.0);
    wanted.first_visible = Position(static_cast<uint32_t>(std::max(0.0, first)));
  });
}

template <int kPercent>
void zoom(MainWindow& window) {
  window.selection().change([](Selection& wanted) {
    const double visible = std::max(8.0, wanted.visible * (kPercent / 100.0));
    const double middle = wanted.first_visible.value + wanted.visible / 2.0;
    wanted.visible = static_cast<uint32_t>(visible);
    wanted.first_visible = Position(static_cast<uint32_t>(std::max(0.0, middle - visible / 2)));
  });
}

void fit(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  window.selection().change([content](Selection& wanted) {
    wanted.first_visible = Position(0);
    wanted.visible = content->info.tokens;
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
    QMessageBox::warning(&window, QStringLiteral("Not written"), QString::fromUtf8(error.what()));
  }
}

void save_picture(MainWindow& window) {
  const QString name =
      QFileDialog::getSaveFileName(&window, QStringLiteral("Save the window as a picture"), {},
                                   QStringLiteral("Pictures (*.png *.svg *.pdf)"));
  if (!name.isEmpty()) guarded(window, [&] { render_window(window, name.toStdString()); });
}

void save_table(MainWindow& window) {
  const Content* content = window.document().content();
  if (!content) return;
  const QString name =
      QFileDialog::getSaveFileName(&window, QStringLiteral("Save the state of every token"), {},
                                   QStringLiteral("Tables (*.csv)"));
  if (!name.isEmpty())
    guarded(window, [&] { write_csv(*content, window.selection().now(), name.toStdString()); });
}

void toggle_theme(MainWindow& window) {
  window.set_theme(window.workspace().style.theme == Theme::Light ? Theme::Dark : Theme::Light);
}

void toggle_marks(MainWindow& window) {
  LevelMarks& marks = window.workspace().level_marks;
  marks = marks == LevelMarks::Show ? LevelMarks::Hide : LevelMarks::Show;
  window.refresh_views();
}

void toggle_full_screen(MainWindow& window) {
  window.setWindowState(window.windowState() ^ Qt::WindowFullScreen);
}

void show_keys(MainWindow& window) {
  QString rows;
  for (const ActionRow& row : action_table())
    rows +=
        QStringLiteral("<tr><td style='padding-right:24px'>%1</td><td><b>%2</b></td></tr>")
            .arg(to_qt(row.text).toHtmlEscaped(),
                 to_qt(row.key).replace(QLatin1String(" | "), QLatin1String(", ")).toHtmlEscaped());
  QMessageBox box(&window);
  box.setWindowTitle(QStringLiteral("Keys"));
  box.setTextFormat(Qt::RichText);
  box.setText(
      QStringLiteral("<table>") + rows +
      QStringLiteral(
          "</table><p>Wheel zooms the positions, Shift+wheel or the middle button moves them.<br>"
          "Click keeps a token in sight; Ctrl+click in Contributions goes to that step.</p>"));
  box.exec();
}

template <size_t kIndex>
void only_view(MainWindow& window) {
  window.show_only(view_table()[kIndex].name);
}

constexpr std::array<ActionRow, 45> kActions = {{
    {"File", "Open…", "Ctrl+O", open_files},
    {"File", "Read again", "F5", reload},
    {"File", "Save picture…", "Ctrl+Shift+S", save_picture},
    {"File", "Save table…", "Ctrl+Shift+E", save_table},
    {"File", "Quit", "Ctrl+Q", [](MainWindow& window) { window.close(); }},
    {"Step", "Previous step", "Left", move_step<-1>},
    {"Step", "Next step", "Right", move_step<1>},
    {"Step", "10 steps back", "Alt+Left", move_step<-10>},
    {"Step", "10 steps on", "Alt+Right", move_step<10>},
    {"Step", "100 steps back", "Shift+Left", move_step<-100>},
    {"Step", "100 steps on", "Shift+Right", move_step<100>},
    {"Step", "First step", "Home", move_step<-1'000'000'000>},
    {"Step", "Last step", "End", move_step<1'000'000'000>},
    {"Step", "Previous eviction of the lane", ",", next_eviction<-1>},
    {"Step", "Next eviction of the lane", ".", next_eviction<1>},
    {"Step", "Play or pause", "Space", [](MainWindow& window) { window.controls().toggle_play(); }},
    {"Lane", "Lane above", "Up", move_lane<-1>},
    {"Lane", "Lane below", "Down", move_lane<1>},
    {"Lane", "Mean of the layer, or back", "M", toggle_scope<LaneScope::LayerMean>},
    {"Lane", "Mean of all lanes, or back", "Shift+M", toggle_scope<LaneScope::AllMean>},
    {"Position", "Find text", "Ctrl+F", [](MainWindow& window) { window.controls().focus_find(); }},
    {"Position", "Next found", "F3", [](MainWindow& window) { window.controls().find_next(1); }},
    {"Position", "Previous found", "Shift+F3",
     [](MainWindow& window) { window.controls().find_next(-1); }},
    {"Position", "Token to the left", "Ctrl+Left", move_position<-1>},
    {"Position", "Token to the right", "Ctrl+Right", move_position<1>},
    {"Position", "Let go of the token", "Esc",
     [](MainWindow& window) {
       if (window.controls().leave_find()) return;
       window.selection().change([](Selection& wanted) { wanted.position.reset(); });
     }},
    {"Position", "Zoom in", "W", zoom<70>},
    {"Position", "Zoom out", "S", zoom<143>},
    {"Position", "Move left", "A", pan<-2>},
    {"Position", "Move right", "D", pan<2>},
    {"Position", "Whole text", "F", fit},
    {"View", "Undo", "Ctrl+Z", [](MainWindow& window) { window.selection().undo(); }},
    {"View", "Redo", "Ctrl+Shift+Z", [](MainWindow& window) { window.selection().redo(); }},
    {"View", "All views", "0", [](MainWindow& window) { window.show_only({}); }},
    {"View", "Only layers × heads", "1", only_view<0>},
    {"View", "Only text", "2", only_view<1>},
    {"View", "Only retention", "3", only_view<2>},
    {"View", "Only contributions", "4", only_view<3>},
    {"View", "Only variability", "5", only_view<4>},
    {"View", "Only the token", "6", only_view<5>},
    {"View", "Level marks under tokens", "L", toggle_marks},
    {"View", "Light or dark", "T", toggle_theme},
    {"View", "Full screen", "F11", toggle_full_screen},
    {"Help", "Keys", "? | F1", show_keys},
    {"Help", "Menu", "F10",
     [](MainWindow& window) { window.controls().menu_button()->showMenu(); }},
}};

QList<QKeySequence> keys_of(const ActionRow& row) {
  QList<QKeySequence> keys;
  for (const QString& key : to_qt(row.key).split(QStringLiteral(" | "))) keys << QKeySequence(key);
  return keys;
}

}  // namespace

std::span<const ActionRow> action_table() {
  return kActions;
}

void add_actions(MainWindow& window) {
  auto* menu = new QMenu(&window);
  std::map<std::string_view, QMenu*> submenus;
  for (const ActionRow& row : kActions) {
    auto* action = new QAction(to_qt(row.text), &window);
    action->setShortcuts(keys_of(row));
    QObject::connect(action, &QAction::triggered, &window,
                     [&window, run = row.run] { run(window); });
    window.addAction(action);
    QMenu*& submenu = submenus[row.menu];
    if (!submenu) submenu = menu->addMenu(to_qt(row.menu));
    submenu->addAction(action);
  }
  window.controls().menu_button()->setMenu(menu);
}

}  // namespace dendrokv
