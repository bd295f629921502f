// Hyper-parameters: what is read, every range, every feature that is refused by name.

#include "model/config.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>

#include "data/error.h"
#include "tests/model/gguf_file.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using namespace dendrokv::testing;
using Change = std::function<void(GgufFile&)>;

Config config_of(const GgufFile& file) {
  const std::string text = file.bytes();
  return read_config(Gguf::parse("test.gguf", as_bytes(text)));
}

std::string refusal(const Change& change) {
  GgufFile file = tiny_model();
  change(file);
  try {
    config_of(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

Change u32(const std::string& key, uint32_t number) {
  return [=](GgufFile& file) { file.set_u32(key, number); };
}
Change f32(const std::string& key, float number) {
  return [=](GgufFile& file) { file.set_f32(key, number); };
}
Change text(const std::string& key, const std::string& value) {
  return [=](GgufFile& file) { file.set_text(key, value); };
}
Change without(const std::string& key) {
  return [=](GgufFile& file) { file.erase(key); };
}

void expect_refused(const Change& change, const std::string& part) {
  const std::string message = refusal(change);
  EXPECT_TRUE(message.starts_with("test.gguf: ") && message.find(part) != std::string::npos)
      << '"' << message << "\" does not mention \"" << part << '"';
}

TEST(Config, ReadsTheKeysAndTheirDefaults) {
  const Config config = config_of(tiny_model());
  EXPECT_EQ(config.architecture, find_architecture("llama"));
  EXPECT_EQ(config.name, "tiny");
  EXPECT_EQ(config.layers, 2u);
  EXPECT_EQ(config.width, 16u);
  EXPECT_EQ(config.hidden, 32u);
  EXPECT_EQ(config.heads, 4u);
  EXPECT_EQ(config.kv_heads, 2u);
  EXPECT_EQ(config.head_dim, 4u);  // width / heads
  EXPECT_EQ(config.vocabulary, 262u);
  EXPECT_EQ(config.context_length, 128u);
  EXPECT_EQ(config.rms_epsilon, 1e-5f);
  EXPECT_EQ(config.rotary.pairing, RotaryPairing::Adjacent);
  EXPECT_EQ(config.rotary.base, 10000);
  EXPECT_EQ(config.rotary.divisors, (std::vector<float>{1, 1}));
  EXPECT_EQ(config.rotary.factor, 1);
  EXPECT_EQ(config.rotary.magnitude, 1);
  EXPECT_FALSE(config.rotary.yarn.has_value());
  EXPECT_EQ(config.score_scale, 0.5f);  // 1 / sqrt(4)
  EXPECT_EQ(config.embedding_scale, 1.0f);
  EXPECT_EQ(config.window, 0u);
  EXPECT_EQ(config.spans, (std::vector<LayerSpan>(2, LayerSpan::All)));
}

TEST(Config, TakesWhatIsSaid) {
  GgufFile file = tiny_model();
  file.erase("llama.attention.head_count_kv");
  file.erase("general.name");
  file.set_u32("llama.attention.key_length", 8);
  file.set_u32("llama.attention.value_length", 8);
  file.set_u32("llama.rope.dimension_count", 8);
  file.set_f32("llama.rope.freq_base", 5e5f);
  file.set_u32("llama.vocab_size", 262);
  file.set("llama.block_count", GgufType::I64,
           std::string("\2\0\0\0\0\0\0\0", 8));  // any width of whole number
  const Config config = config_of(file);
  EXPECT_EQ(config.kv_heads, 4u);  // as many as heads
  EXPECT_EQ(config.head_dim, 8u);
  EXPECT_EQ(config.rotary.base, 5e5);
  EXPECT_EQ(config.layers, 2u);
  EXPECT_EQ(config.name, "unnamed");
}

TEST(Config, NeededKeysThatAreMissing) {
  for (const char* key :
       {"block_count", "context_length", "embedding_length", "feed_forward_length",
        "attention.head_count", "attention.layer_norm_rms_epsilon"})
    expect_refused(without(std::string("llama.") + key),
                   std::string("llama.") + key + " is missing");
  expect_refused([](GgufFile& file) { file.erase_tensor("token_embd.weight"); },
                 "token_embd.weight is missing");
}

TEST(Config, Ranges) {
  const struct {
    const char* key;
    uint32_t bad;
  } kRows[] = {
      {"block_count", 0},
      {"block_count", 1025},
      {"context_length", 0},
      {"context_length", (1u << 24) + 1},
      {"embedding_length", 0},
      {"embedding_length", 65537},
      {"feed_forward_length", 0},
      {"feed_forward_length", (1u << 20) + 1},
      {"attention.head_count", 0},
      {"attention.head_count", 1025},
      {"attention.head_count_kv", 0},
      {"attention.head_count_kv", 5},
      {"attention.key_length", 0},
      {"attention.key_length", 1026},
  };
  for (const auto& row : kRows)
    expect_refused(u32(std::string("llama.") + row.key, row.bad),
                   std::string("llama.") + row.key + " is " + std::to_string(row.bad));
  expect_refused(u32("llama.attention.head_count_kv", 3), "4 heads on 3 KV heads");
  expect_refused(u32("llama.attention.key_length", 5), "head size 5");
  expect_refused(u32("llama.attention.value_length", 6), "the same for keys and values");
  expect_refused(u32("llama.rope.dimension_count", 2), "llama.rope.dimension_count is 2");
  expect_refused(u32("llama.vocab_size", 300), "llama.vocab_size is 300");
}

TEST(Config, NumbersThatAreNone) {
  const std::string epsilon = "llama.attention.layer_norm_rms_epsilon",
                    base = "llama.rope.freq_base";
  for (const float bad : {0.0f, -1e-5f, 0.02f})
    expect_refused(f32(epsilon, bad), epsilon + " is missing or out of range");
  for (const float bad : {1.0f, 0.0f, -10000.0f}) expect_refused(f32(base, bad), base + " is ");
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    expect_refused(f32(epsilon, bad), epsilon + " is not a finite number");
    expect_refused(f32(base, bad), base + " is not a finite number");
  }
  expect_refused(text("llama.block_count", "two"), "llama.block_count is not a whole number");
  expect_refused(f32("llama.block_count", 2), "llama.block_count is not a whole number");
  expect_refused(
      [](GgufFile& file) {
        file.set_i32s("llama.feed_forward_length", {32, 64});
      },
      "llama.feed_forward_length is not a whole number");
  expect_refused([](GgufFile& file) { file.set("llama.block_count", GgufType::I8, "\xFF"); },
                 "llama.block_count is not a whole number");
}

TEST(Config, ForeignArchitecturesAndTexts) {
  expect_refused(text("general.architecture", "mamba"),
                 "architecture 'mamba', wanted one of llama, qwen2, qwen3, gemma3");
  expect_refused(without("general.architecture"), "architecture ''");
  expect_refused(u32("general.architecture", 1), "general.architecture is not a text");
  expect_refused(text("general.architecture", "\x1B[31m\nred"), "architecture '?[31m?red'");
  expect_refused(text("general.name", "not \xFF UTF-8"), "general.name");
  expect_refused(text("general.name", std::string(5000, 'n')), "wanted at most 4096 bytes");
}

TEST(Config, FeaturesThatAreNotSupportedAreNamed) {
  expect_refused(u32("llama.expert_count", 8), "llama.expert_count is 8");
  expect_refused(f32("llama.attention.clamp_kqv", 8), "llama.attention.clamp_kqv");
  expect_refused(f32("llama.attention.max_alibi_bias", 8), "llama.attention.max_alibi_bias");
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "logit_scale",
                          "residual_scale", "embedding_scale"}) {
    expect_refused(f32(std::string("llama.") + key, 30), std::string("llama.") + key + " is 30");
    EXPECT_EQ(refusal(f32(std::string("llama.") + key, 0)), "accepted");
  }
  expect_refused(u32("llama.nextn_predict_layers", 1), "llama.nextn_predict_layers is 1");
  expect_refused(u32("llama.attention.sliding_window_pattern", 6),
                 "llama.attention.sliding_window_pattern is set");
  expect_refused(f32("llama.rope.freq_base_swa", 1e4f), "llama.rope.freq_base_swa is set");
  expect_refused([](GgufFile& file) { file.set_bool("llama.attention.causal", 0); },
                 "llama.attention.causal is not true");
  expect_refused(
      [](GgufFile& file) { file.set("split.count", GgufType::U16, std::string("\3\0", 2)); },
      "one part of a split model");
  EXPECT_EQ(refusal(u32("llama.expert_count", 0)), "accepted");
  EXPECT_EQ(refusal([](GgufFile& file) { file.set_bool("llama.attention.causal", 1); }),
            "accepted");
}

