#include "gui/table_view.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <algorithm>
#include <array>
#include <cmath>

#include "gui/inspector.h"
#include "gui/paint.h"
#include "gui/run_index.h"
#include "gui/text_layout.h"

namespace dendrokv {
namespace {

struct Column {
  const char* name;
  const char* meaning;
  int width;
  Qt::Alignment alignment;
};
const Qt::Alignment kNumber = Qt::AlignRight | Qt::AlignVCenter;
const Qt::Alignment kWord = Qt::AlignLeft | Qt::AlignVCenter;
const std::array<Column, 11> kColumns = {{
    {"position", "place of the token in the text, from 0", 74, kNumber},
    {"token", "its text", 132, kWord},
    {"id", "its number in the vocabulary", 64, kNumber},
    {"stands as", "in the chosen lane, after the chosen step", 160, kWord},
    {"level", "rivals that it had outlived by then", 50, kNumber},
    {"left at", "step at whose end it left; empty = kept to the end", 74, kNumber},
    {"lost to", "position that it lost to", 74, kNumber},
    {"score", "its score in that duel", 74, kNumber},
    {"winner's", "the score of the winner", 74, kNumber},
    {"attention", "that the chosen step pays to it, mean over the lane's heads", 80, kNumber},
    {"loss", "-ln p of the token, nat", 64, kNumber},
}};

QString number_or_nothing(float value) {
  return std::isnan(value) ? QString() : to_qt(short_number(double{value}));
}
QString place_or_nothing(int32_t value) {
  return value < 0 ? QString() : grouped(static_cast<uint64_t>(value));
}

}  // namespace

TokenTable::TokenTable(Workspace& workspace, QObject* parent)
    : QAbstractTableModel(parent), workspace_(workspace) {}

int TokenTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : rows_;
}
int TokenTable::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(kColumns.size());
}

void TokenTable::reset() {
  beginResetModel();
  const Selection& now = workspace_.selection.now();
  first_ = now.first_visible.value;
  rows_ = workspace_.document.content() ? static_cast<int>(now.visible) : 0;
  endResetModel();
}

std::optional<int> TokenTable::row_of(Position position) const {
  const int64_t row = int64_t{position.value} - first_;
  if (row < 0 || row >= rows_) return std::nullopt;
  return static_cast<int>(row);
}

QVariant TokenTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation == Qt::Vertical || section < 0 || section >= columnCount()) return {};
  const Column& column = kColumns[static_cast<size_t>(section)];
  if (role == Qt::DisplayRole) return QString::fromLatin1(column.name);
  if (role == Qt::ToolTipRole) return QString::fromLatin1(column.meaning);
  if (role == Qt::TextAlignmentRole) return static_cast<int>(column.alignment);
  return {};
}

QString TokenTable::text_of(Position position, int column) const {
  const Content& content = *workspace_.document.content();
  const Selection& now = workspace_.selection.now();
  const Retention& retention = content.runs[now.run].retention;
  const size_t p = position.index();
  const auto state = [&] {
    return content.index(now.run).state({now.layer, now.lane}, position, now.step);
  };
  switch (column) {
    case 0:
      return grouped(position.value);
    case 1:
      return shown_piece(content.tokens.piece(position));
    case 2:
      return QString::number(content.tokens.id[p]);
    case 3:
      return place_name(state());
    case 4:
      return position > Position(now.step.value) ? QString() : QString::number(state().level);
    case 5:
      return place_or_nothing(retention.evict_step(now.layer, now.lane)[p]);
    case 6:
      return place_or_nothing(retention.rival(now.layer, now.lane)[p]);
    case 7:
      return number_or_nothing(retention.score(now.layer, now.lane)[p]);
    case 8:
      return number_or_nothing(retention.rival_score(now.layer, now.lane)[p]);
    case 9: {
      const RowSnapshot* row = workspace_.document.row();
      const bool answers = row && row_request(content, now) == row->request;
      return answers && p < row->weight.size() ? number_or_nothing(row->weight[p]) : QString();
    }
    case 10:
      return p < content.loss.size() ? number_or_nothing(content.loss[p]) : QString();
    default:
      return {};
  }
}

QVariant TokenTable::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rows_ || !workspace_.document.content()) return {};
  const Position position = position_of(index.row());
  if (role == Qt::DisplayRole || role == Qt::AccessibleTextRole)
    return text_of(position, index.column());
  if (role == Qt::TextAlignmentRole)
    return static_cast<int>(kColumns[static_cast<size_t>(index.column())].alignment);
  if (index.column() != 3 || (role != Qt::BackgroundRole && role != Qt::ForegroundRole)) return {};
  const Selection& now = workspace_.selection.now();
  const TokenState state = workspace_.document.content()->index(now.run).state(
      {now.layer, now.lane}, position, now.step);
  if (!state.kept()) return {};
  const Rgb ground = state_colour(workspace_.style.colours(), state);
  return QBrush(to_qt(role == Qt::BackgroundRole ? ground : ink_on(ground)));
}

