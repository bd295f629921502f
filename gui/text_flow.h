#pragma once
// The text in lines, laid out where it is looked at: a text of a million tokens is cut into blocks
// at its paragraphs, and a block is flowed when one of its lines is asked for. No painting.

#include <QHash>
#include <deque>
#include <vector>

#include "gui/text_layout.h"

namespace dendrokv {

class TextFlow {
 public:
  TextFlow() = default;
  /// `tokens` outlives the flow. `starts` are text_blocks().
  TextFlow(const TokenText& tokens, std::vector<uint32_t> starts, double width, WidthOf width_of);

  bool empty() const { return starts_.empty(); }
  /// Up to `count` lines in order, the first one `before` lines above the line of `position` or at
  /// the start of the text.
  std::vector<TextLine> lines(Position position, size_t before, size_t count);
  /// Blocks that were flowed so far, again ones included.
  size_t blocks_made() const { return made_; }

  static constexpr uint32_t kFewestTokens = 128, kMostTokens = 2048;  // of a block
  static constexpr size_t kMostBlocks = 64;                           // kept

 private:
  struct Block {
    size_t number;
    std::vector<TextLine> lines;
  };
  size_t block_of(Position position) const;
  const std::vector<TextLine>& block(size_t number);

  const TokenText* tokens_ = nullptr;
  double width_ = 0;
  WidthOf width_of_;
  std::vector<uint32_t> starts_;  // first token of each block
  std::deque<Block> kept_;        // used last first
  QHash<QString, double> widths_;
  size_t made_ = 0;
};

}  // namespace dendrokv
