#pragma once
// The visible range as a table: what the other views draw, in numbers. Rows are read when they are
// scrolled into sight, so a range of a million tokens costs nothing.

#include <QAbstractTableModel>
#include <QTableView>

#include "gui/view.h"

namespace dendrokv {

/// [visible position, column] of the workspace's document under its selection.
class TokenTable : public QAbstractTableModel {
  Q_OBJECT
 public:
  TokenTable(Workspace& workspace, QObject* parent);
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation,
                      int role = Qt::DisplayRole) const override;
  /// After the range, or everything, changed.
  void reset();
  Position position_of(int row) const { return Position(first_ + static_cast<uint32_t>(row)); }
  std::optional<int> row_of(Position position) const;

 private:
  QString text_of(Position position, int column) const;
  Workspace& workspace_;
  uint32_t first_ = 0;
  int rows_ = 0;
};

class TokenTableView : public View {
  Q_OBJECT
 public:
  TokenTableView(Workspace& workspace, const QString& title, QWidget* parent);
  QString caption() const override;
  TokenTable& table() { return *table_; }
  QTableView& widget() { return *rows_; }

 protected:
  void paint_back(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void selection_changed(const Selection& now, const Selection& before) override;
  void document_opened() override;
  void snapshot_arrived(Topic topic) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void show_position();
  void copy() const;
  TokenTable* table_;
  QTableView* rows_;
  bool selecting_ = false;  // the row that becomes current is that of the selection
};

}  // namespace dendrokv
