#pragma once
// The window: the control bar, a line for notices, and the views, or one message. What it can do is
// in the table of actions; how views lie is the deck's; what is compared is the CompareControl's.

#include <QLabel>
#include <QMainWindow>
#include <QStackedWidget>
#include <memory>

#include "gui/actions.h"
#include "gui/compare_control.h"
#include "gui/control_bar.h"
#include "gui/notes_panel.h"
#include "gui/notice_bar.h"
#include "gui/options.h"
#include "gui/recent.h"
#include "gui/tour.h"
#include "gui/view_deck.h"
#include "gui/workspace_file.h"

namespace dendrokv {

/// What a window reads and keeps beside the files that it was given.
enum class Memory {
  None,
  Sidecars,  // workspace and notes beside the trace
  All,       // those, and what is in the user's state folder: recent files, the window closed last
};

class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  explicit MainWindow(const ViewOptions& options, Memory memory = Memory::None);
  ~MainWindow() override;

  /// A trace and runs over it, or one workspace. Ends in ready() or failed().
  void open(const std::vector<std::filesystem::path>& files);
  /// A workspace whose trace is gone asks for it (missing_trace); other trouble is failed().
  void open_workspace(const std::filesystem::path& file);
  /// The same with the trace in another place.
  void open_workspace(const std::filesystem::path& file, const std::filesystem::path& trace);
  /// What is open, as a workspace. Throws Error: unwritable.
  void save_workspace(const std::filesystem::path& file);
  SavedWorkspace saved() const;

  Workspace& workspace() { return workspace_; }
  Document& document() { return document_; }
  SelectionModel& selection() { return selection_; }
  ControlBar& controls() { return *controls_; }
  ViewDeck& deck() { return *deck_; }
  CompareControl& comparison() { return *comparison_; }
  NotesModel& notes() { return notes_; }
  NotesPanel& notes_panel() { return *notes_panel_; }
  NoticeBar& notice() { return *notice_; }
  Tour& tour() { return *tour_; }
  View* view(std::string_view name) const { return deck_->view(name); }

  void show_only(std::string_view name) { deck_->show_only(name); }
  void set_theme(Theme theme);
  void set_font_percent(int percent);
  void refresh_views();
  /// For vector output: of all views, those in panes too.
  void set_paint_mode(PaintMode mode);
  void toggle_notes();
  /// Opens the built-in sample and leads through it.
  void start_tour();
  void show_palette();
  /// "L3, L5-7:H2"; says so when it is no such set.
  void choose_lanes(const QString& lanes);
  /// Asks for them.
  void ask_lanes();
  /// "120k", "step 40", "14.2"; says so when it is no such place.
  void go_to(const QString& place);
  /// Where the user's keys are kept; nowhere in a window without memory.
  std::optional<std::filesystem::path> keys_file() const;
  /// What stands in place of the views: why nothing is open.
  QString message() const;
  const std::vector<std::filesystem::path>& files() const { return files_; }
  const Recent& recent() const { return recent_; }

  /// Something that was asked for has not been answered.
  bool busy() const;

 Q_SIGNALS:
  void settled();  // busy() became false
  /// The first selection stands; what it needs is on its way.
  void ready();
  void failed(const QString& message);
  /// The trace that a workspace names is not there.
  void missing_trace(const QString& workspace, const QString& trace);

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;
  void closeEvent(QCloseEvent* event) override;

 private:
  void build();
  void connect_all();
  void document_opened();
  Selection start_selection(const Content& content);
  void apply_look(const SavedWorkspace& saved);
  void take_sidecars(const Content& content);
  void tell_what_is_missing(const Content& content);
  void compare_as_asked(const Content& content);
  void remember();
  void show_message(const QString& text);
  void refuse(const QString& text);
  void file_replaced(const QString& what);
  void take_keys();
  void ask_for_trace(const QString& workspace, const QString& trace);

  ViewOptions options_;
  Memory memory_;
  Document document_;
  SelectionModel selection_;
  Workspace workspace_;
  NotesModel notes_;
  Recent recent_;
  ControlBar* controls_ = nullptr;
  NoticeBar* notice_ = nullptr;
  ViewDeck* deck_ = nullptr;
  NotesPanel* notes_panel_ = nullptr;
  CompareControl* comparison_ = nullptr;
  Tour* tour_ = nullptr;
  QStackedWidget* stack_ = nullptr;
  QLabel* message_ = nullptr;
  std::vector<std::filesystem::path> files_;
  std::optional<SavedWorkspace> restoring_;  // what the document that is being opened starts with
  bool touring_ = false;
  QString keys_problem_;  // said once there is a picture to say it over
};

}  // namespace dendrokv
