#include "gui/contribution_view.h"

#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "gui/lane_sets.h"

namespace dendrokv {
namespace {

constexpr int kNarrow = 720;
constexpr double kProfileHeight = 30;

}  // namespace

ContributionView::ContributionView(Workspace& workspace, const QString& title, QWidget* parent)
    : PositionView(workspace, title, parent),
      quantity_(new ChoiceBox(this)),
      reduction_(new ChoiceBox(this)),
      shapes_(new QActionGroup(this)) {
  quantity_->addItem(QStringLiteral("attention weight"), static_cast<int>(Quantity::Weight));
  quantity_->addItem(QStringLiteral("weight × |value|"), static_cast<int>(Quantity::Contribution));
  quantity_->setCurrentIndex(1);
  quantity_->setAccessibleName(QStringLiteral("quantity of the map"));
  reduction_->addItem(QStringLiteral("largest"), static_cast<int>(Reduction::Max));
  reduction_->addItem(QStringLiteral("mean"), static_cast<int>(Reduction::Mean));
  reduction_->setAccessibleName(QStringLiteral("how cells of the map are merged"));
  for (ChoiceBox* box : {quantity_, reduction_})
    connect(box, QOverload<int>::of(&QComboBox::currentIndexChanged), this, [this] {
      ask();
      refresh();
    });
  add_menu();
}

void ContributionView::add_menu() {
  const auto add = [this](const QString& text, bool checked) {
    auto* action = new QAction(text, this);
    action->setCheckable(true);
    action->setChecked(checked);
    connect(action, &QAction::toggled, this, [this] {
      scaled_by_.clear();
      ask();
      refresh();
    });
    addAction(action);
    return action;
  };
  follow_ = add(QStringLiteral("Steps follow the positions in sight"), false);
  profiles_ = add(QStringLiteral("Profiles and kept levels"), true);
  for (const ScaleShape shape : {ScaleShape::Asinh, ScaleShape::Linear, ScaleShape::Log}) {
    QAction* const action = add(to_qt(scale_shape_name(shape)) + QStringLiteral(" colour scale"),
                                shape == ScaleShape::Asinh);
    action->setData(static_cast<int>(shape));
    shapes_->addAction(action);
  }
  setContextMenuPolicy(Qt::ActionsContextMenu);
  offer_index();
}

/// A trace without a pyramid shows a preview until somebody asks for an index.
void ContributionView::offer_index() {
  index_ = new QAction(QStringLiteral("Build an index, for every zoom"), this);
  index_->setEnabled(false);
  connect(index_, &QAction::triggered, this, [this] { workspace().document.build_index(); });
  addAction(index_);
  const auto say = [this](const QString& state) {
    index_state_ = state;
    index_->setEnabled(workspace().document.pyramid_origin() == PyramidOrigin::None);
    update();
  };
  connect(&workspace().document, &Document::index_progress, this, [say](size_t done, size_t all) {
    say(QStringLiteral(" · building an index: %1 %").arg(100 * done / std::max<size_t>(all, 1)));
  });
  connect(&workspace().document, &Document::index_built, this, [this, say](const QString& problem) {
    say(problem.isEmpty() ? QString() : QStringLiteral(" · no index: ") + problem);
    scaled_by_.clear();
    heat_.forget_pictures();
    ask();
    refresh();
  });
}

/// A narrow panel keeps its title and the choices.
bool ContributionView::has_bar() const {
  return width() >= scaled(kNarrow);
}

double ContributionView::profile_height() const {
  return profiles_->isChecked() && PositionView::plot().height() > 130 ? kProfileHeight : 0;
}

QRectF ContributionView::plot() const {
  const QRectF rect = PositionView::plot();
  if (profile_height() == 0) return rect;
  return rect.adjusted(0, profile_height(), 0, -kLevelHeight - 2);
}

double ContributionView::tick_line() const {
  return plot().bottom() + (profile_height() > 0 ? kLevelHeight + 2 : 0);
}

void ContributionView::showEvent(QShowEvent* event) {
  ask();
  PositionView::showEvent(event);
}

void ContributionView::hideEvent(QHideEvent* event) {
  workspace().document.want_tiles(this, {});
  PositionView::hideEvent(event);
}

int ContributionView::header_reserve() const {
  return static_cast<int>(scaled(kQuantityWidth + kReductionWidth + 28)) +
         (has_bar() ? kBarWidth + 24 : 0);
}

void ContributionView::resizeEvent(QResizeEvent* event) {
  place_in_header(*quantity_, 0, kQuantityWidth);
  place_in_header(*reduction_, kQuantityWidth + 6, kReductionWidth);
  ask();
  PositionView::resizeEvent(event);
}

std::optional<HeatSubject> ContributionView::subject() const {
  if (!content()) return std::nullopt;
  // A map of every head of the model would read all of the trace for each tile: the mean of all is
  // shown layer by layer.
  Selection shown = selection();
  if (shown.scope == LaneScope::AllMean) shown.scope = LaneScope::LayerMean;
  std::vector<LayerHeads> heads = recorded_heads(*content(), shown);
  if (heads.empty() || content()->info.steps.empty()) return std::nullopt;
  return HeatSubject{std::move(heads), static_cast<Quantity>(quantity_->currentData().toInt()),
                     static_cast<Reduction>(reduction_->currentData().toInt())};
}

IndexRange ContributionView::visible_positions() const {
  return {selection().first_visible.index(), selection().visible};
}

IndexRange ContributionView::visible_steps() const {
  const std::vector<Step>& steps = content()->info.steps;
  if (!follow_->isChecked()) {
    if (own_steps_.count == 0) return {0, steps.size()};
    const size_t count = std::min(own_steps_.count, steps.size());
    return {std::min(own_steps_.first, steps.size() - count), count};
  }
  const IndexRange positions = visible_positions();
  const auto first = std::lower_bound(steps.begin(), steps.end(), Step(positions.first));
  const auto end = std::lower_bound(first, steps.end(), Step(positions.first + positions.count));
  if (first == end) return {0, steps.size()};
  return {static_cast<size_t>(first - steps.begin()), static_cast<size_t>(end - first)};
}

ContributionView::Zoom ContributionView::zoom() const {
  const double ratio = devicePixelRatioF();
  const QRectF rect = plot();
  return {
      shift_for(static_cast<double>(visible_steps().count) / std::max(1.0, rect.height() * ratio)),
      shift_for(selection().visible / std::max(1.0, rect.width() * ratio))};
}

std::vector<TileKey> ContributionView::visible_tiles(Zoom zoom) const {
  return tiles_over(subject_, zoom.step_shift, zoom.position_shift, visible_steps(),
                    visible_positions());
}

void ContributionView::ask() {
  const std::optional<HeatSubject> wanted = subject();
  if (!wanted || width() < 10 || plot().height() < 4) return;
  Document& document = workspace().document;
  const uint32_t number = document.heat_subject(*wanted);
  if (number != subject_) {
    subject_ = number;
    scaled_by_.clear();
    zoom_before_.reset();
  }
  // The whole at once, then what is in sight, then what a pan would bring next.
  std::vector<TileKey> keys = {
      whole_tile(subject_, content()->info.steps.size(), content()->info.tokens)};
  const std::vector<TileKey> sight = visible_tiles(zoom());
  keys.insert(keys.end(), sight.begin(), sight.end());
  for (TileKey key : sight) {
    if (pan_ == 0 || (pan_ < 0 && key.column == 0)) continue;
    key.column += static_cast<uint32_t>(pan_);
    const bool inside = key.positions().first < content()->info.tokens;
    if (inside && std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  if (isVisible()) document.want_tiles(this, keys);
}

bool ContributionView::needs_refresh(const Selection& now, const Selection& before) const {
  return !same_lanes(now, before) || now.first_visible != before.first_visible ||
         now.visible != before.visible || now.step != before.step;
}

void ContributionView::selection_changed(const Selection& now, const Selection& before) {
  if (now.first_visible != before.first_visible && now.visible == before.visible)
    pan_ = now.first_visible > before.first_visible ? 1 : -1;
  if (needs_refresh(now, before)) ask();
}

void ContributionView::document_opened() {
  heat_.forget_pictures();
  scaled_by_.clear();
  own_steps_ = {};
  subject_ = 0;
  zoom_before_.reset();
  index_state_.clear();
  index_->setEnabled(workspace().document.pyramid_origin() == PyramidOrigin::None &&
                     content()->info.capture.rows == FullRows::Record && content()->info.complete);
  // A bound instead of the thing itself is no good first picture.
  const double cells = static_cast<double>(content()->info.steps.size()) * content()->info.tokens;
  const QSignalBlocker quiet(quantity_);
  const bool weights_only = cells > 64.0 * 1024 * 1024 || content()->values == ValueRows::Lost;
  if (weights_only) quantity_->setCurrentIndex(0);
  ask();
}

void ContributionView::snapshot_arrived(Topic topic) {
  if (topic != Topic::Heat) return;
  refresh();
}

Axis ContributionView::step_axis() const {
  const QRectF rect = plot();
  const IndexRange steps = visible_steps();
  const double first = static_cast<double>(steps.first);
  return {ScaleKind::Linear, first, first + std::max(1.0, static_cast<double>(steps.count)),
          rect.top(), rect.bottom()};
}

std::optional<ContributionView::Cell> ContributionView::cell_at(size_t step_index,
                                                                Position position) const {
  return HeatCells(workspace().document, subject_, zoom()).at(step_index, position);
}

void ContributionView::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton && (event->modifiers() & Qt::ControlModifier) &&
      content() && plot().contains(event->localPos())) {
    const auto row = static_cast<size_t>(step_axis().data(event->localPos().y()));
    const std::vector<Step>& steps = content()->info.steps;
    if (row < steps.size())
      workspace().selection.change([&](Selection& wanted) { wanted.step = steps[row]; });
    return;
  }
  PositionView::mousePressEvent(event);
}

void ContributionView::wheelEvent(QWheelEvent* event) {
  const Qt::KeyboardModifiers both = Qt::ControlModifier | Qt::ShiftModifier;
  if (!content() || !subject() || (event->modifiers() & both) != both)
    return PositionView::wheelEvent(event);
  // Steps alone, around the one under the pointer.
  follow_->setChecked(false);
  const double turns = std::clamp(event->angleDelta().y() / 120.0, -4.0, 4.0);
  const IndexRange now = visible_steps();
  const auto all = static_cast<double>(content()->info.steps.size());
  const double count =
      std::clamp(static_cast<double>(now.count) * std::pow(0.8, turns), std::min(8.0, all), all);
  const double anchor = step_axis().data(event->position().y());
  const double before = (anchor - static_cast<double>(now.first)) / static_cast<double>(now.count);
  own_steps_.count = static_cast<size_t>(std::lround(count));
  own_steps_.first = static_cast<size_t>(
      std::lround(std::clamp(anchor - before * count, 0.0, all - std::floor(count))));
  ask();
  refresh();
  event->accept();
}

}  // namespace dendrokv
