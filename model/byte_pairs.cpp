#include "model/byte_pairs.h"

#include <queue>

namespace dendrokv {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// A link of the row of tokens; merged ones are unlinked.
struct Symbol {
  int32_t token;
  uint32_t previous, next;
};

struct Candidate {
  uint32_t rank, left;
  int32_t left_token,
      right_token;  // as they were when this was found; if they changed, it is stale
};

struct Later {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  }
};

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

void BytePairs::merge(std::string_view bytes, std::vector<int32_t>& ids) const {
  std::vector<Symbol> symbols;
  symbols.reserve(bytes.size());
  for (const char byte : bytes) {
    const auto at = static_cast<uint32_t>(symbols.size());
    symbols.push_back({byte_token[static_cast<unsigned char>(byte)], at - 1, at + 1});
  }
  if (symbols.empty()) return;
  symbols.front().previous = kNone;
  symbols.back().next = kNone;

  std::priority_queue<Candidate, std::vector<Candidate>, Later> queue;
  const auto consider = [&](uint32_t left) {
    if (left == kNone || symbols[left].next == kNone) return;
    const int32_t left_token = symbols[left].token, right_token = symbols[symbols[left].next].token;
    if (const Merge* merge = find(left_token, right_token))
      queue.push({merge->rank, left, left_token, right_token});
  };
  for (uint32_t left = 0; left < symbols.size(); ++left) consider(left);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[best.left];
    if (left.token != best.left_token || left.next == kNone ||
        symbols[left.next].token != best.right_token)
      continue;
    left.token = find(best.left_token, best.right_token)->result;
    Symbol& right = symbols[left.next];
    right.token = -1;
    left.next = right.next;
    if (left.next != kNone) symbols[left.next].previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
  for (uint32_t at = 0; at != kNone; at = symbols[at].next)
    if (symbols[at].token >= 0) ids.push_back(symbols[at].token);
}

}  // namespace dendrokv
