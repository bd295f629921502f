#include "model/config_rotary.h"

#include <cmath>
#include <cstring>

#include "data/error.h"
#include "model/unicode.h"

namespace dendrokv {

namespace {

constexpr uint32_t kF32 = 0;
constexpr uint64_t kLongestContext = uint64_t{1} << 24;
constexpr double kLargestFactor = 65536;

std::string text_of(double number) {
  return std::to_string(number);
}

double read_base(const Keys& keys, std::string_view key, double otherwise) {
  const double base = keys.real(key).value_or(otherwise);
  if (base <= 1) keys.fail_with(key, text_of(base), "wanted more than 1");
  return base;
}

// Llama 3 comes with its frequency scaling worked out, one divisor for each pair.
std::vector<float> read_divisors(const Gguf& gguf, uint32_t head_dim) {
  std::vector<float> divisors(head_dim / 2, 1.0f);
  const GgufTensor* tensor = gguf.find_tensor("rope_freqs.weight");
  if (!tensor) return divisors;
  if (tensor->type != kF32 || tensor->shape != std::vector<uint64_t>{head_dim / 2})
    fail(gguf.subject(), "rope_freqs.weight has another type or shape",
         "wanted F32 [" + std::to_string(head_dim / 2) + "]");
  std::memcpy(divisors.data(), tensor->data.data(), tensor->data.size());
  for (const float divisor : divisors)
    if (!std::isfinite(divisor) || divisor <= 0)
      fail(gguf.subject(), "rope_freqs.weight holds " + std::to_string(divisor),
           "wanted positive divisors");
  return divisors;
}

// Positive, or `absent` when the file has no such key.
double read_positive(const Keys& keys, std::string_view key, double absent, double highest) {
  const double number = keys.real(key).value_or(absent);
  if (number <= 0 || number > highest)
    keys.fail_with(key, text_of(number), "wanted more than 0, at most " + text_of(highest));
  return number;
}

// rope.scaling.factor, or rope.scale_linear, its name in old files; 0 means not set.
double read_factor(const Keys& keys) {
  double factor = 1;
  for (const char* key : {"rope.scale_linear", "rope.scaling.factor"})
    if (keys.real(key).value_or(0) != 0) factor = read_positive(keys, key, 1, kLargestFactor);
  return factor;
}

void refuse_unless(const Keys& keys, std::string_view key, double supported) {
  const double number = keys.real(key).value_or(supported);
  if (number != supported)
    keys.fail_with(key, text_of(number), "wanted " + text_of(supported),
                   "this rotary scaling is not supported");
}

YarnRamp read_ramp(const Keys& keys, uint32_t context_length) {
  refuse_unless(keys, "rope.scaling.yarn_ext_factor", 1);
  refuse_unless(keys, "rope.scaling.yarn_attn_factor", 1);
  refuse_unless(keys, "rope.scaling.yarn_log_multiplier", 0);
  const char* const context = "rope.scaling.original_context_length";
  YarnRamp ramp;
  ramp.original_context =
      keys.checked(context, keys.count(context).value_or(context_length), 1, kLongestContext);
  ramp.fast = read_positive(keys, "rope.scaling.yarn_beta_fast", ramp.fast, 1e6);
  ramp.slow = read_positive(keys, "rope.scaling.yarn_beta_slow", ramp.slow, ramp.fast);
  return ramp;
}

void read_scaling(const Keys& keys, uint32_t context_length, RotaryShape& shape) {
  const char *const type_key = "rope.scaling.type", *const factor_key = "rope.scaling.factor";
  const std::string type = keys.text(type_key, "linear");
  shape.factor = read_factor(keys);
  shape.magnitude = read_positive(keys, "rope.scaling.attn_factor", 1, kLargestFactor);
  if (type == "linear") return;
  if (type == "none") {
    if (shape.factor != 1)
      keys.fail_with(factor_key, text_of(shape.factor), "wanted 1 beside rope.scaling.type none");
  } else if (type == "yarn") {
    if (shape.factor < 1)
      keys.fail_with(factor_key, text_of(shape.factor), "wanted 1 or more for yarn");
    shape.yarn = read_ramp(keys, context_length);
    shape.magnitude *= 1 + 0.1 * std::log(shape.factor);  // arXiv 2309.00071, equation 22
  } else {
    keys.fail_with(type_key, "'" + shown(type) + "'", "wanted none, linear or yarn",
                   "this rotary scaling is not supported");
  }
}

}  // namespace

RotaryShape read_rotary(const Keys& keys, RotaryPairing pairing, uint32_t head_dim,
                        uint32_t context_length) {
  RotaryShape shape{.pairing = pairing,
                    .base = read_base(keys, "rope.freq_base", 10000),
                    .divisors = read_divisors(keys.gguf(), head_dim)};
  read_scaling(keys, context_length, shape);
  return shape;
}

RotaryShape read_sliding_rotary(const Keys& keys, RotaryPairing pairing, uint32_t head_dim) {
  return {.pairing = pairing,
          .base = read_base(keys, "rope.freq_base_swa", 10000),
          .divisors = std::vector<float>(head_dim / 2, 1.0f)};
}

}  // namespace dendrokv
