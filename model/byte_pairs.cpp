#include "model/byte_pairs.h"

namespace dendrokv {
namespace {

uint64_t pair_key(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

}  // namespace

bool BytePairs::add(int32_t left, int32_t right, Merge merge) {
  return merges_.emplace(pair_key(left, right), merge).second;
}

const Merge* BytePairs::find(int32_t left, int32_t right) const {
  if (left < 0 || right < 0) return nullptr;
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void BytePairs::merge(std::string_view bytes, MergeSpace& space, std::vector<int32_t>& ids) const {
  space.clear();
  uint32_t begin = 0;
  for (const char byte : bytes) space.add(begin++, 1, byte_token[static_cast<unsigned char>(byte)]);
  space.merge([&](const MergeSymbol& left, const MergeSymbol& right) -> std::optional<FoundMerge> {
    const Merge* merge = find(left.token, right.token);
    if (!merge) return std::nullopt;
    return FoundMerge{static_cast<double>(merge->rank), merge->result};
  });
  space.for_each([&](const MergeSymbol& symbol) {
    if (symbol.token >= 0) ids.push_back(symbol.token);
  });
}

}  // namespace dendrokv
