#include "gui/key_sheet.h"

#include <QGridLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QTimer>
#include <QVBoxLayout>
#include <array>

#include "gui/command_palette.h"
#include "gui/key_bindings.h"
#include "gui/style.h"

namespace dendrokv {
namespace {

struct MouseRow {
  const char* what;
  const char* how;
};
constexpr std::array<MouseRow, 8> kMouse = {{
    {"Zoom the positions", "wheel"},
    {"Move them", "Shift + wheel, or drag with the middle button"},
    {"Look at a token everywhere", "point"},
    {"Lock it, let it go", "click"},
    {"Choose a lane", "click in Layers × heads, Retention or Agreement"},
    {"Choose several", "Ctrl + click there, or drag over Layers × heads"},
    {"Move a panel", "drag its title; outside it gets a window of its own"},
    {"Go to a step", "Ctrl + click in Contributions"},
}};

struct Row {
  QString what, keys;
};
struct Group {
  QString title;
  std::vector<Row> rows;
};

std::vector<Group> groups_of(const QWidget& window) {
  std::vector<Group> groups;
  for (const QAction* action : palette_actions(window)) {
    const QString keys = keys_in_words(*action);
    if (keys.isEmpty()) continue;
    const QString title = action->property("group").toString();
    if (groups.empty() || groups.back().title != title) groups.push_back({title, {}});
    groups.back().rows.push_back({action->text(), keys});
  }
  Group mouse{QStringLiteral("Mouse"), {}};
  for (const MouseRow& row : kMouse)
    mouse.rows.push_back({QString::fromUtf8(row.what), QString::fromUtf8(row.how)});
  groups.push_back(mouse);
  return groups;
}

/// One table, so that a reader of the screen finds rows and cells.
QLabel* group_label(const Group& group, QWidget* parent) {
  QString rows;
  for (const Row& row : group.rows)
    rows += QStringLiteral(
                "<tr><td style='padding:2px 18px 2px 0'>%1</td>"
                "<td style='padding:2px 0 2px 0'><b>%2</b></td></tr>")
                .arg(row.what.toHtmlEscaped(), row.keys.toHtmlEscaped());
  auto* label = new QLabel(parent);
  label->setTextFormat(Qt::RichText);
  label->setFont(small_font());
  label->setText(
      QStringLiteral("<p><b>%1</b></p><table>%2</table>").arg(group.title.toHtmlEscaped(), rows));
  label->setAccessibleName(group.title);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  label->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  return label;
}

/// Groups in their order, from column to column, about as many rows in each.
void fill_columns(const std::vector<Group>& groups, size_t columns, QWidget* page) {
  auto* across = new QHBoxLayout(page);
  across->setSpacing(30);
  size_t all = 0, used = 0, column = 0;
  for (const Group& group : groups) all += group.rows.size() + 3;
  QVBoxLayout* down = nullptr;
  for (const Group& group : groups) {
    // A group that would mostly lie below the share of its column begins the next one.
    const size_t middle = used + group.rows.size() / 2;
    if (!down || (middle >= all * column / columns && column < columns)) {
      if (down) down->addStretch(1);
      down = new QVBoxLayout;
      across->addLayout(down);
      ++column;
    }
    down->addWidget(group_label(group, page));
    used += group.rows.size() + 3;
  }
  if (down) down->addStretch(1);
}

}  // namespace

KeySheet::KeySheet(QWidget& window) : QDialog(&window) {
  setWindowTitle(QStringLiteral("Keys"));
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPadding, kPadding, kPadding, kPadding);
  auto* scroll = new QScrollArea(this);
  auto* page = new QWidget(scroll);
  page->setObjectName(QStringLiteral("sheet"));
  fill_columns(groups_of(window), 4, page);
  scroll->setWidget(page);
  scroll->setWidgetResizable(true);
  layout->addWidget(scroll);
  auto* change = new QPushButton(QStringLiteral("Change keys…"), this);
  change->setAutoDefault(false);
  connect(change, &QPushButton::clicked, this, [this, &window] {
    accept();
    auto* action = window.findChild<QAction*>(QStringLiteral("help.change_keys"));
    if (action) QTimer::singleShot(0, action, &QAction::trigger);
  });
  layout->addWidget(change, 0, Qt::AlignRight);
  const QSize wanted = page->sizeHint() + QSize(60, 100);
  resize(wanted.boundedTo(window.size() * 0.95));
}

}  // namespace dendrokv
