#include "gui/main_window.h"

#include <QApplication>
#include <QDragEnterEvent>
#include <QMimeData>
#include <QVBoxLayout>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr int kLeftWidth = 208, kRightWidth = 304;

}  // namespace

MainWindow::MainWindow(const ViewOptions& options)
    : options_(options), workspace_{document_, selection_, {options.theme}} {
  setWindowTitle(QStringLiteral("DendroKV"));
  setAcceptDrops(true);
  // Before any view is made: when the views hear of a document, the selection fits it already.
  connect(&document_, &Document::opened, this, [this] { document_opened(); });
  auto* page = new QWidget(this);
  page->setObjectName(QStringLiteral("body"));
  // The keys belong to the window until Tab or a click gives them to a control.
  page->setFocusPolicy(Qt::StrongFocus);
  page->setFocus();
  auto* layout = new QVBoxLayout(page);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  controls_ = new ControlBar(workspace_, page);
  layout->addWidget(controls_);
  stack_ = new QStackedWidget(page);
  message_ = new QLabel(stack_);
  message_->setAlignment(Qt::AlignCenter);
  message_->setWordWrap(true);
  message_->setMargin(60);
  message_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  message_->setFont(sized_font(15));
  stack_->addWidget(message_);
  stack_->addWidget(build_body());
  layout->addWidget(stack_, 1);
  setCentralWidget(page);
  connect(&document_, &Document::failed, this, [this](const QString& text) {
    show_message(text);
    Q_EMIT failed(text);
  });
  add_actions(*this);
  set_theme(options.theme);
  show_message(
      QStringLiteral("Open a trace that “dendrokv trace” recorded: Ctrl+O, or drop it here."));
  if (!options.view.empty()) show_only(options.view);
}

MainWindow::~MainWindow() = default;

QSplitter* MainWindow::build_side(Side side, QWidget* parent) {
  auto* splitter = new QSplitter(Qt::Vertical, parent);
  splitter->setHandleWidth(kGutter);
  splitter->setChildrenCollapsible(false);
  int index = 0;
  for (const ViewRow& row : view_table()) {
    if (row.side != side) continue;
    View* view = row.make(workspace_, to_qt(row.title), splitter);
    views_[row.name] = view;
    splitter->addWidget(view);
    view->setVisible(row.at_start == AtStart::Shown);
    splitter->setStretchFactor(index++, row.share);
  }
  sides_.emplace_back(side, splitter);
  return splitter;
}

QWidget* MainWindow::build_body() {
  auto* body = new QWidget(this);
  auto* layout = new QVBoxLayout(body);
  layout->setContentsMargins(kGutter, kGutter, kGutter, kGutter);
  auto* across = new QSplitter(Qt::Horizontal, body);
  across->setHandleWidth(kGutter);
  across->setChildrenCollapsible(false);
  for (const Side side : {Side::Left, Side::Centre, Side::Right})
    across->addWidget(build_side(side, across));
  across->setStretchFactor(0, 0);
  across->setStretchFactor(1, 1);
  across->setStretchFactor(2, 0);
  across->setSizes({kLeftWidth, 1200, kRightWidth});
  layout->addWidget(across);
  for (const auto& [side, splitter] : sides_) {
    QList<int> sizes;
    for (const ViewRow& row : view_table())
      if (row.side == side) sizes << row.share * 10;
    splitter->setSizes(sizes);
  }
  return body;
}

void MainWindow::open(const std::vector<std::filesystem::path>& files) {
  files_ = files;
  show_message(QStringLiteral("Opening …"));
  document_.open(files);
}

void MainWindow::document_opened() {
  const Content& content = *document_.content();
  const Selection start = first_selection(content);
  try {
    selection_.reset(content, selected_by(options_, content, start));
  } catch (const Error& error) {
    selection_.reset(content, start);
    show_message(QString::fromUtf8(error.what()));
    Q_EMIT failed(QString::fromUtf8(error.what()));
    return;
  }
  setWindowTitle(QString::fromStdString(content.file.filename().string()) +
                 QStringLiteral(" — DendroKV"));
  stack_->setCurrentIndex(1);
  // The options speak of the files they were given with, not of what is opened later.
  options_.at.reset();
  options_.step.reset();
  options_.scope.reset();
  options_.run.reset();
  Q_EMIT ready();
}

void MainWindow::show_message(const QString& text) {
  message_->setText(text);
  stack_->setCurrentIndex(0);
}

QString MainWindow::message() const {
  return stack_->currentIndex() == 0 ? message_->text() : QString();
}

View* MainWindow::view(std::string_view name) const {
  const auto found = views_.find(name);
  return found == views_.end() ? nullptr : found->second;
}

void MainWindow::show_only(std::string_view name) {
  alone_ = alone_ == name ? std::string() : std::string(name);
  for (const auto& [side, splitter] : sides_) {
    bool any = false;
    for (const ViewRow& row : view_table()) {
      if (row.side != side) continue;
      const bool shown = alone_.empty() ? row.at_start == AtStart::Shown : alone_ == row.name;
      views_[row.name]->setVisible(shown);
      any = any || shown;
    }
    splitter->setVisible(any);
  }
}

void MainWindow::set_theme(Theme theme) {
  workspace_.style.theme = theme;
  setPalette(control_palette(theme));
  setStyleSheet(style_sheet(theme));
  refresh_views();
}

void MainWindow::refresh_views() {
  for (const auto& [name, view] : views_) view->refresh();
  controls_->refresh();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  std::vector<std::filesystem::path> files;
  for (const QUrl& url : event->mimeData()->urls())
    files.emplace_back(url.toLocalFile().toStdString());
  open(files);
}

}  // namespace dendrokv