TEST(Config, RotaryScaling) {
  const std::string type = "llama.rope.scaling.type", factor = "llama.rope.scaling.factor";
  const auto rotary = [&](const std::vector<Change>& changes) {
    GgufFile file = tiny_model();
    for (const Change& change : changes) change(file);
    return config_of(file).rotary;
  };
  for (const char* other : {"longrope", "banana", ""})
    expect_refused(text(type, other), type + " is '" + other + "'");
  EXPECT_EQ(rotary({text(type, "none")}).factor, 1);
  EXPECT_EQ(rotary({text(type, "linear"), f32(factor, 4)}).factor, 4);
  EXPECT_EQ(rotary({f32(factor, 4)}).factor, 4);  // linear unless said
  EXPECT_EQ(rotary({f32(factor, 0)}).factor, 1);
  EXPECT_EQ(rotary({f32("llama.rope.scale_linear", 2)}).factor, 2);
  EXPECT_EQ(rotary({f32("llama.rope.scaling.attn_factor", 1.5f)}).magnitude, 1.5);
  const Change none_with_factor = [&](GgufFile& file) {
    file.set_text(type, "none");
    file.set_f32(factor, 4);
  };
  expect_refused(none_with_factor, factor + " is 4.000000, wanted 1 beside rope.scaling.type none");
  for (const float bad : {-1.0f, 1e6f}) expect_refused(f32(factor, bad), factor + " is ");
  expect_refused(f32(factor, std::numeric_limits<float>::quiet_NaN()),
                 factor + " is not a finite number");
  for (const float bad : {0.0f, -1.0f, 1e6f})
    expect_refused(f32("llama.rope.scaling.attn_factor", bad),
                   "llama.rope.scaling.attn_factor is ");
}

