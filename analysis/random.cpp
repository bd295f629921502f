#include "analysis/random.h"

#include <cmath>
#include <numbers>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

constexpr uint32_t low(uint64_t number) {
  return static_cast<uint32_t>(number);
}
constexpr uint32_t high(uint64_t number) {
  return static_cast<uint32_t>(number >> 32);
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t product0 = uint64_t{kMultiplier0} * counter[0];
    const uint64_t product1 = uint64_t{kMultiplier1} * counter[2];
    counter = {high(product1) ^ counter[1] ^ key[0], low(product1),
               high(product0) ^ counter[3] ^ key[1], low(product0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

RandomStream::RandomStream(uint64_t seed, uint64_t stream)
    : key_{low(seed), high(seed)}, counter_{0, 0, low(stream), high(stream)} {}

uint32_t RandomStream::next() {
  if (used_ == block_.size()) {
    block_ = philox(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[used_++];
}

double RandomStream::uniform() {
  return (static_cast<double>(next()) + 0.5) * 0x1p-32;
}

double RandomStream::normal() {
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

// Numbers past the last whole multiple of the bound are drawn again: a remainder alone favours the
// small ones.
uint32_t RandomStream::below(uint32_t bound) {
  DENDROKV_ASSERT(bound > 0);
  const uint64_t whole = (uint64_t{1} << 32) / bound * bound;
  uint32_t number = next();
  while (number >= whole) number = next();
  return number % bound;
}

}  // namespace dendrokv
