#include "gui/contribution_view.h"

#include <QMouseEvent>
#include <QPainterPath>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "gui/labels.h"
#include "gui/lane_sets.h"
#include "gui/paint.h"
#include "gui/reduced_rows.h"
#include "gui/run_index.h"

namespace dendrokv {
namespace {

constexpr int kBarWidth = 170;
constexpr int kQuantityWidth = 142, kReductionWidth = 84;
constexpr int kNarrow = 720;
constexpr double kProfileHeight = 30, kLevelHeight = 5, kColumnWidth = 64;

QString plural(size_t count, const char* what) {
  return grouped(count) + QLatin1Char(' ') + QLatin1String(what) +
         (count == 1 ? QString() : QStringLiteral("s"));
}

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
  return static_cast<int>(scaled(kQuantityWidth + kReductionWidth + 28)) + (has_bar() ? kBarWidth + 24 : 0);
}

void ContributionView::resizeEvent(QResizeEvent* event) {
  place_in_header(*quantity_, 0, kQuantityWidth);
  place_in_header(*reduction_, kQuantityWidth + 6, kReductionWidth);
  ask();
  PositionView::resizeEvent(event);
}

std::optional<HeatSubject> ContributionView::subject() const {
  if (!content()) return std::nullopt;
  // A map of every head of the model would read all of the trace for each tile: the mean of all is shown layer by layer.
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
  return {shift_for(static_cast<double>(visible_steps().count) /
                    std::max(1.0, rect.height() * ratio)),
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
  quantity_->setCurrentIndex(cells > 64.0 * 1024 * 1024 ? 0 : quantity_->currentIndex());
  ask();
}

void ContributionView::snapshot_arrived(Topic topic) {
  if (topic != Topic::Heat) return;
  refresh();
}

QString ContributionView::what_is_merged() const {
  const std::optional<Cell> cell =
      cell_at(visible_steps().first + visible_steps().count / 2,
              Position(selection().first_visible.value + selection().visible / 2));
  if (!cell) return QStringLiteral(" · reading …");
  QString text;
  if (cell->steps.count * cell->positions.count > 1)
    text = QStringLiteral(" · a cell = ") + plural(cell->positions.count, "position") +
           QStringLiteral(" × ") + plural(cell->steps.count, "step");
  if (cell->sampling == Sampling::Bound)
    text += QStringLiteral(" · upper bound: largest weight × longest value");
  if (cell->sampling == Sampling::Preview)
    text += QStringLiteral(" · PREVIEW of every %1th step: the menu builds an index")
                .arg(cell->preview_stride);
  return reduced_rows_text(content()->info.capture,
                           static_cast<Reduction>(reduction_->currentData().toInt())) +
         text + index_state_;
}

QString ContributionView::caption() const {
  const std::optional<HeatSubject> of = subject();
  if (!of) return {};
  const Selection& now = selection();
  const bool set = now.scope == LaneScope::Set;
  QString text;
  if (!set) text = QStringLiteral("layer %1, ").arg(now.layer.value);
  const size_t heads = head_count(of->heads);
  if (heads > 1)
    text += of->reduction == Reduction::Max ? QStringLiteral("largest of ") : QStringLiteral("mean of ");
  text += plural(heads, "query head");
  if (now.scope == LaneScope::One)
    text += QStringLiteral(" of ") + to_qt(lane_name(content()->runs[now.run], now.lane));
  if (set) text += QStringLiteral(" of ") + lanes_in_words(content()->runs[now.run], now);
  text += what_is_merged() + QStringLiteral(" · ") + to_qt(scale_shape_name(scale().shape)) +
          QStringLiteral(" scale");
  const QString clipped = clipped_text(scale());
  if (!clipped.isEmpty()) text += QStringLiteral(" · ") + clipped;
  const uint32_t sinks = std::max(1u, content()->runs[now.run].sinks);
  return text + QStringLiteral(" · sinks (below %1) not scaled").arg(sinks);
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

QString ContributionView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  if (!position || !subject()) return {};
  const std::vector<Step>& steps = content()->info.steps;
  const double row = step_axis().data(point.y());
  if (row < 0 || row >= static_cast<double>(steps.size())) return {};
  const auto index = static_cast<size_t>(row);
  const std::optional<Cell> cell = cell_at(index, *position);
  if (!cell) return {};
  const QString where = QStringLiteral("step %1 · position %2: ")
                            .arg(grouped(steps[index].value), grouped(position->value));
  const size_t last = std::min(cell->steps.first + cell->steps.count, steps.size()) - 1;
  if (!std::isnan(cell->value)) return where + to_qt(short_number(double{cell->value}));
  return where + (cell->positions.first > steps[last].index() ? QStringLiteral("not read yet")
                                                              : QStringLiteral("not in the cache"));
}

/// The scale of what is in sight, once all of it is there: it does not wander while tiles come in.
void ContributionView::choose_scale() {
  const std::vector<TileKey> sight = visible_tiles(zoom());
  if (sight == scaled_by_) return;
  std::vector<std::shared_ptr<const HeatTile>> tiles;
  for (const TileKey& key : sight)
    if (auto tile = workspace().document.tile(key)) tiles.push_back(tile);
  const bool whole = tiles.size() == sight.size();
  if (!whole && !scaled_by_.empty()) return;
  if (tiles.empty()) {
    const TileKey key = whole_tile(subject_, content()->info.steps.size(), content()->info.tokens);
    if (auto tile = workspace().document.tile(key)) tiles.push_back(tile);
  }
  if (whole) scaled_by_ = sight;
  const size_t sinks = std::max(1u, content()->runs[selection().run].sinks);
  heat_.set_scale(scale_of(static_cast<ScaleShape>(shapes_->checkedAction()->data().toInt()),
                           scale_samples(tiles, sinks)));
}

void ContributionView::paint_heat(QPainter& painter) {
  Document& document = workspace().document;
  const Zoom now = zoom();
  std::vector<TileKey> layers = {
      whole_tile(subject_, content()->info.steps.size(), content()->info.tokens)};
  const std::vector<TileKey> sight = visible_tiles(now);
  const bool lacking = std::any_of(sight.begin(), sight.end(), [&document](const TileKey& key) {
    return !document.tile(key);
  });
  // Until all is there the zoom of before stands in where it has something.
  if (lacking && zoom_before_ && *zoom_before_ != now) {
    const std::vector<TileKey> before = visible_tiles(*zoom_before_);
    if (before.size() <= HeatPainter::kMostPictures) layers.insert(layers.end(), before.begin(), before.end());
  }
  if (!lacking) {
    zoom_before_ = now;
    layers.clear();
  }
  layers.insert(layers.end(), sight.begin(), sight.end());
  painter.save();
  painter.setClipRect(plot());
  painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
  for (const TileKey& key : layers)
    if (const auto tile = document.tile(key))
      heat_.paint(painter, *tile, {position_axis(), step_axis(), plot()}, content()->info.steps);
  painter.restore();
}

void ContributionView::paint_step_ticks(QPainter& painter) const {
  const std::vector<Step>& steps = content()->info.steps;
  const QRectF rect = plot();
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  double free_from = rect.top();
  for (const Tick& tick :
       binary_ticks(step_axis(), std::max(2, static_cast<int>(rect.height() / scaled(34))))) {
    if (tick.value >= static_cast<double>(steps.size())) continue;
    const double y = std::clamp(step_axis().pixel(tick.value + 0.5), rect.top() + 6, rect.bottom() - 5);
    if (y < free_from) continue;
    free_from = y + scaled(13);
    draw_label(painter, QRectF(rect.left() - 52, y - 8, 46, 16), kRightLabel,
               compact(steps[static_cast<size_t>(tick.value)].value));
  }
}

/// The values of the row of the chosen step on the map's own scale, a bar for each pixel.
void ContributionView::paint_row_profile(QPainter& painter) const {
  const std::optional<size_t> index = step_index_at(content()->info, selection().step);
  if (profile_height() == 0 || !index) return;
  const QRectF rect = plot();
  const double base = rect.top() - 3, height = profile_height() - 7;
  const Axis across = position_axis();
  HeatCells cells(workspace().document, subject_, zoom());
  QVector<QRectF> bars;
  const double first = std::round(rect.left()), bar = 1 / devicePixelRatioF();
  for (double x = first; x < rect.right(); x += bar) {
    const double place = std::floor(across.data(x + bar / 2));
    if (place < 0 || place >= content()->info.tokens) continue;
    const std::optional<Cell> cell = cells.at(*index, Position(static_cast<uint32_t>(place)));
    if (!cell || std::isnan(cell->value)) continue;
    const double size = scale().fraction(double{cell->value}) * height;
    bars.push_back({x, base - size, bar, size});
  }
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setPen(Qt::NoPen);
  painter.setBrush(to_qt(mix(colours().panel, colours().level[5], 0.75)));
  painter.drawRects(bars);
  painter.setRenderHint(QPainter::Antialiasing, true);
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.drawLine(QPointF(rect.left(), base + 0.5), QPointF(rect.right(), base + 0.5));
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  draw_label(painter, QRectF(rect.left() - 58, base - height, 52, height), kRightLabel,
             compact(content()->info.steps[*index].value));
}

/// What the steps gave to one position, down the right edge.
void ContributionView::paint_column_profile(QPainter& painter, Position position) const {
  const QRectF rect = plot();
  if (profile_height() == 0 || rect.width() < 5 * kColumnWidth) return;
  const double x = position_axis().pixel(position.value + 0.5);
  const bool right_side = x < rect.right() - kColumnWidth - 24;
  const QRectF strip(right_side ? rect.right() - kColumnWidth : rect.left(), rect.top(),
                     kColumnWidth, rect.height());
  QColor ground = to_qt(colours().panel);
  ground.setAlpha(225);
  painter.fillRect(strip, ground);
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.drawRect(strip.adjusted(0.5, 0.5, -0.5, -0.5));
  const Axis down = step_axis();
  HeatCells cells(workspace().document, subject_, zoom());
  QPainterPath path;
  bool drawn = false;
  for (double y = rect.top(); y < rect.bottom(); y += 1) {
    const double place = std::floor(down.data(y + 0.5));
    if (place < 0 || place >= static_cast<double>(content()->info.steps.size())) continue;
    const std::optional<Cell> cell = cells.at(static_cast<size_t>(place), position);
    if (!cell || std::isnan(cell->value)) {
      drawn = false;
      continue;
    }
    const QPointF point(strip.left() + 4 + scale().fraction(double{cell->value}) * (kColumnWidth - 8),
                        y + 0.5);
    if (drawn)
      path.lineTo(point);
    else
      path.moveTo(point);
    drawn = true;
  }
  painter.setPen(QPen(to_qt(colours().accent), 1.1));
  painter.setBrush(Qt::NoBrush);
  painter.drawPath(path);
}

/// What the lane, or the lanes, keep after the chosen step, below the map: tree levels, or the fraction that keeps.
void ContributionView::paint_levels(QPainter& painter) const {
  if (profile_height() == 0) return;
  const QRectF rect = plot();
  const QRectF strip(rect.left(), rect.bottom() + 2, rect.width(), kLevelHeight);
  paint_kept_strip(painter, strip, *content(), selection(), colours());
}

void ContributionView::paint_back(QPainter& painter) {
  if (!subject())
    return paint_message(
        painter, to_qt(not_recorded(content()->info, selection().layer, content()->last_step())));
  const QString problem = workspace().document.problem(Topic::Heat);
  if (!problem.isEmpty()) return paint_message(painter, problem);
  heat_.set_colours(workspace().style);
  choose_scale();
  const QRectF rect = plot();
  painter.fillRect(rect, to_qt(colours().panel));
  paint_heat(painter);
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5));
  paint_row_profile(painter);
  paint_levels(painter);
  paint_position_ticks(painter);
  paint_step_ticks(painter);
  if (!has_bar()) return;
  const double right = width() - kPadding - scaled(kQuantityWidth + kReductionWidth + 6 + 16);
  const QRectF bar(right - kBarWidth, 8, kBarWidth, 8);
  paint_colour_bar(painter, bar, sequential_map(workspace().style.theme), scale(), colours(), {});
}

void ContributionView::paint_front(QPainter& painter) {
  if (!subject()) return;
  PositionView::paint_front(painter);
  if (const std::optional<Position> focus = selection().focus())
    if (focus->index() >= visible_positions().first &&
        focus->index() < visible_positions().first + visible_positions().count)
      paint_column_profile(painter, *focus);
  const std::optional<size_t> index = step_index_at(content()->info, selection().step);
  const IndexRange steps = visible_steps();
  if (!index || *index < steps.first || *index >= steps.first + steps.count) return;
  const QRectF rect = plot();
  const double y =
      std::min(step_axis().pixel(static_cast<double>(*index) + 0.5), rect.bottom() - 0.5);
  painter.setPen(QPen(to_qt(colours().accent), 1));
  painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y));
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
  const double count = std::clamp(static_cast<double>(now.count) * std::pow(0.8, turns),
                                  std::min(8.0, all), all);
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
