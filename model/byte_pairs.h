#pragma once
// Byte-pair merging of one pre-token: the pair with the lowest rank merges first, the leftmost of
// equals (Sennrich et al., 2016).

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/best_first_merge.h"

namespace dendrokv {

struct Merge {
  uint32_t rank;
  int32_t result;
};

class BytePairs {
 public:
  /// Token of each single byte, -1 = none: such a byte merges with nothing and is dropped.
  std::vector<int32_t> byte_token = std::vector<int32_t>(256, -1);

  void reserve(size_t merges) { merges_.reserve(merges); }
  /// False when the pair has a merge already.
  bool add(int32_t left, int32_t right, Merge merge);
  /// Appends the tokens of `bytes` to `ids`; O(n log n).
  void merge(std::string_view bytes, MergeSpace& space, std::vector<int32_t>& ids) const;

 private:
  const Merge* find(int32_t left, int32_t right) const;
  std::unordered_map<uint64_t, Merge> merges_;
};

}  // namespace dendrokv
