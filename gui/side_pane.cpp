#include "gui/side_pane.h"

#include <QScopedValueRollback>
#include <QSplitter>
#include <QVBoxLayout>
#include <array>

#include "gui/comparison.h"
#include "gui/views.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 2> kViews = {"text", "retention"};

std::vector<LaneId> lanes_beside(const Run& first, const Run& second,
                                 const std::vector<LaneId>& lanes) {
  std::vector<LaneId> beside;
  for (const LaneId& id : lanes)
    if (const std::optional<LaneId> lane = lane_beside(first, second, id)) beside.push_back(*lane);
  return beside;
}

}  // namespace

SidePane::SidePane(Workspace& main, Document& document, const Alignment* alignment, size_t run,
                   QWidget* parent)
    : QWidget(parent),
      main_(main),
      document_(document),
      alignment_(alignment),
      run_(run),
      workspace_{document, selection_, main.style} {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(4);
  title_ = new QLabel(this);
  title_->setTextFormat(Qt::PlainText);
  title_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  layout->addWidget(title_);
  auto* splitter = new QSplitter(Qt::Vertical, this);
  splitter->setHandleWidth(kGutter);
  splitter->setChildrenCollapsible(false);
  layout->addWidget(splitter, 1);
  selection_.reset(*document.content(), mapped(main.selection.now()));
  for (const std::string_view name : kViews) {
    const ViewRow& row = view_row(name);
    views_.push_back(row.make(workspace_, to_qt(row.title), splitter));
    splitter->addWidget(views_.back());
  }
  connect(&main.selection, &SelectionModel::changed, this, [this] { follow(); });
  connect(&selection_, &SelectionModel::changed, this, [this] { lead(); });
  refresh();
  for (View* view : views_) view->catch_up();
}

QString SidePane::title() const {
  const Content& content = *document_.content();
  const Run& run = content.runs[selection_.now().run];
  const QString text = to_qt(run_title(run) + " · " + provenance_name(run));
  return alignment_ ? QString::fromStdString(content.file.filename().string()) +
                          QStringLiteral(": ") + text
                    : text;
}

void SidePane::refresh() {
  workspace_.style = main_.style;
  workspace_.level_marks = main_.level_marks;
  workspace_.paint_mode = main_.paint_mode;
  if (!alignment_) workspace_.marks = main_.marks;
  title_->setFont(small_font());
  title_->setText(title());
  title_->setToolTip(title());
  for (View* view : views_) view->refresh();
}

Selection SidePane::mapped(const Selection& main) const {
  Selection own = main;
  own.run = run_;
  own.others.clear();
  const Content& ours = *main_.document.content();
  const Run& run = document_.content()->runs[run_];
  if (const auto lane = lane_beside(ours.runs[main.run], run, {main.layer, main.lane}))
    own.lane = lane->lane;
  own.set = lanes_beside(ours.runs[main.run], run, main.set);
  if (!alignment_) return own;
  own.step = alignment_->second_step(main.step);
  own.position = main.position ? alignment_->second(*main.position) : std::nullopt;
  own.hover = main.hover ? alignment_->second(*main.hover) : std::nullopt;
  own.range.reset();
  own.first_visible = Position(alignment_->second_step(Step(main.first_visible.value)).value);
  return own;
}

/// What was done here, as if it had been done in the window.
Selection SidePane::mapped_back(Selection main, const Selection& own) const {
  const Content& ours = *main_.document.content();
  const Selection before = mapped(main);
  if (!same_lanes(own, before)) {
    const Run& run = document_.content()->runs[run_];
    main.layer = own.layer;
    main.scope = own.scope;
    if (const auto lane = lane_beside(run, ours.runs[main.run], {own.layer, own.lane}))
      main.lane = lane->lane;
    main.set = lanes_beside(run, ours.runs[main.run], own.set);
  }
  const auto back = [this](std::optional<Position> position) {
    return position && alignment_ ? alignment_->first(*position) : position;
  };
  if (own.position != before.position) main.position = back(own.position);
  if (own.hover != before.hover) main.hover = back(own.hover);
  if (own.step != before.step) main.step = alignment_ ? alignment_->first_step(own.step) : own.step;
  if (own.visible != before.visible) main.visible = own.visible;
  if (own.first_visible != before.first_visible)
    main.first_visible = alignment_
                             ? Position(alignment_->first_step(Step(own.first_visible.value)).value)
                             : own.first_visible;
  return main;
}

void SidePane::follow() {
  if (following_ || !main_.document.content() || !document_.content()) return;
  const QScopedValueRollback<bool> guard(following_, true);
  selection_.set(mapped(main_.selection.now()), History::Skip);
}

void SidePane::lead() {
  if (following_ || !main_.document.content()) return;
  const QScopedValueRollback<bool> guard(following_, true);
  main_.selection.set(mapped_back(main_.selection.now(), selection_.now()), History::Merge);
  // What has no counterpart in the window's text is let go of here, too.
  selection_.set(mapped(main_.selection.now()), History::Skip);
}

}  // namespace dendrokv
