#pragma once
// TreeKV over the blocks of a prompt (He et al., IJCAI 2025, section 4.2): each block of tokens
// plays the part of one token, the last block asks, and the duels of decoding decide between
// blocks.
//
//   window        the last `block` tokens; token score = the sum of its column over their attention
//                 rows
//   blocks        the rows between the sinks and the window (or the recent rows, if those are
//                 more), cut in blocks from the old end; the remainder is a block of its own, the
//                 newest
//   block score   mean of its tokens' scores
//   duels         blocks come in one by one; whenever there are more than `places` of them, the two
//                 under the cursor compare scores, and the loser leaves with all its tokens

#include <cstdint>
#include <span>
#include <vector>

#include "cache/policy.h"
#include "cache/policy_options.h"

namespace dendrokv {

/// Where the remainder of a prompt that is no multiple of the block goes.
enum class Ragged { Newest, Oldest };

struct TokenBlock {
  size_t first = 0, size = 0;  // slots
  double score = 0;
};

/// Cuts the slots [first, last) in blocks; their scores are the means of `scores`.
std::vector<TokenBlock> cut_in_blocks(size_t first, size_t last, size_t block, Ragged ragged,
                                      std::span<const double> scores);

struct BlockDuel {
  size_t loser = 0, winner = 0;  // indices of blocks
  double score = 0, rival_score = 0;
};

/// The duels of `scores.size()` blocks for `places` places, in the order in which they happen.
/// `stride` is the cursor's, as in decoding. With one place the second block always meets the
/// first. `places` = 0: nobody wins, no duels; all blocks leave.
std::vector<BlockDuel> block_duels(std::span<const double> scores, size_t places, size_t stride,
                                   Tie tie);

/// Sum over the window's queries of each slot's weight.
std::vector<double> window_sums(const WindowView& window);

}  // namespace dendrokv
