#include "gui/control_bar.h"

#include <QHBoxLayout>
#include <QSignalBlocker>
#include <algorithm>

#include "gui/lane_sets.h"
#include "gui/provenance.h"

namespace dendrokv {
namespace {

constexpr int kHeight = 52, kNarrowest = 940;
constexpr int kMillisecondsPerStep = 60;

QLabel* label(QWidget* parent, const QFont& font) {
  auto* made = new QLabel(parent);
  made->setFont(font);
  return made;
}

QString facts(const Content& content) {
  const TraceInfo& info = content.info;
  const auto count = [](size_t recorded, size_t all) {
    return recorded == all ? QString::number(all)
                           : QStringLiteral("%1 of %2").arg(recorded).arg(all);
  };
  QString text = grouped(info.tokens) + QStringLiteral(" tokens · ") +
                 count(info.layers.size(), info.model.layers) + QStringLiteral(" layers × ") +
                 count(info.heads.size(), info.model.heads) + QStringLiteral(" heads");
  if (info.steps.size() != info.tokens)
    text += info.steps.size() == 1 ? QStringLiteral(" · 1 step")
                                   : QStringLiteral(" · %1 steps").arg(info.steps.size());
  return text;
}

}  // namespace

ControlBar::ControlBar(Workspace& workspace, QWidget* parent)
    : QWidget(parent), workspace_(workspace) {
  setObjectName(QStringLiteral("control_bar"));
  setAttribute(Qt::WA_StyledBackground);
  setFixedHeight(static_cast<int>(scaled(kHeight)));
  build();
  connect_all();
  setEnabled(false);
}

QToolButton* ControlBar::tool(const QString& tip) {
  auto* button = new QToolButton(this);
  button->setToolTip(tip);
  button->setAccessibleName(tip);
  return button;
}

void ControlBar::build() {
  menu_ = tool(QStringLiteral("menu"));
  menu_->setPopupMode(QToolButton::InstantPopup);
  file_ = label(this, sized_font(14, QFont::DemiBold));
  facts_ = label(this, small_font());
  runs_ = new ChoiceBox(this);
  runs_->setMinimumWidth(static_cast<int>(scaled(130)));
  runs_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  runs_->setAccessibleName(QStringLiteral("run"));
  badge_ = new Badge(workspace_, this);
  layer_ = new QSpinBox(this);
  layer_->setPrefix(QStringLiteral("layer "));
  layer_->setButtonSymbols(QAbstractSpinBox::NoButtons);
  layer_->setFixedWidth(static_cast<int>(scaled(82)));
  layer_->setAccessibleName(QStringLiteral("layer"));
  lane_ = new ChoiceBox(this);
  lane_->setMinimumWidth(static_cast<int>(scaled(120)));
  lane_->setAccessibleName(QStringLiteral("lane of the layer, or mean"));
  step_text_ = label(this, small_font());
  slider_ = new QSlider(Qt::Horizontal, this);
  slider_->setMinimumWidth(80);
  slider_->setAccessibleName(QStringLiteral("step"));
  previous_ = tool(QStringLiteral("previous step (Left)"));
  play_ = tool(QStringLiteral("play or pause (Space)"));
  next_ = tool(QStringLiteral("next step (Right)"));
  find_ = new QLineEdit(this);
  find_->setPlaceholderText(QStringLiteral("find  Ctrl+F"));
  find_->setClearButtonEnabled(true);
  find_->setAccessibleName(QStringLiteral("find text"));
  find_->setMinimumWidth(110);
  find_->setMaximumWidth(static_cast<int>(scaled(150)));
  hits_ = label(this, small_font());
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(kGutter - 4, 0, kGutter, 0);
  layout->setSpacing(8);
  for (QWidget* widget : std::initializer_list<QWidget*>{menu_, file_, facts_})
    layout->addWidget(widget);
  layout->addSpacing(14);
  for (QWidget* widget : std::initializer_list<QWidget*>{runs_, badge_}) layout->addWidget(widget);
  layout->addSpacing(10);
  for (QWidget* widget : std::initializer_list<QWidget*>{layer_, lane_}) layout->addWidget(widget);
  layout->addSpacing(10);
  layout->addWidget(step_text_);
  layout->addWidget(slider_, 1);
  for (QWidget* widget : std::initializer_list<QWidget*>{previous_, play_, next_})
    layout->addWidget(widget);
  layout->addSpacing(6);
  for (QWidget* widget : std::initializer_list<QWidget*>{find_, hits_}) layout->addWidget(widget);
}

QSize ControlBar::minimumSizeHint() const {
  return {kNarrowest, kHeight};
}

void ControlBar::resizeEvent(QResizeEvent* event) {
  make_room();
  QWidget::resizeEvent(event);
}

void ControlBar::make_room() {
  for (QWidget* widget : std::initializer_list<QWidget*>{facts_, file_, previous_, next_})
    widget->show();
  // Whether the widgets that still show get their full, or at least their smallest, widths.
  const auto full = [this] {
    layout()->invalidate();
    return layout()->sizeHint().width() <= width();
  };
  const auto smallest = [this] {
    layout()->invalidate();
    return layout()->minimumSize().width() <= width();
  };
  if (!full()) facts_->hide();
  if (!full()) file_->hide();
  if (smallest()) return;
  previous_->hide();
  next_->hide();
}

void ControlBar::connect_all() {
  SelectionModel& selection = workspace_.selection;
  connect(&workspace_.document, &Document::opened, this, [this] { fill(); });
  connect(&workspace_.document, &Document::failed, this, [this] { setEnabled(false); });
  connect(&selection, &SelectionModel::changed, this,
          [this](const Selection& now, const Selection& before) {
            if (now.run != before.run) fill_lanes();
            if (!now.same_but_hover(before)) show_selection();
          });
  connect(runs_, QOverload<int>::of(&QComboBox::activated), this, [&selection](int index) {
    selection.change([index](Selection& wanted) { wanted.run = static_cast<size_t>(index); });
  });
  connect(layer_, QOverload<int>::of(&QSpinBox::valueChanged), this, [&selection](int layer) {
    selection.change([layer](Selection& wanted) {
      wanted.layer = Layer(layer);
      if (wanted.scope == LaneScope::AllMean) wanted.scope = LaneScope::LayerMean;
      if (wanted.scope == LaneScope::Set) wanted.scope = LaneScope::One;
    });
  });
  connect(lane_, QOverload<int>::of(&QComboBox::activated), this,
          [this](int index) { choose_lane(index); });
  connect(slider_, &QSlider::valueChanged, this, [&selection](int step) {
    selection.change([step](Selection& wanted) { wanted.step = Step(step); }, History::Merge);
  });
  connect(previous_, &QToolButton::clicked, this, [this] { move_step(-1); });
  connect(next_, &QToolButton::clicked, this, [this] { move_step(1); });
  connect(play_, &QToolButton::clicked, this, [this] { toggle_play(); });
  connect(&player_, &QTimer::timeout, this, [this] { play_on(); });
  connect(find_, &QLineEdit::textChanged, this, [this](const QString& text) { show_hits(text); });
  connect(find_, &QLineEdit::returnPressed, this, [this] { find_next(1); });
}

void ControlBar::fill() {
  const Content& content = *workspace_.document.content();
  setEnabled(true);
  file_->setText(QString::fromStdString(content.file.filename().string()));
  file_->setToolTip(QString::fromStdString(content.file.string()) + QLatin1Char('\n') +
                    facts(content));
  facts_->setText(facts(content));
  const QSignalBlocker quiet_runs(runs_), quiet_layer(layer_), quiet_slider(slider_);
  runs_->clear();
  for (const Run& run : content.runs) {
    runs_->addItem(to_qt(run_title(run)));
    runs_->setItemData(runs_->count() - 1, to_qt(run.policy), Qt::ToolTipRole);
  }
  layer_->setRange(0, static_cast<int>(content.info.model.layers) - 1);
  slider_->setRange(0, static_cast<int>(content.info.tokens) - 1);
  slider_->setPageStep(100);
  fill_lanes();
  show_selection();
  make_room();
  if (!find_->text().isEmpty()) show_hits(find_->text());
}

void ControlBar::fill_lanes() {
  const Content* content = workspace_.document.content();
  if (!content) return;
  const Run& run = content->runs[workspace_.selection.now().run];
  const QSignalBlocker quiet(lane_);
  lane_->clear();
  for (uint32_t lane = 0; lane < run.retention.lanes(); ++lane)
    lane_->addItem(to_qt(lane_name(run, Lane(lane))));
  lane_->addItem(QStringLiteral("mean of the layer"));
  lane_->addItem(QStringLiteral("mean of all lanes"));
  lane_->addItem(QStringLiteral("set of lanes…"));
}

void ControlBar::choose_lane(int index) {
  const Content* content = workspace_.document.content();
  if (!content) return;
  const int lanes =
      static_cast<int>(content->runs[workspace_.selection.now().run].retention.lanes());
  if (index > lanes + 1) {
    // Until a set is chosen the box says what is.
    show_selection();
    Q_EMIT lanes_wanted();
    return;
  }
  workspace_.selection.change([&](Selection& wanted) {
    wanted.scope = index < lanes    ? LaneScope::One
                   : index == lanes ? LaneScope::LayerMean
                                    : LaneScope::AllMean;
    if (index < lanes) wanted.lane = Lane(index);
  });
}

void ControlBar::show_selection() {
  const Content* content = workspace_.document.content();
  if (!content) return;
  const Selection& now = workspace_.selection.now();
  const Run& run = content->runs[now.run];
  const QSignalBlocker quiet_runs(runs_), quiet_layer(layer_), quiet_slider(slider_),
      quiet_lane(lane_);
  runs_->setCurrentIndex(static_cast<int>(now.run));
  runs_->setToolTip(to_qt(run.policy));
  badge_->setToolTip(banner_of(workspace_.document, now).meaning);
  badge_->setAccessibleDescription(badge_->text());
  badge_->updateGeometry();
  badge_->update();
  layer_->setValue(static_cast<int>(now.layer.value));
  const int lanes = static_cast<int>(run.retention.lanes());
  const bool set = now.scope == LaneScope::Set;
  lane_->setItemText(lanes + 2, set ? QStringLiteral("%1 lanes …").arg(now.set.size())
                                    : QStringLiteral("set of lanes…"));
  lane_->setToolTip(set ? lanes_in_words(run, now) : QString());
  lane_->setCurrentIndex(set                                 ? lanes + 2
                         : now.scope == LaneScope::One       ? static_cast<int>(now.lane.value)
                         : now.scope == LaneScope::LayerMean ? lanes
                                                             : lanes + 1);
  slider_->setValue(static_cast<int>(now.step.value));
  step_text_->setText(QStringLiteral("step <b>%1</b>").arg(grouped(now.step.value)));
  const QFontMetrics metrics(small_font());
  step_text_->setFixedWidth(
      metrics.horizontalAdvance(QStringLiteral("step ") + grouped(content->info.tokens)) + 14);
}

/// What a timer does is not undone step by step.
void ControlBar::play_on() {
  const Content* content = workspace_.document.content();
  if (!content || workspace_.selection.now().step == content->last_step()) return toggle_play();
  workspace_.selection.change([](Selection& wanted) { wanted.step = wanted.step.next(); },
                              History::Skip);
}

void ControlBar::move_step(int by) {
  const Content* content = workspace_.document.content();
  if (!content) return;
  const int last = static_cast<int>(content->info.tokens) - 1;
  const int step =
      std::clamp(static_cast<int>(workspace_.selection.now().step.value) + by, 0, last);
  workspace_.selection.change([step](Selection& wanted) { wanted.step = Step(step); });
}

void ControlBar::toggle_play() {
  if (player_.isActive()) {
    player_.stop();
  } else {
    const Content* content = workspace_.document.content();
    if (!content) return;
    if (workspace_.selection.now().step == content->last_step())
      workspace_.selection.change([](Selection& wanted) { wanted.step = Step(0); });
    move_step(1);  // one place in the history for all that is played
    player_.start(kMillisecondsPerStep);
  }
  refresh();
}

void ControlBar::refresh() {
  const Rgb ink = workspace_.style.colours().ink;
  menu_->setIcon(glyph_icon(Glyph::Menu, ink));
  previous_->setIcon(glyph_icon(Glyph::Previous, ink));
  play_->setIcon(glyph_icon(player_.isActive() ? Glyph::Pause : Glyph::Play, ink));
  next_->setIcon(glyph_icon(Glyph::Next, ink));
  update();
}

void ControlBar::set_fonts() {
  setFixedHeight(static_cast<int>(scaled(kHeight)));
  file_->setFont(sized_font(14, QFont::DemiBold));
  for (QLabel* label : {facts_, step_text_, hits_}) label->setFont(small_font());
  layer_->setFixedWidth(static_cast<int>(scaled(82)));
  lane_->setMinimumWidth(static_cast<int>(scaled(120)));
  runs_->setMinimumWidth(static_cast<int>(scaled(130)));
  find_->setMaximumWidth(static_cast<int>(scaled(150)));
  badge_->updateGeometry();
  if (workspace_.document.content()) show_selection();
  make_room();
}

}  // namespace dendrokv
