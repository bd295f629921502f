#include "tests/model/tensors.h"

#include <cstring>
#include <random>

#include "data/half.h"

namespace dendrokv::testing {

namespace {

class Maker {
 public:
  Maker(OwnedTensor& made, uint32_t seed) : made_(made), random_(seed) {}

  // All scales and minima are exact halves, so a value below is the one that the bytes say.
  float half(float low, float high) {
    const uint16_t bits = to_half(std::uniform_real_distribution<float>(low, high)(random_));
    append(bits);
    return from_half(bits);
  }
  int integer(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  template <class T>
  void append(T value) {
    const size_t old = made_.bytes.size();
    made_.bytes.resize(old + sizeof value);
    std::memcpy(&made_.bytes[old], &value, sizeof value);
  }

  void f32() {
    made_.values.push_back(std::normal_distribution<float>()(random_));
    append(made_.values.back());
  }

  void f16() { made_.values.push_back(half(-1, 1)); }

  void q4_1() {
    const float scale = half(0.01f, 0.1f), minimum = half(-1, 0);
    uint8_t codes[32];
    for (uint8_t& code : codes) {
      code = static_cast<uint8_t>(integer(0, 15));
      made_.values.push_back(scale * static_cast<float>(code) + minimum);
    }
    for (size_t j = 0; j < 16; ++j) append(static_cast<uint8_t>(codes[j] | codes[16 + j] << 4));
  }

  void q8_0() {
    const float scale = half(0.001f, 0.01f);
    for (size_t j = 0; j < 32; ++j) {
      const auto code = static_cast<int8_t>(integer(-128, 127));
      made_.values.push_back(scale * static_cast<float>(code));
      append(code);
    }
  }

 private:
  OwnedTensor& made_;
  std::mt19937 random_;
};

}  // namespace

OwnedTensor random_tensor(uint32_t type, size_t rows, size_t cols, uint32_t seed) {
  OwnedTensor made;
  Maker maker(made, seed);
  while (made.values.size() < rows * cols) switch (type) {
      case kF32:
        maker.f32();
        break;
      case kF16:
        maker.f16();
        break;
      case kQ4_1:
        maker.q4_1();
        break;
      default:
        maker.q8_0();
    }
  made.tensor = {.name = "w", .shape = {cols, rows}, .type = type, .data = made.bytes};
  return made;
}

}  // namespace dendrokv::testing
