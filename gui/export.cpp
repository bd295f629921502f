#include "gui/export.h"

#include <QBuffer>
#include <QJsonDocument>
#include <QPainter>
#include <QPdfWriter>
#include <QSvgGenerator>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>

#include "data/error.h"
#include "gui/json_file.h"
#include "gui/lane_state.h"
#include "gui/main_window.h"
#include "gui/provenance.h"

namespace dendrokv {
namespace {

/// What is drawn: some rectangle of widgets, and words about it.
struct Sheet {
  QSize size;
  QString title;
  QStringList provenance;
  QColor ground;
  std::function<void(QPainter&)> draw;
};

QByteArray png_of(const Sheet& sheet, double pixel_ratio) {
  QImage image(sheet.size * pixel_ratio, QImage::Format_RGB32);
  if (image.isNull())
    fail("picture", "no memory for its pixels", "wanted fewer", "choose a smaller --size");
  image.setDevicePixelRatio(pixel_ratio);
  image.fill(sheet.ground);
  image.setText(QStringLiteral("Title"), sheet.title);
  image.setText(QStringLiteral("Software"), QStringLiteral("DendroKV"));
  image.setText(QStringLiteral("Description"), sheet.provenance.join(QLatin1Char('\n')));
  {
    QPainter painter(&image);
    sheet.draw(painter);
  }
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  image.save(&buffer, "PNG");
  return bytes;
}

void draw_vectors(const Sheet& sheet, QPaintDevice& device) {
  QPainter painter(&device);
  painter.setRenderHints(QPainter::Antialiasing | QPainter::TextAntialiasing);
  painter.scale(static_cast<double>(device.width()) / sheet.size.width(),
                static_cast<double>(device.height()) / sheet.size.height());
  painter.fillRect(QRect(QPoint(0, 0), sheet.size), sheet.ground);
  sheet.draw(painter);
}

QByteArray svg_of(const Sheet& sheet) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  QSvgGenerator svg;
  svg.setOutputDevice(&buffer);
  svg.setSize(sheet.size);
  svg.setViewBox(QRect(QPoint(0, 0), sheet.size));
  svg.setTitle(sheet.title);
  svg.setDescription(sheet.provenance.join(QLatin1Char('\n')));
  draw_vectors(sheet, svg);
  return bytes;
}

QByteArray pdf_of(const Sheet& sheet) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  {
    QPdfWriter pdf(&buffer);
    pdf.setTitle(sheet.title + QStringLiteral(" · ") +
                 sheet.provenance.join(QStringLiteral(" · ")));
    pdf.setCreator(QStringLiteral("DendroKV"));
    pdf.setPageSize(QPageSize(QSizeF(sheet.size) * 0.75, QPageSize::Point));
    pdf.setPageMargins(QMarginsF(0, 0, 0, 0));
    pdf.setResolution(96);
    draw_vectors(sheet, pdf);
  }
  return bytes;
}

/// By the extension; views draw vectors without their kept pictures.
void write_sheet(MainWindow& window, const Sheet& sheet, const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".png") return write_whole_file(path, png_of(sheet, window.devicePixelRatioF()));
  if (extension != ".svg" && extension != ".pdf")
    fail(path.string(), "has the ending \"" + extension + "\"", "wanted .png, .svg or .pdf");
  window.set_paint_mode(PaintMode::Direct);
  const QByteArray bytes = extension == ".svg" ? svg_of(sheet) : pdf_of(sheet);
  window.set_paint_mode(PaintMode::Cached);
  write_whole_file(path, bytes);
}

QStringList provenance(MainWindow& window) {
  if (!window.document().content()) return {};
  return provenance_lines(window.document(), window.selection().now());
}

void draw_caption(QPainter& painter, const QRectF& box, const QStringList& lines,
                  const Palette& colours) {
  painter.setFont(small_font());
  painter.setPen(to_qt(colours.secondary));
  const QFontMetricsF metrics(small_font());
  double top = box.top();
  for (const QString& line : lines) {
    painter.drawText(QRectF(box.left(), top, box.width(), metrics.lineSpacing()),
                     Qt::AlignLeft | Qt::AlignVCenter,
                     metrics.elidedText(line, Qt::ElideRight, box.width()));
    top += metrics.lineSpacing();
  }
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char byte : text) {
    if (byte == '"') out += '"';
    out += byte;
  }
  return out + "\"";
}

