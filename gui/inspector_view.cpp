#include "gui/inspector_view.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QTimer>
#include <QWheelEvent>
#include <algorithm>

#include "gui/labels.h"
#include "gui/paint.h"

namespace dendrokv {
namespace {

constexpr double kRowHeight = 25, kLegendHeight = 21, kLinkHeight = 23, kDuelHeight = 15;

double row_height(EntryKind kind) {
  switch (kind) {
    case EntryKind::Fact:
      return scaled(kRowHeight);
    case EntryKind::Link:
    case EntryKind::Note:
      return scaled(kLinkHeight);
    case EntryKind::Duel:
      return scaled(kDuelHeight);
    case EntryKind::Share:
      return scaled(kRowHeight) + 8;
    case EntryKind::Legend:
      return scaled(kLegendHeight);
  }
  return 0;
}

}  // namespace

InspectorView::InspectorView(Workspace& workspace, const QString& title, QWidget* parent)
    : View(workspace, title, parent) {
  auto* action = new QAction(QStringLiteral("Copy as text"), this);
  connect(action, &QAction::triggered, this, [this] { copy(); });
  addAction(action);
  setContextMenuPolicy(Qt::ActionsContextMenu);
}

void InspectorView::copy() const {
  if (content()) QApplication::clipboard()->setText(as_text(told()));
}

QString InspectorView::heading() const {
  return inspection_title(*content(), selection());
}

Inspection InspectorView::told() const {
  const Document& document = workspace().document;
  return inspect(*content(), selection(), document.row(), document.ranks());
}

void InspectorView::ask() {
  if (!content()) return;
  if (const std::optional<RankRequest> wanted = rank_request(*content(), selection()))
    workspace().document.want_ranks(*wanted);
}

void InspectorView::document_opened() {
  ask();
}

void InspectorView::selection_changed(const Selection& now, const Selection& before) {
  if (!now.same_but_hover(before)) ask();
}

bool InspectorView::needs_refresh(const Selection& now, const Selection& before) const {
  return now != before;
}

void InspectorView::snapshot_arrived(Topic topic) {
  if (topic == Topic::Row || topic == Topic::Rank) refresh();
}

void InspectorView::paint_back(QPainter& painter) {
  const Inspection inspection = told();
  setAccessibleDescription(as_text(inspection));
  painter.save();
  painter.setClipRect(area().adjusted(-4, -4, 4, 4));
  double top = area().top() - scroll_;
  const double start = top;
  top = paint_card(painter, inspection.card, top);
  for (const Section& section : inspection.sections) top = paint_section(painter, section, top);
  height_ = top - start;
  painter.restore();
  if (height_ - scroll_ > area().height()) paint_more(painter);
  // Another token may have less to tell: the panel never stays scrolled past its end.
  if (scroll_ > most_scroll()) {
    scroll_ = most_scroll();
    QTimer::singleShot(0, this, [this] { refresh(); });
  }
}

/// The panel goes on below: without a word the cut would look like the end.
void InspectorView::paint_more(QPainter& painter) const {
  const QRectF strip(1, height() - 24, width() - 2, 22);
  QLinearGradient fade(strip.topLeft() - QPointF(0, 14), strip.topLeft());
  QColor clear = to_qt(colours().panel);
  clear.setAlpha(0);
  fade.setColorAt(0, clear);
  fade.setColorAt(1, to_qt(colours().panel));
  painter.setPen(Qt::NoPen);
  painter.setBrush(fade);
  painter.drawRoundedRect(strip.adjusted(0, -14, 0, 0), kRadius - 1, kRadius - 1);
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  draw_label(painter, strip, Qt::AlignCenter, QStringLiteral("scroll for more ↓"));
}

double InspectorView::most_scroll() const {
  return std::max(0.0, height_ - area().height());
}

double InspectorView::paint_card(QPainter& painter, const Card& card, double top) const {
  if (card.token.isEmpty()) return top;
  const QRectF box(area().left(), top, area().width(), scaled(40));
  painter.setPen(QPen(to_qt(colours().accent), 1));
  painter.setBrush(to_qt(mix(colours().panel, colours().accent, 0.08)));
  painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6);
  painter.setPen(to_qt(colours().secondary));
  painter.setFont(small_font());
  draw_label(painter, box.adjusted(12, 0, -12, 0), Qt::AlignRight | Qt::AlignVCenter, card.place);
  painter.setPen(to_qt(colours().ink));
  painter.setFont(sized_font(15, QFont::DemiBold));
  const double room = box.width() - 24 - label_width(small_font(), card.place) - 10;
  draw_label(painter, box.adjusted(12, 0, -12, 0), Qt::AlignLeft | Qt::AlignVCenter,
             elided(painter.font(), card.token, room));
  return box.bottom() + 6;
}

