#pragma once
// The table of actions: every command of the window, with its key. Views add rows of their own
// (show, alone, save); so do the recent files.

#include <span>
#include <string_view>

namespace dendrokv {

class MainWindow;

struct ActionRow {
  std::string_view menu;  // "File", "Step", ...; empty = key only
  std::string_view text;
  std::string_view key;  // as QKeySequence reads it; several are separated by " | "
  void (*run)(MainWindow&);
};

std::span<const ActionRow> action_table();
/// Makes the actions, their keys, and the menu of the control bar. Gives those that views made for
/// their own menus a name and a group, so that the palette has them all.
void add_actions(MainWindow& window);
/// After the list has changed.
void fill_recent(MainWindow& window);

}  // namespace dendrokv