std::string number_or_empty(double value) {
  if (!std::isfinite(value)) return {};
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string signed_or_empty(int32_t value) {
  return value < 0 ? std::string() : std::to_string(value);
}

std::string_view state_word(Place place) {
  constexpr std::array<std::string_view, 5> kWords = {"unread", "evicted", "sink", "recent",
                                                      "tree"};
  return kWords[static_cast<size_t>(place)];
}

std::string lane_columns(const Run& run, const Selection& now, Position p, TokenState state) {
  const Retention& retention = run.retention;
  const size_t at = p.index();
  const auto reason = retention.reason(now.layer, now.lane)[at];
  std::string line = std::string(state_word(state.place)) + "," + std::to_string(state.level);
  line += "," + signed_or_empty(retention.evict_step(now.layer, now.lane)[at]);
  line += "," + signed_or_empty(retention.rival(now.layer, now.lane)[at]);
  line += "," + number_or_empty(double{retention.score(now.layer, now.lane)[at]});
  line += "," + number_or_empty(double{retention.rival_score(now.layer, now.lane)[at]});
  return line + "," + std::string(reason_names()[reason]);
}

}  // namespace

void render_window(MainWindow& window, const std::filesystem::path& path) {
  const QColor ground = to_qt(window.workspace().style.colours().ground);
  write_sheet(window,
              {window.size(), window.windowTitle(), provenance(window), ground,
               [&window](QPainter& painter) { window.render(&painter); }},
              path);
}

void render_view(MainWindow& window, std::string_view name, const std::filesystem::path& path) {
  View* const view = window.view(view_row(name).name);
  const Palette& colours = window.workspace().style.colours();
  const QStringList lines = provenance(window);
  const int caption = static_cast<int>(
      std::ceil(QFontMetricsF(small_font()).lineSpacing() * lines.size()) + 2 * kGutter);
  const QSize size = view->size() + QSize(0, caption);
  write_sheet(window,
              {size, view->accessibleName(), lines, to_qt(colours.panel),
               [&](QPainter& painter) {
                 view->render(&painter, QPoint(), QRegion(), QWidget::DrawChildren);
                 draw_caption(painter,
                              QRectF(kPadding, view->height() + kGutter / 2.0,
                                     size.width() - 2.0 * kPadding, caption),
                              lines, colours);
               }},
              path);
}

std::string csv_of(const Content& content, const Selection& now) {
  const Run& run = content.runs[now.run];
  const bool lane = now.scope == LaneScope::One;
  std::vector<TokenState> states;
  std::vector<float> fraction;
  if (lane)
    states = token_states(run, now.layer, now.lane, now.step);
  else
    fraction = kept_fraction(run, chosen_lanes(run, now), now.step);
  std::string text =
      lane ? "position,id,text,state,level,evict_step,rival,score,rival_score,reason\n"
           : "position,id,text,kept_fraction\n";
  for (uint32_t i = 0; i < now.visible; ++i) {
    const Position p(now.first_visible.value + i);
    text += std::to_string(p.value) + "," + std::to_string(content.tokens.id[p.index()]) + "," +
            quoted(content.tokens.piece(p)) + ",";
    text += lane ? lane_columns(run, now, p, states[p.index()])
                 : number_or_empty(double{fraction[p.index()]});
    text += "\n";
  }
  return text;
}

void write_csv(const Document& document, const Selection& selection,
               const std::filesystem::path& path) {
  const std::string table = csv_of(*document.content(), selection);
  const QStringList columns = to_qt(table).section(QLatin1Char('\n'), 0, 0).split(QLatin1Char(','));
  const QString name = QString::fromStdString(path.filename().string());
  write_whole_file(path, QByteArray::fromStdString(table));
  write_whole_file(path.string() + "-metadata.json",
                   QJsonDocument(table_metadata(document, selection, name, columns)).toJson());
}

}  // namespace dendrokv
