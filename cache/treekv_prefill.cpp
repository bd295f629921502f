#include "cache/treekv_prefill.h"

#include <algorithm>
#include <numeric>

namespace dendrokv {

std::vector<TokenBlock> cut_in_blocks(size_t first, size_t last, size_t block, Ragged ragged,
                                      std::span<const double> scores) {
  std::vector<TokenBlock> blocks;
  const size_t remainder = (last - first) % block;
  size_t size = ragged == Ragged::Oldest && remainder > 0 ? remainder : block;
  for (size_t slot = first; slot < last; slot += size, size = block) {
    size = std::min(size, last - slot);
    double sum = 0;
    for (size_t token = slot; token < slot + size; ++token) sum += scores[token];
    blocks.push_back({slot, size, sum / static_cast<double>(size)});
    if (slot + size == last) break;
  }
  return blocks;
}

std::vector<BlockDuel> block_duels(std::span<const double> scores, size_t places, size_t stride,
                                   Tie tie) {
  std::vector<BlockDuel> duels;
  if (places == 0) return duels;
  std::vector<size_t> tree;
  size_t cursor = 0;
  for (size_t block = 0; block < scores.size(); ++block) {
    tree.push_back(block);
    if (tree.size() <= places) continue;
    const size_t left = tree[cursor], right = tree[cursor + 1];
    const bool tied = scores[left] == scores[right];
    const bool left_leaves = tied ? tie == Tie::LeftLeaves : scores[left] < scores[right];
    const size_t loser = left_leaves ? left : right, winner = left_leaves ? right : left;
    duels.push_back({loser, winner, scores[loser], scores[winner]});
    tree.erase(tree.begin() + static_cast<std::ptrdiff_t>(left_leaves ? cursor : cursor + 1));
    cursor = (cursor + stride) % places;
  }
  return duels;
}

std::vector<double> window_sums(const WindowView& window) {
  std::vector<double> sums(window.cols());
  for (size_t query = 0; query < window.rows(); ++query)
    for (size_t slot = 0; slot < sums.size(); ++slot)
      sums[slot] += static_cast<double>(window(query, slot));
  return sums;
}

}  // namespace dendrokv
