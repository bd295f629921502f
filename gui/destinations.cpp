#include "gui/destinations.h"

#include <QRegularExpression>
#include <cmath>
#include <limits>

namespace dendrokv {
namespace {

/// "120k" -> 120000. Nothing when it is not a whole number in the end.
std::optional<uint32_t> count_of(const QString& digits, const QString& suffix) {
  const double unit = suffix.isEmpty() ? 1 : suffix.toLower() == QLatin1String("k") ? 1e3 : 1e6;
  const double value = std::round(digits.toDouble() * unit * 1e6) / 1e6;
  if (value != std::floor(value) || value > std::numeric_limits<int32_t>::max()) return {};
  return static_cast<uint32_t>(value);
}

}  // namespace

std::optional<Destination> parse_destination(const QString& typed) {
  static const QRegularExpression kLane(QStringLiteral(R"(^(?:lane\s*)?(\d{1,6})\.(\d{1,6})$)"));
  static const QRegularExpression kPlace(
      QStringLiteral(R"(^(step\s*|s\s*|position\s*|p\s*)?(\d{1,10}(?:\.\d{1,6})?)\s*([kKmM]?)$)"));
  const QString text = typed.trimmed();
  if (const QRegularExpressionMatch lane = kLane.match(text); lane.hasMatch())
    return Destination{Destination::Kind::ToLane, 0, Layer(lane.captured(1).toUInt()),
                       Lane(lane.captured(2).toUInt())};
  const QRegularExpressionMatch place = kPlace.match(text);
  if (!place.hasMatch()) return std::nullopt;
  const std::optional<uint32_t> number = count_of(place.captured(2), place.captured(3));
  if (!number) return std::nullopt;
  const bool step = place.captured(1).startsWith(QLatin1Char('s'));
  return Destination{
      step ? Destination::Kind::ToStep : Destination::Kind::ToPosition, *number, {}, {}};
}

}  // namespace dendrokv
