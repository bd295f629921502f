#include "gui/text_flow.h"

#include <algorithm>

namespace dendrokv {

TextFlow::TextFlow(const TokenText& tokens, std::vector<uint32_t> starts, double width,
                   WidthOf width_of)
    : tokens_(&tokens), width_(width), width_of_(std::move(width_of)), starts_(std::move(starts)) {}

size_t TextFlow::block_of(Position position) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), position.value);
  return static_cast<size_t>(after - starts_.begin()) - 1;
}

const std::vector<TextLine>& TextFlow::block(size_t number) {
  const auto known = std::find_if(kept_.begin(), kept_.end(),
                                  [number](const Block& one) { return one.number == number; });
  if (known != kept_.end()) return known->lines;
  const Position first(starts_[number]);
  const Position end(number + 1 < starts_.size() ? starts_[number + 1] : tokens_->id.size());
  if (kept_.size() == kMostBlocks) kept_.pop_back();
  ++made_;
  // Widths of pieces are known from block to block.
  const auto width_of = [this](const QString& text) {
    auto width = widths_.find(text);
    if (width == widths_.end()) width = widths_.insert(text, width_of_(text));
    return *width;
  };
  kept_.push_front({number, flow_text(*tokens_, first, end, width_, width_of)});
  return kept_.front().lines;
}

std::vector<TextLine> TextFlow::lines(Position position, size_t before, size_t count) {
  std::vector<TextLine> found;
  if (empty()) return found;
  size_t number = block_of(position);
  size_t at = line_of(block(number), position);
  while (before > at && number > 0) {
    before -= at + 1;
    at = block(--number).size() - 1;
  }
  at -= std::min(at, before);
  while (found.size() < count && number < starts_.size()) {
    const std::vector<TextLine>& lines = block(number);
    for (; at < lines.size() && found.size() < count; ++at) found.push_back(lines[at]);
    ++number;
    at = 0;
  }
  return found;
}

}  // namespace dendrokv