double InspectorView::paint_section(QPainter& painter, const Section& section, double top) const {
  if (!section.title.isEmpty()) {
    top += 12;
    painter.setFont(title_font());
    painter.setPen(to_qt(colours().ink));
    draw_label(painter, QRectF(area().left(), top, area().width(), scaled(20)),
               Qt::AlignLeft | Qt::AlignVCenter, section.title);
    top += scaled(24);
  }
  paint_thread(painter, section, top);
  for (const Entry& entry : section.entries) top = paint_entry(painter, entry, top);
  return top;
}

/// The thread that ties a chain together runs behind its dots, from the first to the last.
void InspectorView::paint_thread(QPainter& painter, const Section& section, double top) const {
  std::optional<double> first, last;
  for (const Entry& entry : section.entries) {
    if (entry.kind == EntryKind::Link) {
      last = top + row_height(entry.kind) / 2;
      if (!first) first = last;
    }
    top += row_height(entry.kind);
  }
  if (!first || first == last) return;
  painter.setPen(QPen(to_qt(colours().recent), 1.5));
  const double x = area().left() + 7;
  painter.drawLine(QPointF(x, *first), QPointF(x, *last));
}

double InspectorView::paint_entry(QPainter& painter, const Entry& entry, double top) const {
  switch (entry.kind) {
    case EntryKind::Fact:
      paint_fact(painter, entry, top);
      break;
    case EntryKind::Link:
      paint_link(painter, entry, top);
      break;
    case EntryKind::Duel:
      paint_duel(painter, entry, top);
      break;
    case EntryKind::Share:
      paint_share(painter, entry, top);
      break;
    case EntryKind::Legend:
      paint_legend_entry(painter, entry, top);
      break;
    case EntryKind::Note:
      return paint_note(painter, entry, top);
  }
  return top + row_height(entry.kind);
}

void InspectorView::paint_duel(QPainter& painter, const Entry& entry, double top) const {
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  draw_label(painter,
             QRectF(area().left() + 22, top - 3, area().width() - 22, row_height(EntryKind::Duel)),
             Qt::AlignLeft | Qt::AlignVCenter,
             elided(tiny_font(), entry.label, area().width() - 22));
}

double InspectorView::paint_note(QPainter& painter, const Entry& entry, double top) const {
  painter.setFont(small_font());
  painter.setPen(to_qt(colours().secondary));
  const QRectF room(area().left(), top + 3, area().width(), 1e4);
  QRectF used;
  painter.drawText(room, static_cast<int>(Qt::AlignLeft | Qt::AlignTop) | Qt::TextWordWrap,
                   entry.label, &used);
  return std::max(used.bottom() + 5, top + row_height(EntryKind::Note));
}

