#pragma once
// Numbers in as few bytes each as the largest of them needs.

#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

namespace dendrokv {

class PackedNumbers {
 public:
  PackedNumbers() = default;
  /// `count` zeros, with room for numbers up to `largest`.
  PackedNumbers(size_t count, uint32_t largest)
      : width_(largest == 0 ? 1 : (static_cast<size_t>(std::bit_width(largest)) + 7) / 8),
        mask_(UINT32_MAX >> (32 - 8 * width_)),
        count_(count),
        bytes_(count * width_ + kRoom) {}

  size_t size() const { return count_; }
  size_t bytes() const { return bytes_.size(); }
  uint32_t operator[](size_t place) const {
    uint32_t number;
    std::memcpy(&number, bytes_.data() + place * width_, sizeof number);
    return number & mask_;
  }
  void set(size_t place, uint32_t number) {
    std::memcpy(bytes_.data() + place * width_, &number, width_);
  }

 private:
  static constexpr size_t kRoom = 3;  // a number is read as four bytes
  size_t width_ = 1;
  uint32_t mask_ = 0xff;
  size_t count_ = 0;
  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(kRoom);
};

}  // namespace dendrokv
