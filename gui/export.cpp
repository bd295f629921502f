#include "gui/export.h"

#include <QBuffer>
#include <QFile>
#include <QPainter>
#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>
#include <array>
#include <cmath>
#include <cstdio>

#include "data/error.h"
#include "gui/lane_state.h"
#include "gui/main_window.h"

namespace dendrokv {
namespace {

/// Under its own name only when complete. A device or a pipe would be replaced by a file: it is refused.
void write_bytes(const std::filesystem::path& path, const QByteArray& bytes) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
    fail(path.string(), "not a regular file", "wanted the name of a file that can be replaced");
  QSaveFile file(QFile::decodeName(path.c_str()));
  const bool written =
      file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() && file.commit();
  if (!written)
    fail(path.string(), "cannot be written: " + file.errorString().toStdString(),
         "wanted a writable file");
}

QByteArray png_of(MainWindow& window) {
  QImage image(window.size(), QImage::Format_RGB32);
  if (image.isNull())
    fail("picture", "no memory for its pixels", "wanted fewer", "choose a smaller --size");
  image.fill(to_qt(window.workspace().style.colours().ground));
  window.render(&image);
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  image.save(&buffer, "PNG");
  return bytes;
}

/// Draws the window on a vector device, views without their kept pictures.
void draw_vectors(MainWindow& window, QPaintDevice& device) {
  window.workspace().paint_mode = PaintMode::Direct;
  QPainter painter(&device);
  painter.setRenderHints(QPainter::Antialiasing | QPainter::TextAntialiasing);
  painter.scale(static_cast<double>(device.width()) / window.width(),
                static_cast<double>(device.height()) / window.height());
  window.render(&painter);
  painter.end();
  window.workspace().paint_mode = PaintMode::Cached;
}

QByteArray svg_of(MainWindow& window) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  QSvgGenerator svg;
  svg.setOutputDevice(&buffer);
  svg.setSize(window.size());
  svg.setViewBox(QRect(QPoint(0, 0), window.size()));
  svg.setTitle(window.windowTitle());
  draw_vectors(window, svg);
  return bytes;
}

QByteArray pdf_of(MainWindow& window) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  {
    QPdfWriter pdf(&buffer);
    pdf.setTitle(window.windowTitle());
    pdf.setCreator(QStringLiteral("DendroKV"));
    pdf.setPageSize(QPageSize(QSizeF(window.size()) * 0.75, QPageSize::Point));
    pdf.setPageMargins(QMarginsF(0, 0, 0, 0));
    pdf.setResolution(96);
    draw_vectors(window, pdf);
  }
  return bytes;
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
  const std::string extension = path.extension().string();
  if (extension == ".png")
    write_bytes(path, png_of(window));
  else if (extension == ".svg")
    write_bytes(path, svg_of(window));
  else if (extension == ".pdf")
    write_bytes(path, pdf_of(window));
  else
    fail(path.string(), "has the ending \"" + extension + "\"", "wanted .png, .svg or .pdf");
}

std::string csv_of(const Content& content, const Selection& now) {
  const Run& run = content.runs[now.run];
  const bool lane = now.scope == LaneScope::One;
  std::vector<TokenState> states;
  std::vector<float> fraction;
  if (lane)
    states = token_states(run, now.layer, now.lane, now.step);
  else
    fraction = kept_fraction(
        run, now.scope == LaneScope::AllMean ? all_lanes(run) : lanes_of_layer(run, now.layer),
        now.step);
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

void write_csv(const Content& content, const Selection& selection,
               const std::filesystem::path& path) {
  write_bytes(path, QByteArray::fromStdString(csv_of(content, selection)));
}

}  // namespace dendrokv
