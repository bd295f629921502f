#pragma once
// The window: the control bar and the views of the table, side by side, or one message.

#include <QLabel>
#include <QMainWindow>
#include <QSplitter>
#include <QStackedWidget>
#include <map>
#include <memory>

#include "gui/actions.h"
#include "gui/control_bar.h"
#include "gui/options.h"
#include "gui/views.h"

namespace dendrokv {

class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  explicit MainWindow(const ViewOptions& options);
  ~MainWindow() override;

  void open(const std::vector<std::filesystem::path>& files);
  Workspace& workspace() { return workspace_; }
  Document& document() { return document_; }
  SelectionModel& selection() { return selection_; }
  ControlBar& controls() { return *controls_; }
  View* view(std::string_view name) const;
  /// Shows one view alone; the same again, or an empty name, shows all.
  void show_only(std::string_view name);
  void set_theme(Theme theme);
  void refresh_views();
  /// What stands in place of the views: why nothing is open.
  QString message() const;
  const std::vector<std::filesystem::path>& files() const { return files_; }

 Q_SIGNALS:
  /// The first selection stands; what it needs is on its way.
  void ready();
  void failed(const QString& message);

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  QWidget* build_body();
  QSplitter* build_side(Side side, QWidget* parent);
  void document_opened();
  void show_message(const QString& text);

  ViewOptions options_;
  Document document_;
  SelectionModel selection_;
  Workspace workspace_;
  ControlBar* controls_ = nullptr;
  QStackedWidget* stack_ = nullptr;
  QLabel* message_ = nullptr;
  std::map<std::string_view, View*> views_;
  std::vector<std::pair<Side, QSplitter*>> sides_;
  std::string alone_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace dendrokv
