#include "gui/main_window.h"

#include <QApplication>
#include <QHBoxLayout>
#include <QInputDialog>
#include <QVBoxLayout>

#include "data/error.h"
#include "gui/command_palette.h"
#include "gui/destinations.h"
#include "gui/key_bindings.h"
#include "gui/lane_sets.h"

namespace dendrokv {
namespace {

constexpr int kNotesWidth = 280;
constexpr const char* kInvitation =
    "Open a trace that “dendrokv trace” recorded: Ctrl+O, or drop it here.\n\n"
    "No trace at hand? Ctrl+Shift+T takes you round on a sample.";

}  // namespace

MainWindow::MainWindow(const ViewOptions& options, Memory memory)
    : options_(options), memory_(memory), workspace_{document_, selection_, {options.theme}} {
  setWindowTitle(QStringLiteral("DendroKV"));
  setAcceptDrops(true);
  if (options.font_percent) dendrokv::set_font_percent(*options.font_percent);
  if (memory_ == Memory::All) recent_ = read_recent(recent_path());
  // Before any view is made: when the views hear of a document, the selection fits it already.
  connect(&document_, &Document::opened, this, [this] { document_opened(); });
  build();
  connect_all();
  add_actions(*this);
  take_keys();
  set_theme(options.theme);
  show_message(QString::fromUtf8(kInvitation));
  if (!options.view.empty()) show_only(options.view);
}

// Before the document and the selection go: views that are hidden or deleted still talk to them.
MainWindow::~MainWindow() {
  hide();
  qDeleteAll(findChildren<QWidget*>(QString(), Qt::FindDirectChildrenOnly));
}

void MainWindow::build() {
  auto* page = new QWidget(this);
  page->setObjectName(QStringLiteral("body"));
  // The keys belong to the window until Tab or a click gives them to a control.
  page->setFocusPolicy(Qt::StrongFocus);
  page->setFocus();
  setCentralWidget(page);
  auto* layout = new QVBoxLayout(page);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  controls_ = new ControlBar(workspace_, page);
  notice_ = new NoticeBar(page);
  stack_ = new QStackedWidget(page);
  message_ = new QLabel(stack_);
  message_->setAlignment(Qt::AlignCenter);
  message_->setWordWrap(true);
  message_->setMargin(60);
  message_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  message_->setFont(sized_font(15));
  auto* body = new QWidget(stack_);
  auto* across = new QHBoxLayout(body);
  across->setContentsMargins(0, 0, 0, 0);
  across->setSpacing(0);
  deck_ = new ViewDeck(workspace_, body);
  notes_panel_ = new NotesPanel(workspace_, notes_, body);
  notes_panel_->setFixedWidth(kNotesWidth);
  notes_panel_->hide();
  across->addWidget(deck_, 1);
  across->addWidget(notes_panel_);
  across->setContentsMargins(0, 0, 0, 0);
  stack_->addWidget(message_);
  stack_->addWidget(body);
  layout->addWidget(controls_);
  layout->addWidget(notice_);
  layout->addWidget(stack_, 1);
  comparison_ = new CompareControl(workspace_, *deck_, this);
  tour_ = new Tour(*this);
}

void MainWindow::connect_all() {
  connect(&document_, &Document::failed, this, [this](const QString& text) { refuse(text); });
  connect(&document_, &Document::settled, this, [this] {
    if (!busy()) Q_EMIT settled();
  });
  connect(comparison_, &CompareControl::settled, this, [this] {
    if (!busy()) Q_EMIT settled();
  });
  connect(comparison_, &CompareControl::refused, this, [this](const QString& text) {
    notice_->tell(text);
    Q_EMIT failed(text);
  });
  connect(comparison_, &CompareControl::told, notice_,
          [this](const QString& text) { notice_->tell(text); });
  connect(notes_panel_, &NotesPanel::failed, notice_,
          [this](const QString& text) { notice_->tell(text); });
  connect(&notes_, &NotesModel::changed, this, [this] { refresh_views(); });
  connect(controls_, &ControlBar::hits_changed, this, [this] { refresh_views(); });
  connect(controls_, &ControlBar::lanes_wanted, this, [this] { ask_lanes(); });
  connect(&document_, &Document::replaced, this,
          [this](const QString& what) { file_replaced(what); });
  connect(&document_, &Document::grew, this, [this] { refresh_views(); });
  connect(&document_, &Document::index_built, this, [this](const QString& problem) {
    notice_->tell(problem.isEmpty() ? QStringLiteral("The index is there: every zoom is exact now.")
                                    : QStringLiteral("No index was made: ") + problem);
    refresh_views();
  });
  connect(this, &MainWindow::missing_trace, this,
          [this](const QString& workspace, const QString& trace) {
            if (memory_ == Memory::All) ask_for_trace(workspace, trace);
          });
  connect(tour_, &Tour::left, this, [this] { remember(); });
}

bool MainWindow::busy() const {
  return document_.busy() || (comparison_->second() && comparison_->second()->busy());
}

void MainWindow::show_message(const QString& text) {
  message_->setText(text);
  stack_->setCurrentIndex(0);
}

QString MainWindow::message() const {
  return stack_->currentIndex() == 0 ? message_->text() : QString();
}

void MainWindow::set_theme(Theme theme) {
  workspace_.style.theme = theme;
  setPalette(control_palette(theme));
  setStyleSheet(style_sheet(theme));
  refresh_views();
}

void MainWindow::set_font_percent(int percent) {
  dendrokv::set_font_percent(percent);
  QApplication::setFont(body_font());
  message_->setFont(sized_font(15));
  setStyleSheet(style_sheet(workspace_.style.theme));
  controls_->set_fonts();
  // Views lay their texts out anew when their size changes; this is such a change.
  for (const ViewRow& row : view_table()) {
    QResizeEvent event(view(row.name)->size(), view(row.name)->size());
    QApplication::sendEvent(view(row.name), &event);
  }
  refresh_views();
}

void MainWindow::refresh_views() {
  deck_->refresh();
  comparison_->refresh();
  controls_->refresh();
}

void MainWindow::set_paint_mode(PaintMode mode) {
  workspace_.paint_mode = mode;
  comparison_->refresh();
}

void MainWindow::toggle_notes() {
  notes_panel_->setVisible(!notes_panel_->isVisible());
}

void MainWindow::start_tour() {
  recent_.tour_seen = true;
  try {
    touring_ = true;
    options_.forget_places();
    open(sample_files());
  } catch (const Error& error) {
    touring_ = false;
    refuse(QString::fromUtf8(error.what()));
  }
}

void MainWindow::show_palette() {
  auto* dialog = new CommandPalette(palette_actions(*this), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &CommandPalette::went_to, this, [this](const QString& place) { go_to(place); });
  dialog->open();
}

std::optional<std::filesystem::path> MainWindow::keys_file() const {
  return memory_ == Memory::All ? std::optional(keys_path()) : std::nullopt;
}

/// The user's own keys. A file that cannot be read is said, and left as it is.
void MainWindow::take_keys() {
  if (!keys_file()) return;
  try {
    KeyBindings(palette_actions(*this)).apply(read_keys(*keys_file()));
  } catch (const Error& error) {
    keys_problem_ = QString::fromUtf8(error.what());
    notice_->tell(keys_problem_);
  }
}

void MainWindow::ask_lanes() {
  if (!document_.content()) return;
  const Selection& now = selection_.now();
  const Run& run = document_.content()->runs[now.run];
  bool given = false;
  const QString lanes = QInputDialog::getText(
      this, QStringLiteral("Set of lanes"),
      QStringLiteral("layers and lanes: L3, L5-7:H2 (here 0 to %1, and H0 to %2 of each)")
          .arg(run.retention.layers() - 1)
          .arg(run.retention.lanes() - 1),
      QLineEdit::Normal, to_qt(lane_set_text(chosen_lanes(run, now), run)), &given);
  if (given) choose_lanes(lanes);
}

void MainWindow::choose_lanes(const QString& lanes) {
  if (!document_.content()) return;
  const Run& run = document_.content()->runs[selection_.now().run];
  try {
    const std::vector<LaneId> wanted = parse_lane_set(lanes.toStdString(), run);
    selection_.change([&wanted](Selection& next) { dendrokv::choose_lanes(next, wanted); });
  } catch (const Error& error) {
    notice_->tell(QString::fromUtf8(error.what()));
  }
}

void MainWindow::go_to(const QString& place) {
  const std::optional<Destination> wanted = parse_destination(place);
  if (!wanted || !document_.content()) {
    notice_->tell(
        QStringLiteral("“%1” is no place: wanted a position (120k), a step (step 40) or a "
                       "lane (14.2).")
            .arg(place));
    return;
  }
  selection_.change([&wanted](Selection& next) {
    switch (wanted->kind) {
      case Destination::Kind::ToPosition:
        next.position = Position(wanted->number);
        if (wanted->number < next.first_visible.value ||
            wanted->number >= next.first_visible.value + next.visible)
          next.first_visible =
              Position(wanted->number - std::min(wanted->number, next.visible / 2));
        break;
      case Destination::Kind::ToStep:
        next.step = Step(wanted->number);
        break;
      case Destination::Kind::ToLane:
        next.scope = LaneScope::One;
        next.layer = wanted->layer;
        next.lane = wanted->lane;
        break;
    }
  });
}

}  // namespace dendrokv
