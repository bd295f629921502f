#include "gui/tour.h"

// How to add a stop: a row below. Texts are what a newcomer reads: no word that the window has not
// shown.

#include <QFile>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QPainter>
#include <QVBoxLayout>
#include <array>

#include "data/error.h"
#include "gui/json_file.h"
#include "gui/main_window.h"

// The resource lies in a library, whose linker would drop it: it has to be asked for, outside of
// any namespace.
static void load_sample_resource() {
  Q_INIT_RESOURCE(sample);
}

namespace dendrokv {
namespace {

constexpr int kCardWidth = 380, kAway = 14;

void choose_step(MainWindow& window, uint32_t step) {
  window.selection().change([step](Selection& wanted) { wanted.step = Step(step); });
}

constexpr std::array<TourStop, 7> kStops = {{
    {"A cache that cannot keep everything",
     "A language model looks back at its text through a cache. Here it may hold 64 of 192 tokens "
     "in each "
     "lane (a layer's key-value head). Every step reads one token more, so one has to go. This "
     "window shows "
     "which, and why.",
     {},
     [](MainWindow& window) {
       window.deck().show_standard();
       choose_step(window, 191);
     }},
    {"The text",
     "Tokens with a coloured ground are still in the cache; the number below says how many duels "
     "they have "
     "won. Plain grey ones were evicted. Orange: the first tokens, which never leave. Grey ground: "
     "the recent "
     "window.",
     "text", [](MainWindow& window) { choose_step(window, 191); }},
    {"Time",
     "Move the slider above, press Left and Right, or Space to play. Full stop and comma go from "
     "eviction to "
     "eviction. Here the text has been read up to token 120.",
     "text", [](MainWindow& window) { choose_step(window, 120); }},
    {"Why was it evicted?",
     "Click any token. The card says when it left, which rule decided, both scores and their "
     "margin, what would "
     "have kept it, and what other policies did with it. Below, the chain of winners: who took its "
     "place, and "
     "theirs in turn.",
     "inspector",
     [](MainWindow& window) {
       choose_step(window, 191);
       const Content* content = window.document().content();
       window.selection().change([content](Selection& wanted) {
         wanted.scope = LaneScope::One;
         wanted.position = telling_position(content->runs[wanted.run], wanted.layer, wanted.lane);
       });
     }},
    {"The tree",
     "TreeKV compares neighbours in turn, so old text thins out like a tree. Time runs down: a "
     "line ends where "
     "its token left, and a bar leads to the winner. The chain of the chosen token stands out.",
     "lineage",
     [](MainWindow& window) { window.deck().set_visibility("lineage", Visibility::Shown); }},
    {"All lanes at once",
     "One row for each lane, in the colours of the text. Click a row to look at that lane; drag "
     "and turn the "
     "wheel to zoom. All views move together.",
     "retention",
     [](MainWindow& window) { window.deck().set_visibility("lineage", Visibility::Hidden); }},
    {"Your own files",
     "Ctrl+O opens a trace that dendrokv trace recorded, C compares runs, Ctrl+F finds text, N "
     "writes a note. "
     "Ctrl+Shift+P lists every command, ? every key. That is all.",
     {},
     [](MainWindow&) {}},
}};

/// Draws the frame around what the card speaks of.
class Outline : public QWidget {
 public:
  using QWidget::QWidget;

 protected:
  void paintEvent(QPaintEvent*) override {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(palette().color(QPalette::Highlight), 3));
    painter.drawRoundedRect(QRectF(rect()).adjusted(2, 2, -2, -2), kRadius, kRadius);
  }
};

std::filesystem::path sample_folder() {
  const QByteArray cache = qgetenv("XDG_CACHE_HOME");
  const std::filesystem::path base =
      cache.isEmpty() ? std::filesystem::path(qgetenv("HOME").toStdString()) / ".cache"
                      : std::filesystem::path(cache.toStdString());
  return base / "dendrokv" / "sample";
}

/// The bytes of a resource under a name in the cache folder; an equal file stays.
std::filesystem::path unpacked(const QString& resource, const std::filesystem::path& path) {
  QFile packed(resource);
  if (!packed.open(QIODevice::ReadOnly))
    fail("sample", "not part of this build", "wanted the resource " + resource.toStdString());
  const QByteArray bytes = packed.readAll();
  std::error_code ignored;
  if (std::filesystem::file_size(path, ignored) != static_cast<uintmax_t>(bytes.size()) ||
      read_small_file(path) != bytes)
    write_whole_file(path, bytes);
  return path;
}

}  // namespace

std::span<const TourStop> tour_stops() {
  return kStops;
}