TEST(Config, Yarn) {
  GgufFile file = tiny_model();
  file.set_text("llama.rope.scaling.type", "yarn");
  file.set_f32("llama.rope.scaling.factor", 4);
  RotaryShape shape = config_of(file).rotary;
  ASSERT_TRUE(shape.yarn.has_value());
  EXPECT_EQ(shape.factor, 4);
  EXPECT_EQ(shape.yarn->original_context, 128);  // the context
  EXPECT_EQ(shape.yarn->fast, 32);
  EXPECT_EQ(shape.yarn->slow, 1);
  EXPECT_DOUBLE_EQ(shape.magnitude, 1 + 0.1 * std::log(4.0));
  file.set_u32("llama.rope.scaling.original_context_length", 64);
  file.set_f32("llama.rope.scaling.attn_factor", 2);
  file.set_f32("llama.rope.scaling.yarn_beta_fast", 16);
  file.set_f32("llama.rope.scaling.yarn_beta_slow", 2);
  shape = config_of(file).rotary;
  EXPECT_EQ(shape.yarn->original_context, 64);
  EXPECT_EQ(shape.yarn->fast, 16);
  EXPECT_EQ(shape.yarn->slow, 2);
  EXPECT_DOUBLE_EQ(shape.magnitude, 2 * (1 + 0.1 * std::log(4.0)));

  const auto refused = [&](const std::string& key, float number) {
    const Change change = [&](GgufFile& other) {
      other = file;
      other.set_f32("llama.rope.scaling." + key, number);
    };
    expect_refused(change, "llama.rope.scaling." + key + " is ");
  };
  refused("factor", 0.5f);
  refused("yarn_ext_factor", 0.5f);
  refused("yarn_attn_factor", 2);
  refused("yarn_log_multiplier", 0.1f);
  refused("yarn_beta_fast", 0);
  refused("yarn_beta_slow", 17);           // more than the fast one
  refused("original_context_length", 64);  // not a whole number
}

