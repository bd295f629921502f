#pragma once
// The sizes of the text view: fonts, then cells, then as many tokens a pixel as it takes. Plain
// numbers.

#include <QSizeF>
#include <array>
#include <cstddef>
#include <cstdint>

namespace dendrokv {

/// One size of the strip.
struct TextSize {
  int font;  // pixels; 0 = cells
  // Of a line (width unused), or of a cell; 0 = a pixel, and as many tokens a pixel as it takes.
  double width, height;
};
inline constexpr std::array<TextSize, 11> kTextSizes = {{{20, 0, 40},
                                                         {16, 0, 33},
                                                         {13, 0, 28},
                                                         {11, 0, 23},
                                                         {9, 0, 18},
                                                         {0, 8, 12},
                                                         {0, 6, 8},
                                                         {0, 4, 6},
                                                         {0, 2, 4},
                                                         {0, 1, 2},
                                                         {0, 0, 0}}};

/// Cells in place of text: how many in a row, how large, and how many tokens each stands for.
struct TokenCells {
  size_t columns = 1, rows = 1, merged = 1;
  double width = 1, height = 1;
  size_t tokens() const { return columns * rows * merged; }
};

/// As a panel of `room` holds them, of which a strip at the right side stays free. `pixel` is a
/// device pixel. The smallest size shows all of `tokens` at once, as large as the panel allows.
TokenCells token_cells(const TextSize& size, QSizeF room, double strip, double pixel,
                       uint32_t tokens);

}  // namespace dendrokv