std::vector<std::filesystem::path> sample_files() {
  load_sample_resource();
  const std::filesystem::path folder = sample_folder();
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  return {unpacked(QStringLiteral(":/sample/tide-ledger.h5"), folder / "tide-ledger.h5"),
          unpacked(QStringLiteral(":/sample/tide-ledger-runs.h5"), folder / "tide-ledger-runs.h5")};
}

bool is_sample(const std::filesystem::path& file) {
  return file.parent_path() == sample_folder();
}

Tour::Tour(MainWindow& window)
    : QFrame(window.centralWidget()),
      window_(window),
      outline_(new Outline(window.centralWidget())) {
  setObjectName(QStringLiteral("card"));
  setAttribute(Qt::WA_StyledBackground);
  outline_->setAttribute(Qt::WA_TransparentForMouseEvents);
  outline_->hide();
  setFocusPolicy(Qt::StrongFocus);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(18, 14, 18, 14);
  title_ = new QLabel(this);
  text_ = new QLabel(this);
  text_->setWordWrap(true);
  count_ = new QLabel(this);
  back_ = new QPushButton(QStringLiteral("Back"), this);
  next_ = new QPushButton(QStringLiteral("Next"), this);
  leave_ = new QPushButton(QStringLiteral("Leave"), this);
  next_->setDefault(true);
  layout->addWidget(title_);
  layout->addWidget(text_);
  layout->addSpacing(6);
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(count_);
  buttons->addStretch(1);
  for (QPushButton* button : {leave_, back_, next_}) buttons->addWidget(button);
  layout->addLayout(buttons);
  connect(back_, &QPushButton::clicked, this, [this] { go(-1); });
  connect(next_, &QPushButton::clicked, this, [this] { go(1); });
  connect(leave_, &QPushButton::clicked, this, [this] { leave(); });
  window.centralWidget()->installEventFilter(this);
  hide();
}

void Tour::start() {
  stop_ = 0;
  show_stop();
}

void Tour::go(int by) {
  if (by > 0 && stop_ + 1 == kStops.size()) return leave();
  if (by < 0 && stop_ == 0) return;
  stop_ = stop_ + static_cast<size_t>(by);
  show_stop();
}

void Tour::leave() {
  hide();
  outline_->hide();
  Q_EMIT left();
}

void Tour::show_stop() {
  const TourStop& stop = kStops[stop_];
  if (window_.document().content()) stop.prepare(window_);
  title_->setFont(sized_font(15, QFont::DemiBold));
  text_->setFont(body_font());
  count_->setFont(small_font());
  title_->setText(to_qt(stop.title));
  text_->setText(to_qt(stop.text));
  count_->setText(QStringLiteral("%1 of %2").arg(stop_ + 1).arg(kStops.size()));
  setAccessibleName(title_->text());
  setAccessibleDescription(text_->text());
  back_->setEnabled(stop_ > 0);
  next_->setText(stop_ + 1 == kStops.size() ? QStringLiteral("Done") : QStringLiteral("Next"));
  show();
  place();
  raise();
  next_->setFocus();
}

QRect Tour::target() const {
  const View* const view = window_.deck().view(kStops[stop_].view);
  if (!view || !view->isVisible()) return {};
  return {view->mapTo(parentWidget(), QPoint(0, 0)), view->size()};
}

/// Beside its target where there is room, else over its far corner; in the middle without one.
void Tour::place() {
  const int wide = static_cast<int>(scaled(kCardWidth));
  const QRect all = parentWidget()->rect(), about = target();
  resize(wide,
         layout()->hasHeightForWidth() ? layout()->heightForWidth(wide) : sizeHint().height());
  outline_->setVisible(!about.isEmpty());
  outline_->setGeometry(about.adjusted(-3, -3, 3, 3));
  outline_->raise();
  QPoint corner = all.center() - rect().center();
  if (!about.isEmpty()) {
    corner = about.topRight() + QPoint(kAway, 0);
    if (corner.x() + width() > all.right()) corner.setX(about.left() - width() - kAway);
    if (corner.x() < all.left())
      corner = about.bottomRight() - QPoint(width() + kAway, height() + kAway);
  }
  corner.setX(std::clamp(corner.x(), kAway, std::max(kAway, all.width() - width() - kAway)));
  corner.setY(std::clamp(corner.y(), kAway, std::max(kAway, all.height() - height() - kAway)));
  move(corner);
  raise();
}

bool Tour::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Resize && isVisible()) place();
  return QFrame::eventFilter(watched, event);
}

void Tour::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape)
    leave();
  else
    QFrame::keyPressEvent(event);
}

}  // namespace dendrokv
