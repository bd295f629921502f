#include "gui/labels.h"

#include <QCache>
#include <QFontMetricsF>
#include <QStaticText>
#include <cmath>

namespace dendrokv {
namespace {

/// Some pages of the inspector and every header and tick: what is shown at once is a few hundred.
constexpr int kMostLabels = 2048;

struct LabelKey {
  QString text;
  int pixels, weight;
  int room;  // of the line that was cut, in 64ths of a pixel; -1 = not cut
  bool operator==(const LabelKey&) const = default;
};
uint qHash(const LabelKey& key, uint seed) {
  return ::qHash(key.text, seed) ^
         static_cast<uint>(key.pixels << 20 ^ key.weight << 12 ^ key.room);
}

LabelKey key_of(const QFont& font, const QString& text) {
  return {text, font.pixelSize(), font.weight(), -1};
}

struct Label {
  QStaticText glyphs;
  QSizeF size;
  double ascent;
};

QCache<LabelKey, Label>& labels() {
  static QCache<LabelKey, Label> kept(kMostLabels);
  return kept;
}

const Label& label_of(const QFont& font, const QString& text) {
  const LabelKey key = key_of(font, text);
  if (const Label* known = labels().object(key)) return *known;
  // the cache owns it
  auto* const made = new Label{QStaticText(text), {}, QFontMetricsF(font).ascent()};
  made->glyphs.setTextFormat(Qt::PlainText);
  made->glyphs.setPerformanceHint(QStaticText::AggressiveCaching);
  made->glyphs.prepare({}, font);
  made->size = made->glyphs.size();
  labels().insert(key, made);
  return *made;
}

}  // namespace

void draw_label(QPainter& painter, const QRectF& box, int alignment, const QString& text) {
  if (text.isEmpty()) return;
  const Label& label = label_of(painter.font(), text);
  QPointF place = box.topLeft();
  const QSizeF free = box.size() - label.size;
  if (alignment & Qt::AlignRight) place.rx() += free.width();
  if (alignment & Qt::AlignHCenter) place.rx() += free.width() / 2;
  if (alignment & Qt::AlignBottom) place.ry() += free.height();
  if (alignment & Qt::AlignVCenter) place.ry() += free.height() / 2;
  const bool cut = !(alignment & Qt::TextDontClip) && (free.width() < 0 || free.height() < 0);
  if (!cut) return painter.drawStaticText(place, label.glyphs);
  painter.save();
  painter.setClipRect(box, Qt::IntersectClip);
  painter.drawStaticText(place, label.glyphs);
  painter.restore();
}

void draw_label(QPainter& painter, QPointF baseline, const QString& text) {
  if (text.isEmpty()) return;
  const Label& label = label_of(painter.font(), text);
  painter.drawStaticText(baseline - QPointF(0, label.ascent), label.glyphs);
}

double label_width(const QFont& font, const QString& text) {
  return text.isEmpty() ? 0 : label_of(font, text).size.width();
}

QString elided(const QFont& font, const QString& text, double room) {
  static QCache<LabelKey, QString> kept(kMostLabels);
  LabelKey key = key_of(font, text);
  key.room = static_cast<int>(std::lround(std::clamp(room, 0.0, 1e6) * 64));
  if (const QString* known = kept.object(key)) return *known;
  const QString cut = QFontMetricsF(font).elidedText(text, Qt::ElideRight, room);
  kept.insert(key, new QString(cut));
  return cut;
}

}  // namespace dendrokv