TokenTableView::TokenTableView(Workspace& workspace, const QString& title, QWidget* parent)
    : View(workspace, title, parent),
      table_(new TokenTable(workspace, this)),
      rows_(new QTableView(this)) {
  rows_->setModel(table_);
  rows_->setFrameShape(QFrame::NoFrame);
  rows_->setShowGrid(false);
  rows_->setAlternatingRowColors(true);
  rows_->setSelectionBehavior(QAbstractItemView::SelectRows);
  rows_->setWordWrap(false);
  rows_->setFont(small_font());
  rows_->setAccessibleName(QStringLiteral("tokens of the visible range"));
  rows_->verticalHeader()->hide();
  rows_->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  rows_->verticalHeader()->setDefaultSectionSize(22);
  rows_->horizontalHeader()->setFont(small_font());
  rows_->horizontalHeader()->setSectionResizeMode(1, QHeaderView::Stretch);
  rows_->horizontalHeader()->setHighlightSections(false);
  for (size_t column = 0; column < kColumns.size(); ++column)
    rows_->setColumnWidth(static_cast<int>(column), kColumns[column].width);
  connect(rows_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& current) {
            if (selecting_ || !current.isValid()) return;
            const Position position = table_->position_of(current.row());
            this->workspace().selection.change(
                [position](Selection& wanted) { wanted.position = position; });
          });
  auto* action = new QAction(QStringLiteral("Copy the chosen rows"), rows_);
  connect(action, &QAction::triggered, this, [this] { copy(); });
  rows_->addAction(action);
  rows_->setContextMenuPolicy(Qt::ActionsContextMenu);
  rows_->hide();
}

QString TokenTableView::caption() const {
  const Selection& now = selection();
  return QStringLiteral("positions %1 to %2, layer %3 · %4, after step %5")
      .arg(grouped(now.first_visible.value),
           grouped(now.first_visible.value + uint64_t{now.visible} - 1))
      .arg(now.layer.value)
      .arg(to_qt(lane_name(content()->runs[now.run], now.lane)), grouped(now.step.value));
}

void TokenTableView::resizeEvent(QResizeEvent* event) {
  rows_->setGeometry(area().toRect());
  View::resizeEvent(event);
}

void TokenTableView::document_opened() {
  rows_->show();
  table_->reset();
  show_position();
}

void TokenTableView::snapshot_arrived(Topic topic) {
  if (topic == Topic::Row) rows_->viewport()->update();
}

bool TokenTableView::needs_refresh(const Selection& now, const Selection& before) const {
  return now.run != before.run || now.step != before.step || now.layer != before.layer ||
         now.lane != before.lane || now.first_visible != before.first_visible ||
         now.visible != before.visible;
}

void TokenTableView::selection_changed(const Selection& now, const Selection& before) {
  if (now.first_visible != before.first_visible || now.visible != before.visible) {
    selecting_ = true;
    table_->reset();
    selecting_ = false;
    show_position();
  } else if (now.position != before.position) {
    show_position();
  }
  rows_->viewport()->update();
}

void TokenTableView::show_position() {
  if (!selection().position) return;
  const std::optional<int> row = table_->row_of(*selection().position);
  if (!row) return;
  selecting_ = true;
  rows_->setCurrentIndex(table_->index(*row, 0));
  selecting_ = false;
}

void TokenTableView::copy() const {
  QString text;
  for (const QModelIndex& row : rows_->selectionModel()->selectedRows()) {
    for (int column = 0; column < table_->columnCount(); ++column)
      text += (column > 0 ? QStringLiteral("\t") : QString()) +
              table_->index(row.row(), column).data().toString();
    text += QLatin1Char('\n');
  }
  QApplication::clipboard()->setText(text);
}

// The panel is the table; what is painted here is only the theme that it has to follow.
void TokenTableView::paint_back(QPainter&) {
  QPalette wanted = control_palette(workspace().style.theme);
  wanted.setColor(QPalette::AlternateBase, to_qt(mix(colours().panel, colours().ground, 0.6)));
  const QString header =
      QStringLiteral(
          "QHeaderView { background: %1; } QHeaderView::section { background: %1; color: %2; "
          "border: none; border-bottom: 1px solid %3; padding: 2px 4px; }")
          .arg(to_qt(to_hex(colours().panel)), to_qt(to_hex(colours().secondary)),
               to_qt(to_hex(colours().rule)));
  if (rows_->palette() != wanted) rows_->setPalette(wanted);
  if (rows_->horizontalHeader()->styleSheet() != header)
    rows_->horizontalHeader()->setStyleSheet(header);
}

}  // namespace dendrokv
