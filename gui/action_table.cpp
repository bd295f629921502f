#include "gui/actions.h"

// How to add an action: a row below. The menu, the key and the key sheet read it from there; a test
// sees to it that no key is given twice.

#include <QInputDialog>
#include <algorithm>

#include "gui/command_palette.h"
#include "gui/file_actions.h"
#include "gui/key_editor.h"
#include "gui/key_sheet.h"
#include "gui/main_window.h"
#include "gui/moves.h"

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

void toggle_overlay(MainWindow& window) {
  LevelOverlay& overlay = window.workspace().level_overlay;
  overlay = overlay == LevelOverlay::Show ? LevelOverlay::Hide : LevelOverlay::Show;
  window.refresh_views();
}

template <int kBy>
void move_panel(MainWindow& window) {
  window.deck().move_panel(window.deck().current(), kBy);
}

template <int kBy>
void move_panel_across(MainWindow& window) {
  window.deck().move_panel_across(window.deck().current(), kBy);
}

void float_or_dock_panel(MainWindow& window) {
  ViewDeck& deck = window.deck();
  const std::string_view panel = deck.current();
  if (deck.floats(panel))
    deck.dock_panel(panel);
  else
    deck.float_panel(panel);
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

void change_keys(MainWindow& window) {
  auto* editor = new KeyEditor(palette_actions(window), window.keys_file(), &window);
  editor->setAttribute(Qt::WA_DeleteOnClose);
  editor->open();
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
    {"Panel", "Next panel", "F6", [](MainWindow& window) { window.deck().focus_panel(1); }},
    {"Panel", "Previous panel", "Shift+F6",
     [](MainWindow& window) { window.deck().focus_panel(-1); }},
    {"Panel", "Move panel up", "Ctrl+Shift+Up", move_panel<-1>},
    {"Panel", "Move panel down", "Ctrl+Shift+Down", move_panel<1>},
    {"Panel", "Move panel to the left side", "Ctrl+Shift+Left", move_panel_across<-1>},
    {"Panel", "Move panel to the right side", "Ctrl+Shift+Right", move_panel_across<1>},
    {"Panel", "Panel in a window of its own, or back", "Ctrl+Shift+D", float_or_dock_panel},
    {"Panel", "Panels in their usual places", "",
     [](MainWindow& window) { window.deck().usual_places(); }},
    {"View", "Level marks under tokens", "L", toggle_marks},
    {"View", "Kept levels over the heat map", "O", toggle_overlay},
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
    {"Help", "Change keys…", "Ctrl+Alt+K", change_keys},
    {"Help", "Tour", "Ctrl+Shift+T", [](MainWindow& window) { window.start_tour(); }},
    {"Help", "Menu", "F10",
     [](MainWindow& window) { window.controls().menu_button()->showMenu(); }},
};

}  // namespace

std::span<const ActionRow> action_table() {
  return kActions;
}

}  // namespace dendrokv
