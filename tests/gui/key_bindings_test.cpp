// Keys that the user chose: refused where another command has them, stored, read back, and set back
// to those of the table.

#include "gui/key_bindings.h"

#include <fstream>
#include <gtest/gtest.h>

#include "data/error.h"
#include "gui/command_palette.h"
#include "gui/json_file.h"
#include "gui/key_editor.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

QKeySequence key(const char* text) {
  return QKeySequence(QString::fromLatin1(text));
}

/// Three commands: F, Ctrl+S and none.
struct Commands {
  QAction find, save, quit;
  Commands() {
    set_up(find, "position.find", "Find", {key("F")});
    set_up(save, "file.save", "Save", {key("Ctrl+S")});
    set_up(quit, "file.quit", "Quit", {});
  }
  std::vector<QAction*> all() { return {&find, &save, &quit}; }

 private:
  static void set_up(QAction& action, const char* name, const char* text,
                     const QList<QKeySequence>& keys) {
    action.setObjectName(QString::fromLatin1(name));
    action.setText(QString::fromLatin1(text));
    set_standard_keys(action, keys);
  }
};

TEST(KeyBindings, AKeyThatAnotherCommandHasIsRefusedByItsName) {
  Commands commands;
  KeyBindings bindings(commands.all());
  const QString refused = bindings.assign(commands.quit, key("Ctrl+S"));
  EXPECT_TRUE(refused.contains(QStringLiteral("“Save”"))) << refused.toStdString();
  EXPECT_TRUE(commands.quit.shortcuts().isEmpty());
  EXPECT_EQ(bindings.assign(commands.quit, key("Ctrl+Q")), QString());
  EXPECT_EQ(commands.quit.shortcut(), key("Ctrl+Q"));
  // Of two strokes the first would never be waited for, or always.
  EXPECT_NE(bindings.assign(commands.find, key("Ctrl+Q, Ctrl+F")), QString());
  EXPECT_EQ(bindings.assign(commands.find, key("Ctrl+K, Ctrl+F")), QString());
  EXPECT_NE(bindings.assign(commands.save, key("Ctrl+K")), QString());
  EXPECT_NE(bindings.assign(commands.save, QKeySequence()), QString());
  EXPECT_EQ(bindings.assign(commands.quit, key("Ctrl+Q")), QString()) << "its own key";
}

TEST(KeyBindings, SeveralKeysNoneAndTheUsualOnes) {
  Commands commands;
  KeyBindings bindings(commands.all());
  EXPECT_EQ(bindings.add(commands.find, key("Ctrl+F")), QString());
  EXPECT_NE(bindings.add(commands.find, key("Ctrl+F")), QString());
  EXPECT_EQ(commands.find.shortcuts(), (QList<QKeySequence>{key("F"), key("Ctrl+F")}));
  bindings.clear(commands.save);
  EXPECT_EQ(bindings.assign(commands.quit, key("Ctrl+S")), QString());
  const QString refused = bindings.restore(commands.save);
  EXPECT_TRUE(refused.contains(QStringLiteral("“Quit”"))) << "its usual key is in use";
  EXPECT_EQ(bindings.restore(commands.quit), QString());
  EXPECT_EQ(bindings.restore(commands.save), QString());
  EXPECT_TRUE(bindings.is_standard(commands.save));
  EXPECT_FALSE(bindings.is_standard(commands.find));
  bindings.restore_all();
  EXPECT_TRUE(bindings.changed().empty());
}

TEST(KeyBindings, OnlyTheDifferenceIsStoredAndAppliedAgain) {
  Commands commands;
  KeyBindings bindings(commands.all());
  bindings.clear(commands.save);
  bindings.assign(commands.find, key("Ctrl+S"));
  ChangedKeys changed = bindings.changed();
  EXPECT_EQ(changed, (ChangedKeys{{QStringLiteral("file.save"), {}},
                                  {QStringLiteral("position.find"), {QStringLiteral("Ctrl+S")}}}));
  // A command of another version keeps its entry.
  changed[QStringLiteral("file.later")] = QStringList{QStringLiteral("F9")};
  const testing::TemporaryFolder folder;
  write_keys(folder / "new" / "keys.json", changed);
  const QByteArray bytes = read_small_file(folder / "new" / "keys.json");
  Commands fresh;
  KeyBindings again(fresh.all());
  again.apply(read_keys(folder / "new" / "keys.json"));
  EXPECT_EQ(fresh.find.shortcut(), key("Ctrl+S"));
  EXPECT_TRUE(fresh.save.shortcuts().isEmpty());
  EXPECT_EQ(again.changed(), changed);
  write_keys(folder / "again.json", again.changed());
  EXPECT_EQ(read_small_file(folder / "again.json"), bytes);
  EXPECT_TRUE(read_keys(folder / "none.json").empty());
}