// What the architectures' rows say, in numbers.
GgufFile renamed(const std::string& architecture) {
  GgufFile file = tiny_model();
  file.set_text("general.architecture", architecture);
  for (GgufFile::Key& key : file.keys)
    if (key.name.starts_with("llama.")) key.name.replace(0, 5, architecture);
  return file;
}

TEST(Config, HalvesAndExplicitHeadSizes) {
  for (const char* architecture : {"qwen2", "qwen3"}) {
    GgufFile file = renamed(architecture);
    const std::string prefix = architecture;
    file.set_u32(prefix + ".attention.key_length", 16);
    file.set_u32(prefix + ".attention.value_length", 16);
    const Config config = config_of(file);
    EXPECT_EQ(config.rotary.pairing, RotaryPairing::Halves);
    EXPECT_EQ(config.head_dim, 16u);
    EXPECT_EQ(config.score_scale, 0.25f);
    EXPECT_EQ(config.spans, (std::vector<LayerSpan>(2, LayerSpan::All)));
    file.set_u32(prefix + ".attention.sliding_window", 16);
    expect_refused([&](GgufFile& other) { other = file; },
                   prefix + ".attention.sliding_window is 16");
  }
}

TEST(Config, GemmaDefaultsOfWindowsAndBases) {
  GgufFile file = renamed("gemma3");
  expect_refused([&](GgufFile& other) { other = file; },
                 "gemma3.attention.sliding_window is missing");
  file.set_u32("gemma3.attention.sliding_window", 512);
  file.set_u32("gemma3.block_count", 13);
  file.set_f32("gemma3.rope.freq_base", 1e6f);
  file.set_text("gemma3.rope.scaling.type", "linear");
  file.set_f32("gemma3.rope.scaling.factor", 8);
  const Config config = config_of(file);
  EXPECT_EQ(config.window, 512u);
  ASSERT_EQ(config.spans.size(), 13u);
  for (size_t layer = 0; layer < 13; ++layer)
    EXPECT_EQ(config.spans[layer], layer == 5 || layer == 11 ? LayerSpan::All : LayerSpan::Window);
  EXPECT_EQ(config.rotary.base, 1e6);
  EXPECT_EQ(config.rotary.factor, 8);
  EXPECT_EQ(config.sliding_rotary.base, 1e4);
  EXPECT_EQ(config.sliding_rotary.factor, 1);
  EXPECT_EQ(config.sliding_rotary.pairing, RotaryPairing::Halves);
  EXPECT_EQ(config.embedding_scale, 4.0f);
  EXPECT_EQ(config.score_scale, 0.5f);
}

