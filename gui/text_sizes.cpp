#include "gui/text_sizes.h"

#include <algorithm>
#include <cmath>

namespace dendrokv {

TokenCells token_cells(const TextSize& size, QSizeF room, double strip, double pixel,
                       uint32_t tokens) {
  TokenCells cells;
  const auto fill = [&] {
    cells.columns = static_cast<size_t>(std::max(1.0, (room.width() - strip) / cells.width));
    cells.rows = static_cast<size_t>(std::max(1.0, room.height() / cells.height));
  };
  cells.width = size.width > 0 ? size.width : pixel;
  cells.height = size.height > 0 ? size.height : pixel;
  fill();
  if (size.width > 0) return cells;
  // Where even a pixel each is too much, as many tokens a cell as it takes.
  const double each = room.width() * room.height() / std::max<double>(tokens, 1);
  if (each > 2) {
    const double most = std::min(room.width() - strip, room.height());
    cells.width = cells.height = std::max(1.0, std::floor(std::min(std::sqrt(each) * 0.96, most)));
    fill();
  }
  while (cells.tokens() < tokens) cells.merged *= 2;
  return cells;
}

}  // namespace dendrokv