TEST(KeyBindings, TwoCommandsWithOneKeyAreRefusedAndNothingIsChanged) {
  Commands commands;
  KeyBindings bindings(commands.all());
  try {
    bindings.apply({{QStringLiteral("file.quit"), {QStringLiteral("F")}},
                    {QStringLiteral("file.save"), {QStringLiteral("F2")}}});
    FAIL() << "F finds already";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("Find"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("Quit"), std::string::npos) << error.what();
  }
  EXPECT_EQ(commands.save.shortcut(), key("Ctrl+S"));
  // Two that change places are no such case.
  bindings.apply({{QStringLiteral("position.find"), {QStringLiteral("Ctrl+S")}},
                  {QStringLiteral("file.save"), {QStringLiteral("F")}}});
  EXPECT_EQ(commands.save.shortcut(), key("F"));
}

TEST(KeyBindings, BrokenFilesAreRefusedWithAReason) {
  const testing::TemporaryFolder folder;
  const auto refusal = [&folder](const char* text) {
    std::ofstream(folder / "k.json") << text;
    try {
      read_keys(folder / "k.json");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refusal("{"), "");
  EXPECT_NE(refusal(R"({"format":"dendrokv-notes","format_version":1})"), "");
  EXPECT_NE(
      refusal(R"({"format":"dendrokv-keys","format_version":1,"keys":{"file.open":["Strg"]}})")
          .find("file.open"),
      std::string::npos);
  EXPECT_EQ(refusal(R"({"format":"dendrokv-keys","format_version":1,"keys":{"file.open":["F9"]}})"),
            "");
}

TEST(KeyEditor, ChangesTheKeysOfTheWindowAndWritesThem) {
  const testing::TemporaryFolder folder;
  OpenedWindow opened;
  KeyEditor editor(palette_actions(opened.window()), folder / "keys.json", &opened.window());
  const auto press = [&editor](const char* text) {
    for (QPushButton* button : editor.findChildren<QPushButton*>())
      if (button->text() == QString::fromLatin1(text)) button->click();
  };
  editor.filter()->setText(QStringLiteral("first step"));
  EXPECT_EQ(editor.list()->topLevelItemCount(), 1);
  ASSERT_TRUE(editor.choose(QStringLiteral("step.first_step")));
  editor.key()->setKeySequence(key("Ctrl+F"));
  press("Set");
  EXPECT_TRUE(editor.message().contains(QStringLiteral("“Find text”")))
      << editor.message().toStdString();
  EXPECT_FALSE(std::filesystem::exists(folder / "keys.json")) << "nothing has changed";
  editor.key()->setKeySequence(key("F8"));
  press("Set");
  opened.change([](Selection& wanted) { wanted.step = Step(20); });
  opened.press("F8");
  EXPECT_EQ(opened.now().step, Step(0));
  EXPECT_EQ(read_keys(folder / "keys.json"),
            (ChangedKeys{{QStringLiteral("step.first_step"), {QStringLiteral("F8")}}}));
  press("Add");
  EXPECT_FALSE(editor.message().isEmpty());
  press("No key");
  EXPECT_TRUE(read_keys(folder / "keys.json").at(QStringLiteral("step.first_step")).isEmpty());
  press("All usual keys");
  EXPECT_TRUE(read_keys(folder / "keys.json").empty());
  opened.change([](Selection& wanted) { wanted.step = Step(20); });
  opened.press("Home");
  EXPECT_EQ(opened.now().step, Step(0));
}

/// The keys of a person with a home of their own.
class KeysOfAUser : public ::testing::Test {
 protected:
  KeysOfAUser() {
    qputenv("XDG_CONFIG_HOME", QByteArray::fromStdString((folder / "config").string()));
    qputenv("XDG_STATE_HOME", QByteArray::fromStdString((folder / "state").string()));
  }
  ~KeysOfAUser() override {
    qunsetenv("XDG_CONFIG_HOME");
    qunsetenv("XDG_STATE_HOME");
  }
  testing::TemporaryFolder folder;
};

TEST_F(KeysOfAUser, AreThereInTheNextWindow) {
  write_keys(keys_path(), {{QStringLiteral("file.open"), {QStringLiteral("F9")}}});
  const MainWindow window(ViewOptions(), Memory::All);
  EXPECT_EQ(window.findChild<QAction*>(QStringLiteral("file.open"))->shortcut(), key("F9"));
  const MainWindow plain{ViewOptions()};
  EXPECT_EQ(plain.findChild<QAction*>(QStringLiteral("file.open"))->shortcut(), key("Ctrl+O"));
}

TEST_F(KeysOfAUser, ThatCannotBeReadAreSaidAndLeft) {
  std::filesystem::create_directories(keys_path().parent_path());
  std::ofstream(keys_path()) << "{ broken";
  MainWindow window(ViewOptions(), Memory::All);
  EXPECT_TRUE(window.notice().text().contains(QStringLiteral("keys.json")));
  EXPECT_EQ(window.findChild<QAction*>(QStringLiteral("file.open"))->shortcut(), key("Ctrl+O"));
  EXPECT_EQ(read_small_file(keys_path()), QByteArray("{ broken"));
}

}  // namespace
}  // namespace dendrokv
