#include "gui/compare_control.h"

#include <algorithm>

namespace dendrokv {
namespace {

// Slow enough to look at both, and below the three flashes a second that WCAG 2 allows.
constexpr int kBlinkMilliseconds = 600;
constexpr size_t kMostCompared = 2;

}  // namespace

CompareControl::CompareControl(Workspace& workspace, ViewDeck& deck, QObject* parent)
    : QObject(parent), workspace_(workspace), deck_(deck) {
  blink_.setInterval(kBlinkMilliseconds);
  connect(&blink_, &QTimer::timeout, this, [this] { blink_once(); });
  connect(&workspace.selection, &SelectionModel::changed, this,
          [this](const Selection& now, const Selection& before) {
            if (now.others != before.others && !blink_.isActive()) rebuild_panes();
          });
}

void CompareControl::forget() {
  blink_.stop();
  wants_panes_ = false;
  rebuild_panes();
  hide_views();
  workspace_.beside.reset();
  second_.reset();
  identity_.reset();
}

void CompareControl::drop_panes() {
  for (SidePane* pane : panes_) delete pane;
  panes_.clear();
}

/// Runs that drop something, the chosen one aside; all others when there are none.
std::vector<size_t> CompareControl::candidates() const {
  const Content& content = *workspace_.document.content();
  std::vector<size_t> bounded, all;
  for (size_t run = 0; run < content.runs.size(); ++run) {
    if (run == workspace_.selection.now().run) continue;
    all.push_back(run);
    if (content.runs[run].budget > 0) bounded.push_back(run);
  }
  return bounded.empty() ? all : bounded;
}

/// A layout of its own, for as long as it lasts.
void CompareControl::show() {
  if (!before_.empty()) return;
  before_ = deck_.shown();
  deck_.set_shown({"agreement", "overview", "text", "retention", "compare", "inspector"});
}

void CompareControl::hide_views() {
  if (!before_.empty()) deck_.set_shown(before_);
  before_.clear();
}

void CompareControl::cycle() {
  if (!workspace_.document.content()) return;
  const std::vector<size_t> runs = candidates();
  if (runs.empty()) {
    Q_EMIT told(QStringLiteral(
        "There is one run only. Replay another policy over the trace (dendrokv replay), or open a "
        "second trace beside it."));
    return;
  }
  const std::vector<size_t>& others = workspace_.selection.now().others;
  size_t next = 0;
  if (!others.empty())
    next =
        static_cast<size_t>(std::find(runs.begin(), runs.end(), others.front()) - runs.begin()) + 1;
  if (next >= runs.size()) return stop();
  workspace_.selection.change([&](Selection& wanted) { wanted.others = {runs[next]}; });
  show();
}

void CompareControl::add_next() {
  if (!workspace_.document.content()) return;
  const std::vector<size_t>& others = workspace_.selection.now().others;
  for (const size_t run : candidates()) {
    if (others.size() >= kMostCompared) break;
    if (std::find(others.begin(), others.end(), run) != others.end()) continue;
    workspace_.selection.change([run](Selection& wanted) { wanted.others.push_back(run); });
    return show();
  }
  Q_EMIT told(QStringLiteral("No further run to compare with; three at a time."));
}

void CompareControl::stop() {
  forget();
  workspace_.selection.change([](Selection& wanted) { wanted.others.clear(); });
  deck_.refresh();
}

void CompareControl::open_beside(const std::vector<std::filesystem::path>& files) {
  if (!workspace_.document.content()) return;
  drop_panes();
  workspace_.beside.reset();
  second_ = std::make_unique<Document>();
  connect(second_.get(), &Document::opened, this, [this] { second_opened(); });
  connect(second_.get(), &Document::failed, this,
          [this](const QString& message) { Q_EMIT refused(message); });
  connect(second_.get(), &Document::settled, this, &CompareControl::settled);
  second_->open(files);
}

void CompareControl::second_opened() {
  if (!workspace_.document.content()) return;
  const std::shared_ptr<const Content> theirs = second_->shared_content();
  const Content& ours = *workspace_.document.content();
  Alignment alignment = align(ours.tokens, theirs->tokens);
  if (alignment.shared() == 0) {
    Q_EMIT refused(QStringLiteral("The two traces have no token in common: nothing to compare."));
    return;
  }
  if (theirs->info.model.layers != ours.info.model.layers)
    Q_EMIT told(
        QStringLiteral("The models differ in their number of layers: lanes are compared "
                       "layer by layer as far as both have them."));
  else if (alignment.shared() < std::max(ours.info.tokens, theirs->info.tokens))
    Q_EMIT told(QStringLiteral("%1 of %2 tokens have a counterpart; the others belong to one text "
                               "only.")
                    .arg(grouped(alignment.shared()), grouped(ours.info.tokens)));
  workspace_.beside = Beside{theirs, std::move(alignment)};
  show();
  rebuild_panes();
  deck_.refresh();
}

void CompareControl::rebuild_panes() {
  drop_panes();
  const Content* const content = workspace_.document.content();
  if (!wants_panes_ || !content) return;
  for (const size_t run : workspace_.selection.now().others)
    panes_.push_back(new SidePane(workspace_, workspace_.document, nullptr, run, &deck_));
  if (workspace_.beside && second_ && second_->content())
    panes_.push_back(new SidePane(workspace_, *second_, &workspace_.beside->alignment,
                                  most_telling_run(*second_->content()), &deck_));
  for (SidePane* pane : panes_) deck_.add_pane(pane);
}

void CompareControl::toggle_side_by_side() {
  const Content* const content = workspace_.document.content();
  if (!content) return;
  wants_panes_ = panes_.empty();
  if (wants_panes_ && workspace_.selection.now().others.empty() && !workspace_.beside) cycle();
  rebuild_panes();
}

void CompareControl::toggle_blink() {
  if (blink_.isActive()) {
    blink_.stop();
    return;
  }
  if (!workspace_.document.content()) return;
  if (workspace_.selection.now().others.empty()) cycle();
  if (!workspace_.selection.now().others.empty()) blink_.start();
}

void CompareControl::blink_once() {
  workspace_.selection.change(
      [](Selection& wanted) {
        if (!wanted.others.empty()) std::swap(wanted.run, wanted.others.front());
      },
      History::Skip);
}

std::optional<Pairing> CompareControl::first_pairing() {
  const Content* const content = workspace_.document.content();
  if (!content) return std::nullopt;
  const Selection& now = workspace_.selection.now();
  if (!now.others.empty()) {
    if (!identity_) identity_ = Alignment::identity(content->info.tokens);
    return Pairing{content->runs[now.run], content->runs[now.others.front()], *identity_};
  }
  if (!workspace_.beside) return std::nullopt;
  const Content& theirs = *workspace_.beside->content;
  return Pairing{content->runs[now.run], theirs.runs[most_telling_run(theirs)],
                 workspace_.beside->alignment};
}

void CompareControl::jump_to_disagreement() {
  if (workspace_.selection.now().others.empty() && !workspace_.beside) cycle();
  const std::optional<Pairing> pairing = first_pairing();
  if (!pairing) return;
  const std::optional<Disagreement> worst = largest_disagreement(*pairing);
  if (!worst) {
    Q_EMIT told(QStringLiteral("The two keep the same tokens in every lane and at every step."));
    return;
  }
  workspace_.selection.change([&worst](Selection& wanted) {
    wanted.scope = LaneScope::One;
    wanted.layer = worst->lane.layer;
    wanted.lane = worst->lane.lane;
    wanted.step = worst->step;
  });
  Q_EMIT told(QStringLiteral("Least alike in layer %1, lane %2 after step %3: Jaccard index %4.")
                  .arg(worst->lane.layer.value)
                  .arg(worst->lane.lane.value)
                  .arg(grouped(worst->step.value))
                  .arg(worst->jaccard, 0, 'f', 3));
}

void CompareControl::refresh() {
  for (SidePane* pane : panes_) pane->refresh();
}

}  // namespace dendrokv
