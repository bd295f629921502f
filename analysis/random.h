#pragma once
// Random numbers that are a function of (seed, stream, place): Philox 4x32 with 10 rounds (Salmon,
// Moraes, Dror, Shaw: Parallel Random Numbers, SC 2011). A document, a draw or a head has a stream
// of its own, so that results depend neither on the number of threads nor on the order in which
// they come.

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace dendrokv {

/// The block function: a bijection of the counter for every key.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class RandomStream {
 public:
  RandomStream(uint64_t seed, uint64_t stream);

  uint32_t next();
  double uniform();                // in (0, 1), 32 bits of it
  double normal();                 // mean 0, variance 1 (Box and Muller, 1958)
  uint32_t below(uint32_t bound);  // 0 to bound - 1, each equally often

  /// Every order equally often (Fisher and Yates).
  template <class T>
  void shuffle(std::span<T> items) {
    for (size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[below(static_cast<uint32_t>(i))]);
  }

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_, block_{};
  size_t used_ = 4;  // of block_
};

}  // namespace dendrokv
