#pragma once
// How the report looks: one style sheet for the page, in the reader's light or dark colours, and
// what of it a picture needs by itself.

#include <string>

namespace dendrokv {

/// The <style> element of the page.
std::string page_style();
/// Of an SVG file, in light colours.
std::string picture_style();

}  // namespace dendrokv
