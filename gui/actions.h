#pragma once
// The table of actions: every command of the window, with its key.

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
/// Makes the actions, their keys, and the menu of the control bar.
void add_actions(MainWindow& window);

}  // namespace dendrokv
