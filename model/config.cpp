#include "model/config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "data/error.h"
#include "model/tensor_types.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

// Hyper-parameters of one architecture, by key; every failure names the key.
class Keys {
 public:
  Keys(const Gguf& gguf, std::string prefix) : gguf_(gguf), prefix_(std::move(prefix)) {}

  const std::string& subject() const { return gguf_.subject(); }
  std::string name(std::string_view key) const { return prefix_ + "." + std::string(key); }
  bool has(std::string_view key) const { return gguf_.find(name(key)) != nullptr; }

  std::optional<uint64_t> count(std::string_view key) const {
    const GgufValue* value = gguf_.find(name(key));
    if (!value) return std::nullopt;
    if (const auto* number = std::get_if<uint64_t>(value)) return *number;
    if (const auto* number = std::get_if<int64_t>(value); number && *number >= 0)
      return static_cast<uint64_t>(*number);
    fail(subject(), name(key) + " is not a whole number of 0 or more", "wanted one for all layers");
  }

  uint32_t needed(std::string_view key, uint64_t lowest, uint64_t highest) const {
    const auto number = count(key);
    if (!number) fail(subject(), name(key) + " is missing", "wanted a model with this key");
    return checked(key, *number, lowest, highest);
  }

  uint32_t checked(std::string_view key, uint64_t number, uint64_t lowest, uint64_t highest) const {
    if (number < lowest || number > highest)
      fail(subject(), name(key) + " is " + std::to_string(number),
           "wanted " + std::to_string(lowest) + " to " + std::to_string(highest));
    return static_cast<uint32_t>(number);
  }

  std::optional<double> real(std::string_view key) const {
    const GgufValue* value = gguf_.find(name(key));
    if (!value) return std::nullopt;
    const auto* number = std::get_if<double>(value);
    if (!number || !std::isfinite(*number))
      fail(subject(), name(key) + " is not a finite number", "wanted one");
    return *number;
  }

 private:
  const Gguf& gguf_;
  std::string prefix_;
};

// Names end up in traces and reports: they have to be short and UTF-8.
std::string text_of(const Gguf& gguf, const std::string& key, const std::string& otherwise) {
  constexpr size_t kLongest = 4096;
  const GgufValue* value = gguf.find(key);
  if (!value) return otherwise;
  const auto* text = std::get_if<std::string>(value);
  if (!text) fail(gguf.subject(), key + " is not a text", "wanted one");
  if (text->size() > kLongest || valid_utf8(*text) != *text)
    fail(gguf.subject(), key + " is '" + shown(*text) + "'", "wanted at most 4096 bytes of UTF-8");
  return *text;
}

// What a file may ask for and this engine does not do is refused by name, never ignored.
void refuse_unsupported(const Gguf& gguf, const Keys& keys) {
  const auto refuse = [&](const char* key, const std::string& found) {
    fail(gguf.subject(), keys.name(key) + " is " + found, "wanted a model without it",
         "this feature is not supported");
  };
  for (const char* key : {"expert_count", "expert_used_count", "attention.sliding_window"})
    if (const auto count = keys.count(key); count && *count != 0)
      refuse(key, std::to_string(*count));
  for (const char* key : {"attention.max_alibi_bias", "attention.clamp_kqv"})
    if (const auto number = keys.real(key); number && *number != 0)
      refuse(key, std::to_string(*number));
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "logit_scale",
                          "residual_scale", "embedding_scale", "attention.scale"})
    if (keys.has(key)) refuse(key, "set");
  const GgufValue* causal = gguf.find(keys.name("attention.causal"));
  if (causal && *causal != GgufValue(true)) refuse("attention.causal", "not true");
}

void refuse_parts(const Gguf& gguf) {
  const GgufValue* count = gguf.find("split.count");
  if (!count) return;
  if (const auto* number = std::get_if<uint64_t>(count); !number || *number > 1)
    fail(gguf.subject(), "is one part of a split model", "wanted a single file",
         "merge the parts first");
}

void check_quantization(const Gguf& gguf) {
  const GgufValue* version = gguf.find("general.quantization_version");
  if (!version || *version == GgufValue(uint64_t{2})) return;
  for (const GgufTensor& tensor : gguf.tensors())
    if (find_tensor_layout(tensor.type)->block_values > 1)
      fail(gguf.subject(), "general.quantization_version is not 2",
           "wanted 2 beside the quantised tensor " + tensor.name, "convert the model anew");
}

// `none` and `linear` by a factor of 1 are no scaling; rope_freqs.weight is a matter of its own.
void check_rope(const Gguf& gguf, const Keys& keys) {
  const std::string type = text_of(gguf, keys.name("rope.scaling.type"), "none");
  if (type != "none" && type != "linear")
    fail(gguf.subject(), keys.name("rope.scaling.type") + " is '" + shown(type) + "'",
         "wanted none or linear", "this rotary scaling is not supported");
  const auto check = [&](const char* key, double absent) {
    const double factor = keys.real(key).value_or(1);
    if (factor != 1 && factor != absent)
      fail(gguf.subject(), keys.name(key) + " is " + std::to_string(factor), "wanted 1",
           "rotary scaling is not supported");
  };
  check("rope.scaling.factor", 0);
  check("rope.scale_linear", 0);
  check("rope.scaling.attn_factor", 1);
}

