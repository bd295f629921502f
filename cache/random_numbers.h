#pragma once
// Random numbers by counter: a number depends on its keys alone, not on what was drawn before, so
// that lanes and threads may come in any order.

#include <cstdint>
#include <initializer_list>

namespace dendrokv {

/// 64 uniform bits for a row of keys (the finaliser of SplitMix64 over each key in turn; Steele,
/// Lea and Flood, OOPSLA 2014).
constexpr uint64_t random_bits(std::initializer_list<uint64_t> keys) {
  uint64_t state = 0;
  for (const uint64_t key : keys) {
    state += 0x9e3779b97f4a7c15 + key;
    state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
    state ^= state >> 31;
  }
  return state;
}

/// In [0, count), count > 0. The bias of the remainder is below count / 2^64.
constexpr uint64_t random_below(uint64_t count, std::initializer_list<uint64_t> keys) {
  return random_bits(keys) % count;
}

}  // namespace dendrokv
