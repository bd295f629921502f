#pragma once
// Which keys run which command: those of the table of actions, or what the user chose instead. Only
// the difference is stored, by the name of the action ("file.open"), so that a new command gets its
// key and one that is gone costs nothing.

#include <QAction>
#include <QStringList>
#include <filesystem>
#include <map>
#include <vector>

namespace dendrokv {

/// Of actions that differ from the table: their keys, as QKeySequence::PortableText; none = no key.
using ChangedKeys = std::map<QString, QStringList>;

/// ${XDG_CONFIG_HOME:-~/.config}/dendrokv/keys.json
std::filesystem::path keys_path();
/// Empty when there is no such file. Throws Error: unreadable, not such a file, a key that is none.
ChangedKeys read_keys(const std::filesystem::path& path);
/// Throws Error: unwritable.
void write_keys(const std::filesystem::path& path, const ChangedKeys& keys);

/// Marks the keys that an action has now as those of the table.
void set_standard_keys(QAction& action, const QList<QKeySequence>& keys);
QString keys_in_words(const QAction& action);

/// The actions of a window and their keys. Two actions never share a key, nor does the beginning of
/// one.
class KeyBindings {
 public:
  /// Borrows the actions. Those without a name of their own, and the recent files, which come and
  /// go, are passed over.
  explicit KeyBindings(const std::vector<QAction*>& actions);

  const std::vector<QAction*>& actions() const { return actions_; }
  /// All as the table has them, then these changes. Throws Error that names both actions where two
  /// want one key; then all are as the table has them. Names that no action has are kept for
  /// changed().
  void apply(const ChangedKeys& keys);

  /// Each returns why not, with the name of the action that has the key, or nothing.
  QString assign(QAction& action, const QKeySequence& key);
  QString add(QAction& action, const QKeySequence& key);
  QString restore(QAction& action);
  void clear(QAction& action);
  void restore_all();

  bool is_standard(const QAction& action) const;
  ChangedKeys changed() const;

 private:
  QString set(QAction& action, const QList<QKeySequence>& keys);
  const QAction* holder(const QKeySequence& key, const QAction& other_than) const;

  std::vector<QAction*> actions_;
  ChangedKeys unknown_;
};

}  // namespace dendrokv
