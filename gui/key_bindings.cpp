#include "gui/key_bindings.h"

#include <QJsonArray>
#include <algorithm>

#include "data/error.h"
#include "gui/json_file.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFormat = "dendrokv-keys";
constexpr const char* kStandard = "standard_keys";

QStringList texts_of(const QList<QKeySequence>& keys) {
  QStringList texts;
  for (const QKeySequence& key : keys) texts << key.toString(QKeySequence::PortableText);
  return texts;
}

QList<QKeySequence> keys_of(const QStringList& texts) {
  QList<QKeySequence> keys;
  for (const QString& text : texts) keys << QKeySequence(text, QKeySequence::PortableText);
  return keys;
}

QList<QKeySequence> standard_keys(const QAction& action) {
  return keys_of(action.property(kStandard).toStringList());
}

bool clash(const QKeySequence& one, const QKeySequence& other) {
  return one.matches(other) != QKeySequence::NoMatch || other.matches(one) != QKeySequence::NoMatch;
}

/// A key as a person reads it, of a text that is one.
QStringList parsed(const std::string& subject, const QString& name, const QJsonValue& value) {
  QStringList texts;
  for (const QJsonValue& entry : value.toArray()) {
    const QKeySequence key(entry.toString(), QKeySequence::PortableText);
    if (key.isEmpty() || key[0] == Qt::Key_unknown)
      fail(subject + ": " + name.toStdString(), "\"" + entry.toString().toStdString() + "\"",
           "wanted a key", "as Ctrl+Shift+F");
    texts << key.toString(QKeySequence::PortableText);
  }
  return texts;
}

}  // namespace

std::filesystem::path keys_path() {
  const QByteArray config = qgetenv("XDG_CONFIG_HOME");
  const std::filesystem::path base =
      config.isEmpty() ? std::filesystem::path(qgetenv("HOME").toStdString()) / ".config"
                       : std::filesystem::path(config.toStdString());
  return base / "dendrokv" / "keys.json";
}

ChangedKeys read_keys(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  const QJsonObject file = parse_json(path.string(), read_small_file(path), kFormat);
  const QJsonObject object = file[QLatin1String("keys")].toObject();
  ChangedKeys keys;
  for (auto entry = object.begin(); entry != object.end(); ++entry)
    keys[entry.key()] = parsed(path.string(), entry.key(), entry.value());
  return keys;
}

void write_keys(const std::filesystem::path& path, const ChangedKeys& keys) {
  QJsonObject object;
  for (const auto& [name, texts] : keys) object[name] = QJsonArray::fromStringList(texts);
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  write_whole_file(path, json_text({{QStringLiteral("keys"), object}}, kFormat));
}

void set_standard_keys(QAction& action, const QList<QKeySequence>& keys) {
  action.setShortcuts(keys);
  action.setProperty(kStandard, texts_of(keys));
}

QString keys_in_words(const QAction& action) {
  QStringList words;
  for (const QKeySequence& key : action.shortcuts())
    words << key.toString(QKeySequence::NativeText);
  return words.join(QStringLiteral("  "));
}

KeyBindings::KeyBindings(const std::vector<QAction*>& actions) {
  std::copy_if(actions.begin(), actions.end(), std::back_inserter(actions_),
               [](const QAction* action) {
                 return !action->objectName().isEmpty() && !action->property("passing").toBool();
               });
}

const QAction* KeyBindings::holder(const QKeySequence& key, const QAction& other_than) const {
  for (const QAction* action : actions_) {
    if (action == &other_than) continue;
    for (const QKeySequence& taken : action->shortcuts())
      if (clash(taken, key)) return action;
  }
  return nullptr;
}

QString KeyBindings::set(QAction& action, const QList<QKeySequence>& keys) {
  for (const QKeySequence& key : keys)
    if (const QAction* const taken = holder(key, action))
      return QStringLiteral("%1 belongs to “%2”: give that one another key first.")
          .arg(key.toString(QKeySequence::NativeText), taken->text());
  action.setShortcuts(keys);
  return {};
}

QString KeyBindings::assign(QAction& action, const QKeySequence& key) {
  return key.isEmpty() ? QStringLiteral("Press the key first.") : set(action, {key});
}

QString KeyBindings::add(QAction& action, const QKeySequence& key) {
  if (key.isEmpty()) return QStringLiteral("Press the key first.");
  QList<QKeySequence> keys = action.shortcuts();
  for (const QKeySequence& own : keys)
    if (clash(own, key)) return QStringLiteral("It has this key already.");
  keys << key;
  return set(action, keys);
}

QString KeyBindings::restore(QAction& action) {
  return set(action, standard_keys(action));
}

void KeyBindings::clear(QAction& action) {
  action.setShortcuts(QList<QKeySequence>());
}

void KeyBindings::restore_all() {
  for (QAction* action : actions_) action->setShortcuts(standard_keys(*action));
  unknown_.clear();
}

void KeyBindings::apply(const ChangedKeys& keys) {
  restore_all();
  ChangedKeys left = keys;
  std::vector<QAction*> changed;
  for (QAction* action : actions_) {
    const auto wanted = left.find(action->objectName());
    if (wanted == left.end()) continue;
    action->setShortcuts(keys_of(wanted->second));
    changed.push_back(action);
    left.erase(wanted);
  }
  // Only now: two may have changed places.
  for (const QAction* action : changed)
    for (const QKeySequence& key : action->shortcuts())
      if (const QAction* const taken = holder(key, *action)) {
        restore_all();
        fail("key " + key.toString().toStdString(),
             "of both \"" + action->text().toStdString() + "\" and \"" +
                 taken->text().toStdString() + "\"",
             "wanted one of them", "all keys are the usual ones now");
      }
  unknown_ = std::move(left);
}

bool KeyBindings::is_standard(const QAction& action) const {
  return action.shortcuts() == standard_keys(action);
}

ChangedKeys KeyBindings::changed() const {
  ChangedKeys keys = unknown_;
  for (const QAction* action : actions_)
    if (!is_standard(*action)) keys[action->objectName()] = texts_of(action->shortcuts());
  return keys;
}

}  // namespace dendrokv