TEST(Config, GemmaPatternsAndScales) {
  GgufFile file = renamed("gemma3");
  file.set_u32("gemma3.attention.sliding_window", 8);
  file.set_f32("gemma3.rope.freq_base_swa", 5000);
  const std::string key = "gemma3.attention.sliding_window_pattern";
  file.set_u32(key, 2);
  EXPECT_EQ(config_of(file).sliding_rotary.base, 5000);
  EXPECT_EQ(config_of(file).spans, (std::vector<LayerSpan>{LayerSpan::Window, LayerSpan::All}));
  const auto flags = [](uint64_t count, const std::string& bytes) {
    std::string value;
    append(value, static_cast<uint32_t>(GgufType::Bool));
    append(value, count);
    return value + bytes;
  };
  file.set(key, GgufType::Array, flags(2, std::string("\0\1", 2)));
  EXPECT_EQ(config_of(file).spans, (std::vector<LayerSpan>{LayerSpan::All, LayerSpan::Window}));
  file.set(key, GgufType::Array, flags(3, std::string("\0\1\1", 3)));
  expect_refused([&](GgufFile& other) { other = file; }, key + " is a list of 3");
  file.set_u32(key, 0);
  expect_refused([&](GgufFile& other) { other = file; }, key + " is 0");
  file.erase(key);
  file.set_u32("gemma3.attention.key_length", 16);
  file.set_u32("gemma3.attention.value_length", 16);
  file.set_u32("gemma3.block_count", 62);  // 27B: 1 / sqrt(width / heads)
  EXPECT_EQ(config_of(file).score_scale, 0.5f);
  file.set_f32("gemma3.attention.scale", 0.125f);
  EXPECT_EQ(config_of(file).score_scale, 0.125f);
  for (const float bad : {-1.0f, 101.0f}) {
    file.set_f32("gemma3.attention.scale", bad);
    expect_refused([&](GgufFile& other) { other = file; }, "gemma3.attention.scale is ");
  }
}

TEST(Config, AWindowOfEveryLayer) {
  GgufFile file = tiny_model();
  file.set_u32("llama.attention.sliding_window", 4096);
  const Config config = config_of(file);
  EXPECT_EQ(config.window, 4096u);
  EXPECT_EQ(config.spans, (std::vector<LayerSpan>(2, LayerSpan::Window)));
  EXPECT_EQ(config.sliding_rotary.base, config.rotary.base);
  file.set_u32("llama.attention.sliding_window", 0);
  EXPECT_EQ(config_of(file).spans, (std::vector<LayerSpan>(2, LayerSpan::All)));
  expect_refused(u32("llama.attention.sliding_window", (1u << 24) + 1),
                 "llama.attention.sliding_window is 16777217");
}

// Some writers give one number per layer even where all are the same.
TEST(Config, ListsOfOneNumber) {
  GgufFile file = tiny_model();
  file.set_i32s("llama.attention.head_count_kv", {2, 2});
  EXPECT_EQ(config_of(file).kv_heads, 2u);
}

TEST(Config, RotaryDivisors) {
  const auto with = [](const std::vector<float>& divisors) {
    return [=](GgufFile& file) {
      file.set_floats("rope_freqs.weight", {divisors.size()});
      file.tensor("rope_freqs.weight")
          .data.assign(reinterpret_cast<const char*>(divisors.data()), divisors.size() * 4);
    };
  };
  GgufFile file = tiny_model();
  with({1, 8})(file);
  EXPECT_EQ(config_of(file).rotary.divisors, (std::vector<float>{1, 8}));
  for (const float bad : {0.0f, -1.0f, std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()})
    expect_refused(with({1, bad}), "rope_freqs.weight holds ");
  expect_refused(with({1, 8, 8}), "rope_freqs.weight has another type or shape");
  expect_refused(
      [](GgufFile& other) {
        other.tensors.push_back({"rope_freqs.weight", {2}, 1, "abcd", std::nullopt});
      },
      "rope_freqs.weight has another type or shape");
  const std::string llama3 = read_text(data_file("models/llama-rope-llama3/model.gguf"));
  const Config config = read_config(Gguf::parse("llama3", as_bytes(llama3)));
  EXPECT_EQ(config.rotary.divisors.size(), 8u);
  EXPECT_EQ(config.rotary.divisors.front(), 1.0f);
  EXPECT_EQ(config.rotary.divisors.back(), 8.0f);
}

TEST(Config, QuantisationVersion) {
  const std::string key = "general.quantization_version";
  const auto quantised = [&](uint32_t version) {
    return [=](GgufFile& file) {
      file.tensors.push_back({"w", {32}, 8, std::string(34, '\0'), std::nullopt});
      file.set_u32(key, version);
    };
  };
  EXPECT_EQ(refusal(quantised(2)), "accepted");
  expect_refused(quantised(1), key + " is not 2");
  EXPECT_EQ(refusal(u32(key, 1)), "accepted");  // nothing is quantised
}

}  // namespace
}  // namespace dendrokv