std::vector<float> read_divisors(const Gguf& gguf, uint32_t head_dim) {
  std::vector<float> divisors(head_dim / 2, 1.0f);
  const GgufTensor* tensor = gguf.find_tensor("rope_freqs.weight");
  if (!tensor) return divisors;
  if (tensor->type != 0 || tensor->shape != std::vector<uint64_t>{head_dim / 2})
    fail(gguf.subject(), "rope_freqs.weight has another type or shape",
         "wanted F32 [" + std::to_string(head_dim / 2) + "]");
  std::memcpy(divisors.data(), tensor->data.data(), tensor->data.size());
  for (const float divisor : divisors)
    if (!std::isfinite(divisor) || divisor <= 0)
      fail(gguf.subject(), "rope_freqs.weight holds " + std::to_string(divisor),
           "wanted positive divisors");
  return divisors;
}

uint32_t vocabulary_of(const Gguf& gguf, const Keys& keys) {
  constexpr uint64_t kMostRows = uint64_t{1} << 24;
  const GgufTensor* embedding = gguf.find_tensor("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2)
    fail(gguf.subject(), "tensor token_embd.weight is missing or not a matrix",
         "wanted the token embedding");
  const uint64_t rows = embedding->shape[1];
  if (rows > kMostRows)
    fail(gguf.subject(), "token_embd.weight has " + std::to_string(rows) + " rows",
         "wanted at most 2^24");
  if (const auto said = keys.count("vocab_size"); said && *said != rows)
    fail(gguf.subject(), keys.name("vocab_size") + " is " + std::to_string(*said),
         "wanted the " + std::to_string(rows) + " rows of token_embd.weight");
  return static_cast<uint32_t>(rows);
}

void read_heads(const Keys& keys, Config& config) {
  config.heads = keys.needed("attention.head_count", 1, 1024);
  config.kv_heads =
      keys.checked("attention.head_count_kv",
                   keys.count("attention.head_count_kv").value_or(config.heads), 1, config.heads);
  if (config.heads % config.kv_heads != 0)
    fail(
        keys.subject(),
        std::to_string(config.heads) + " heads on " + std::to_string(config.kv_heads) + " KV heads",
        "wanted a multiple");
  const uint64_t head_dim =
      keys.count("attention.key_length").value_or(config.width / config.heads);
  config.head_dim = keys.checked("attention.key_length", head_dim, 2, 1024);
  if (config.head_dim % 2 != 0 ||
      keys.count("attention.value_length").value_or(head_dim) != head_dim)
    fail(keys.subject(), "head size " + std::to_string(head_dim),
         "wanted an even one, the same for keys and values");
  if (keys.count("rope.dimension_count").value_or(head_dim) != head_dim)
    fail(keys.subject(),
         keys.name("rope.dimension_count") + " is " +
             std::to_string(*keys.count("rope.dimension_count")),
         "wanted the head size " + std::to_string(head_dim));
}

}  // namespace

std::span<const std::string_view> architecture_names() {
  static constexpr std::array<std::string_view, 1> kNames{"llama"};
  return kNames;
}

Config read_config(const Gguf& gguf) {
  Config config;
  config.architecture = text_of(gguf, "general.architecture", "");
  const auto known = architecture_names();
  if (std::find(known.begin(), known.end(), config.architecture) == known.end())
    fail(gguf.subject(), "architecture '" + shown(config.architecture) + "'", "wanted llama",
         "other architectures are not supported");
  config.name = text_of(gguf, "general.name", "unnamed");
  const Keys keys(gguf, config.architecture);
  refuse_unsupported(gguf, keys);
  refuse_parts(gguf);
  check_quantization(gguf);
  check_rope(gguf, keys);
  config.layers = keys.needed("block_count", 1, 1024);
  config.width = keys.needed("embedding_length", 1, 65536);
  config.hidden = keys.needed("feed_forward_length", 1, 1 << 20);
  config.context_length = keys.needed("context_length", 1, 1 << 24);
  read_heads(keys, config);
  config.vocabulary = vocabulary_of(gguf, keys);
  const auto epsilon = keys.real("attention.layer_norm_rms_epsilon");
  if (!epsilon || *epsilon <= 0 || *epsilon > 1e-2)
    fail(gguf.subject(),
         keys.name("attention.layer_norm_rms_epsilon") + " is missing or out of range",
         "wanted 0 < epsilon <= 0.01");
  config.rms_epsilon = static_cast<float>(*epsilon);
  config.rope_base = keys.real("rope.freq_base").value_or(10000);
  if (config.rope_base <= 1)
    fail(gguf.subject(), keys.name("rope.freq_base") + " is " + std::to_string(config.rope_base),
         "wanted more than 1");
  config.rope_divisors = read_divisors(gguf, config.head_dim);
  return config;
}

}  // namespace dendrokv