/// Label left, value right; the value comes first where both do not fit.
void InspectorView::paint_pair(QPainter& painter, const Entry& entry, const QRectF& row) const {
  painter.setFont(small_font());
  const QFont font = small_font();
  const double beside = row.width() - label_width(font, entry.label) - 10;
  const QString value = elided(font, entry.value, std::max(beside, row.width() * 0.8));
  painter.setPen(to_qt(colours().ink));
  draw_label(painter, row, Qt::AlignRight | Qt::AlignVCenter, value);
  painter.setPen(to_qt(colours().secondary));
  draw_label(painter, row, Qt::AlignLeft | Qt::AlignVCenter,
             elided(font, entry.label, row.width() - label_width(font, value) - 10));
}

void InspectorView::paint_fact(QPainter& painter, const Entry& entry, double top) const {
  const QRectF row(area().left(), top, area().width(), scaled(kRowHeight));
  paint_pair(painter, entry, row);
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.drawLine(QPointF(row.left(), row.bottom() - 0.5),
                   QPointF(row.right(), row.bottom() - 0.5));
}

void InspectorView::paint_link(QPainter& painter, const Entry& entry, double top) const {
  const QRectF row(area().left(), top, area().width(), row_height(EntryKind::Link));
  const Rgb dot = entry.state->place == Place::Evicted ? colours().level_colour(entry.state->level)
                                                       : state_colour(colours(), *entry.state);
  painter.setPen(QPen(to_qt(colours().panel), 1.5));
  painter.setBrush(to_qt(dot));
  painter.drawEllipse(QPointF(row.left() + 7, row.center().y()), 6.5, 6.5);
  painter.setFont(sized_font(8));
  painter.setPen(to_qt(ink_on(dot)));
  TokenState reached = *entry.state;
  if (reached.place == Place::Evicted) reached.place = Place::Tree;
  draw_label(painter, QRectF(row.left(), row.top(), 14, row.height()), Qt::AlignCenter,
             QString(QLatin1Char(place_mark(reached))));
  const double place_left = row.left() + row.width() * 0.44;
  painter.setFont(small_font());
  painter.setPen(to_qt(colours().ink));
  draw_label(painter, row.adjusted(22, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter,
             elided(painter.font(), entry.label, place_left - row.left() - 28));
  draw_label(painter, row, Qt::AlignRight | Qt::AlignVCenter, entry.value);
  painter.setPen(to_qt(colours().secondary));
  draw_label(painter, row.adjusted(place_left - row.left(), 0, 0, 0),
             Qt::AlignLeft | Qt::AlignVCenter, entry.middle);
}

void InspectorView::paint_share(QPainter& painter, const Entry& entry, double top) const {
  const QRectF row(area().left(), top, area().width(), scaled(kRowHeight));
  paint_pair(painter, entry, row);
  const QRectF bar(row.left(), row.bottom() - 1, row.width(), 4);
  painter.setPen(Qt::NoPen);
  painter.setBrush(to_qt(colours().rule));
  painter.drawRoundedRect(bar, 2, 2);
  painter.setBrush(to_qt(colours().level[4]));
  const double filled = std::clamp(entry.fraction, 0.0, 1.0) * bar.width();
  if (filled > 0)
    painter.drawRoundedRect(QRectF(bar.left(), bar.top(), std::max(filled, 4.0), bar.height()), 2,
                            2);
}

void InspectorView::paint_legend_entry(QPainter& painter, const Entry& entry, double top) const {
  const QRectF row(area().left(), top, area().width(), row_height(EntryKind::Legend));
  paint_swatch(painter, QRectF(row.left(), row.center().y() - 7, 22, 14), colours(), *entry.state);
  painter.setFont(small_font());
  painter.setPen(to_qt(colours().ink));
  draw_label(painter, row.adjusted(32, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter, entry.label);
  painter.setPen(to_qt(colours().secondary));
  draw_label(painter, row, Qt::AlignRight | Qt::AlignVCenter, entry.value);
}

void InspectorView::wheelEvent(QWheelEvent* event) {
  scroll_ = std::clamp(scroll_ - event->angleDelta().y() / 2.0, 0.0, most_scroll());
  refresh();
  event->accept();
}

}  // namespace dendrokv
