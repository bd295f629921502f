#include "plot/svg.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "data/error.h"

namespace dendrokv {
namespace {

std::string attribute(std::string_view name, double pixels) {
  return " " + std::string(name) + "=\"" + coordinate(pixels) + "\"";
}

std::string_view anchor_name(Anchor anchor) {
  if (anchor == Anchor::Start) return "start";
  return anchor == Anchor::Middle ? "middle" : "end";
}

std::string box_attributes(const Box& box) {
  return attribute("x", box.x) + attribute("y", box.y) + attribute("width", box.width) +
         attribute("height", box.height);
}

/// A name for an element with this definition (FNV-1a, 64 bits); equal ones are interchangeable.
std::string id_of(std::string_view prefix, std::string_view definition) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char character : definition)
    hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3;
  std::string id(prefix);
  for (int shift = 60; shift >= 0; shift -= 4) id += "0123456789abcdef"[hash >> shift & 15];
  return id;
}

}  // namespace

std::string xml_escaped(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    switch (character) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(character);
        escaped += (byte < 0x20 && character != '\n' && character != '\t') || byte == 0x7F
                       ? ' '
                       : character;
      }
    }
  }
  return escaped;
}

double text_width(std::string_view text) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  });
  return kLetterWidth * static_cast<double>(characters);
}

std::string coordinate(double pixels) {
  DENDROKV_ASSERT(std::isfinite(pixels));
  char buffer[64];
  const double rounded = std::round(pixels * 100) / 100;
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, rounded + 0.0, std::chars_format::fixed, 2).ptr;
  std::string text(buffer, end);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

Svg::Svg(double width, double height, std::string_view label)
    : head_("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + coordinate(width) + " " +
            coordinate(height) + "\" width=\"" + coordinate(width) + "\" height=\"" +
            coordinate(height) + "\" role=\"img\" aria-label=\"" + xml_escaped(label) + "\">\n") {}

void Svg::rect(const Box& box, std::string_view style) {
  body_ += "<rect" + box_attributes(box) + " " + std::string(style) + "/>\n";
}

void Svg::line(Point from, Point to, std::string_view style) {
  body_ += "<line" + attribute("x1", from.x) + attribute("y1", from.y) + attribute("x2", to.x) +
           attribute("y2", to.y) + " " + std::string(style) + "/>\n";
}

void Svg::path(std::span<const Point> points, std::string_view style) {
  if (points.empty()) return;
  std::string data;
  for (const Point& point : points)
    data += (data.empty() ? "M" : "L") + coordinate(point.x) + " " + coordinate(point.y);
  body_ += "<path d=\"" + data + "\" fill=\"none\" " + std::string(style) + "/>\n";
}

void Svg::area(std::span<const Point> outline, std::string_view style) {
  if (outline.empty()) return;
  std::string data;
  for (const Point& point : outline)
    data += (data.empty() ? "M" : "L") + coordinate(point.x) + " " + coordinate(point.y);
  body_ += "<path d=\"" + data + "Z\" stroke=\"none\" " + std::string(style) + "/>\n";
}

void Svg::circle(Point centre, double radius, std::string_view style) {
  body_ += "<circle" + attribute("cx", centre.x) + attribute("cy", centre.y) +
           attribute("r", radius) + " " + std::string(style) + "/>\n";
}

void Svg::metadata(std::string_view text) {
  body_ += "<metadata>" + xml_escaped(text) + "</metadata>\n";
}

void Svg::text(Point at, Anchor anchor, std::string_view text, std::string_view style) {
  body_ += "<text" + attribute("x", at.x) + attribute("y", at.y) + " text-anchor=\"" +
           std::string(anchor_name(anchor)) + "\" " + std::string(style) + ">" + xml_escaped(text) +
           "</text>\n";
}

void Svg::upright_text(Point at, std::string_view text, std::string_view style) {
  body_ += "<text transform=\"translate(" + coordinate(at.x) + " " + coordinate(at.y) +
           ") rotate(-90)\" text-anchor=\"middle\" " + std::string(style) + ">" +
           xml_escaped(text) + "</text>\n";
}

void Svg::begin_clip(const Box& box) {
  const std::string id = id_of("clip-", box_attributes(box));
  body_ += "<clipPath id=\"" + id + "\"><rect" + box_attributes(box) +
           "/></clipPath>\n<g clip-path=\"url(#" + id + ")\">\n";
}

void Svg::end_clip() {
  body_ += "</g>\n";
}

void Svg::hatch(const Box& box, std::string_view colour) {
  const std::string id = id_of("hatch-", colour);
  body_ += "<pattern id=\"" + id +
           "\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
           "patternTransform=\"rotate(45)\"><line x1=\"0\" y1=\"0\" "
           "x2=\"0\" y2=\"6\" stroke=\"" +
           std::string(colour) + "\" stroke-width=\"1\"/></pattern>\n";
  rect(box, "fill=\"url(#" + id + ")\"");
}

void Svg::tooltip(const Box& box, std::string_view text, std::string_view style) {
  body_ += "<rect" + box_attributes(box) + " " + std::string(style) + "><title>" +
           xml_escaped(text) + "</title></rect>\n";
}

std::string Svg::finish() const {
  return head_ + body_ + "</svg>\n";
}

}  // namespace dendrokv
