// The container: what it holds, every limit on it, damage.

#include "model/gguf.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

#include "data/error.h"
#include "tests/model/gguf_file.h"
#include "tests/model/model_fuzz.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using namespace dendrokv::testing;

Gguf parsed(const std::string& text) {
  return Gguf::parse("test.gguf", as_bytes(text));
}

// The Error of parsing, or "accepted".
std::string refusal(const std::string& text) {
  try {
    parsed(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal(const GgufFile& file) {
  return refusal(file.bytes());
}

::testing::AssertionResult mentions(const std::string& message, const std::string& part) {
  if (message.find(part) != std::string::npos && message.starts_with("test.gguf: "))
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << '"' << message << "\" does not mention \"" << part << '"';
}

// One key of each kind besides those of the model.
GgufFile one_key(GgufType type, const std::string& value) {
  GgufFile file;
  file.set("some.key", type, value);
  return file;
}

template <class T>
std::string raw(T number) {
  std::string bytes;
  append(bytes, number);
  return bytes;
}

std::string array_of(uint32_t type, uint64_t count, const std::string& elements) {
  return raw(type) + raw(count) + elements;
}

TEST(Gguf, ReadsEveryValueType) {
  const auto value = [](GgufType type, const std::string& bytes) {
    const std::string text = one_key(type, bytes).bytes();
    return *parsed(text).find("some.key");
  };
  EXPECT_EQ(value(GgufType::U8, raw(uint8_t{200})), GgufValue(uint64_t{200}));
  EXPECT_EQ(value(GgufType::I8, raw(int8_t{-100})), GgufValue(int64_t{-100}));
  EXPECT_EQ(value(GgufType::U16, raw(uint16_t{60000})), GgufValue(uint64_t{60000}));
  EXPECT_EQ(value(GgufType::I16, raw(int16_t{-30000})), GgufValue(int64_t{-30000}));
  EXPECT_EQ(value(GgufType::U32, raw(uint32_t{4000000000})), GgufValue(uint64_t{4000000000}));
  EXPECT_EQ(value(GgufType::I32, raw(int32_t{-2000000000})), GgufValue(int64_t{-2000000000}));
  EXPECT_EQ(value(GgufType::F32, raw(0.1f)), GgufValue(double{0.1f}));
  EXPECT_EQ(value(GgufType::Bool, raw(uint8_t{1})), GgufValue(true));
  EXPECT_EQ(value(GgufType::String, raw(uint64_t{3}) + "a\nb"), GgufValue(std::string("a\nb")));
  EXPECT_EQ(value(GgufType::U64, raw(UINT64_MAX)), GgufValue(UINT64_MAX));
  EXPECT_EQ(value(GgufType::I64, raw(INT64_MIN)), GgufValue(INT64_MIN));
  EXPECT_EQ(value(GgufType::F64, raw(1e300)), GgufValue(1e300));
  EXPECT_EQ(value(GgufType::Array, array_of(3, 2, raw(int16_t{-1}) + raw(int16_t{7}))),
            GgufValue(std::vector<int64_t>{-1, 7}));
  EXPECT_EQ(value(GgufType::Array, array_of(7, 3, std::string("\1\0\1", 3))),
            GgufValue(std::vector<bool>{true, false, true}));
  EXPECT_EQ(value(GgufType::Array, array_of(8, 1, raw(uint64_t{2}) + "hi")),
            GgufValue(std::vector<std::string>{"hi"}));
  EXPECT_EQ(value(GgufType::Array, array_of(6, 0, "")), GgufValue(std::vector<double>{}));
}

TEST(Gguf, FindsTensorsAndTheirBytes) {
  const std::string text = tiny_model().bytes();
  const Gguf gguf = parsed(text);
  EXPECT_EQ(gguf.tensors().size(), 20u);
  const GgufTensor* tensor = gguf.find_tensor("blk.1.ffn_down.weight");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->shape, (std::vector<uint64_t>{32, 16}));
  ASSERT_EQ(tensor->data.size(), 32u * 16 * 4);
  float third = 0;
  std::memcpy(&third, tensor->data.data() + 8, 4);
  EXPECT_EQ(third, 0.5f + 2.0f / 128);
  EXPECT_EQ(gguf.find_tensor("blk.2.ffn_down.weight"), nullptr);
  EXPECT_EQ(gguf.find("some.key"), nullptr);
}

TEST(Gguf, LimitsOnTheHeader) {
  GgufFile file;
  EXPECT_EQ(refusal(file), "accepted");  // nothing in it, but sound
  file.key_count = 100'001;
  EXPECT_TRUE(mentions(refusal(file), "100001 metadata pairs"));
  file.key_count = 100'000;  // announced; only padding is there
  EXPECT_TRUE(mentions(refusal(file), "a key that is empty"));
  file.key_count.reset();
  file.tensor_count = 65'536;
  EXPECT_TRUE(mentions(refusal(file), "65536 tensors"));
  file.tensor_count = 65'535;
  EXPECT_TRUE(mentions(refusal(file), "a tensor name that is empty"));
  file.tensor_count.reset();
  for (const uint32_t version : {0u, 1u, 4u, 99u}) {
    file.version = version;
    EXPECT_TRUE(mentions(refusal(file), "GGUF version " + std::to_string(version)));
  }
  file.version = 0x03000000;  // 3 with its bytes swapped
  EXPECT_TRUE(mentions(refusal(file), "big-endian"));
  file.version = 2;
  EXPECT_EQ(refusal(file), "accepted");
}

TEST(Gguf, LimitsOnKeys) {
  GgufFile file;
  file.set_u32(std::string(65'535, 'k'), 1);
  EXPECT_EQ(refusal(file), "accepted");
  file.set_u32(std::string(65'536, 'k'), 1);
  EXPECT_TRUE(mentions(refusal(file), "a key has 65536 bytes"));
  for (const char* name : {"", "two words", "line\nbreak", "\xC3\xA4", "\x7F"}) {
    GgufFile odd;
    odd.set_u32(name, 1);
    EXPECT_TRUE(mentions(refusal(odd), "a key that is empty or not printable ASCII"));
  }
  GgufFile twice;
  twice.keys = {{"a.b", GgufType::U8, "x"}, {"a.b", GgufType::U8, "x"}};
  EXPECT_TRUE(mentions(refusal(twice), "key a.b twice"));
}

TEST(Gguf, LimitsOnValues) {
  const auto message = [](GgufType type, const std::string& value) {
    return refusal(one_key(type, value));
  };
  EXPECT_TRUE(mentions(message(GgufType{13}, "x"), "key some.key has value type 13"));
  EXPECT_TRUE(mentions(message(GgufType::Bool, "\2"), "key some.key is a bool of 2"));
  EXPECT_TRUE(
      mentions(message(GgufType::Array, array_of(7, 1, "\2")), "key some.key is a bool of 2"));
  EXPECT_TRUE(mentions(message(GgufType::Array, array_of(13, 1, "xxxx")), "value type 13"));
  EXPECT_TRUE(
      mentions(message(GgufType::Array, array_of(9, 0, "")), "key some.key is an array of arrays"));
  EXPECT_TRUE(mentions(message(GgufType::String, raw((uint64_t{1} << 26) + 1)),
                       "a string of key some.key has 67108865 bytes"));
  EXPECT_TRUE(mentions(message(GgufType::String, raw(uint64_t{1} << 26)),
                       "ends inside a string of key some.key"));
  EXPECT_TRUE(mentions(message(GgufType::String, raw(UINT64_MAX)), "a string of key some.key"));
}

// A count is held against what is left of the file before anything is allocated; count times size
// overflows in some.
TEST(Gguf, LimitsOnArrays) {
  const auto message = [](uint32_t type, uint64_t count) {
    return refusal(one_key(GgufType::Array, array_of(type, count, std::string(64, '\0'))));
  };
  EXPECT_EQ(message(0, 64), "accepted");
  for (const uint64_t count : {uint64_t{1} << 26, uint64_t{1} << 61, uint64_t{1} << 63, UINT64_MAX})
    for (const uint32_t type : {0u, 3u, 6u, 7u, 8u, 12u})
      EXPECT_TRUE(
          mentions(message(type, count), "key some.key announces " + std::to_string(count)));
  EXPECT_TRUE(mentions(
      message(8, 13),
      "announces 13 elements"));  // a string takes 8 bytes at least, fewer than 104 are left
  // More than 2^26 elements are refused even when the file holds them.
  const std::string large =
      one_key(GgufType::Array, array_of(0, (uint64_t{1} << 26) + 1, {})).bytes() +
      std::string((size_t{1} << 26) + 1, '\0');
  EXPECT_TRUE(mentions(refusal(large), "announces 67108865 elements"));
}

TEST(Gguf, LimitsOnAlignment) {
  for (const uint32_t alignment : {8u, 16u, 64u, 1u << 20}) {
    GgufFile file = tiny_model();
    file.set_u32("general.alignment", alignment);
    file.alignment = alignment;
    EXPECT_EQ(refusal(file), "accepted") << alignment;
  }
  for (const uint32_t alignment : {0u, 1u, 4u, 24u, 1u << 21, 1u << 31}) {
    GgufFile file;
    file.set_u32("general.alignment", alignment);
    EXPECT_TRUE(mentions(refusal(file), "general.alignment is " + std::to_string(alignment)));
  }
  GgufFile wide;
  wide.set("general.alignment", GgufType::U64, raw(uint64_t{32}));
  EXPECT_TRUE(mentions(refusal(wide), "general.alignment is not a u32"));
}

TEST(Gguf, LimitsOnTensors) {
  const auto message = [](const std::string& name, std::vector<uint64_t> shape, uint32_t type) {
    GgufFile file;
    file.tensors.push_back({name, std::move(shape), type, std::string(128, '\0'), std::nullopt});
    return refusal(file);
  };
  EXPECT_EQ(message(std::string(63, 't'), {4, 2, 2, 2}, 0), "accepted");
  EXPECT_TRUE(mentions(message(std::string(64, 't'), {4}, 0), "a tensor name has 64 bytes"));
  EXPECT_TRUE(mentions(message("", {4}, 0), "a tensor name that is empty or not printable ASCII"));
  EXPECT_TRUE(mentions(message("a\x1B[2J", {4}, 0), "not printable ASCII"));
  EXPECT_TRUE(mentions(message("t", {}, 0), "tensor t has 0 dimensions"));
  EXPECT_TRUE(mentions(message("t", {1, 1, 1, 1, 1}, 0), "tensor t has 5 dimensions"));
  EXPECT_TRUE(mentions(message("t", {4, 0}, 0), "tensor t has size 0"));
  EXPECT_TRUE(
      mentions(message("t", {uint64_t{1} << 20, (uint64_t{1} << 20) + 1}, 0), "2^40 elements"));
  EXPECT_TRUE(mentions(message("t", {uint64_t{1} << 32, uint64_t{1} << 32}, 0), "2^40 elements"));
  EXPECT_TRUE(mentions(message("t", {UINT64_MAX}, 0), "2^40 elements"));
  EXPECT_TRUE(
      mentions(message("t", {uint64_t{1} << 20, uint64_t{1} << 20}, 0), "reaches past the end"));
  for (const uint32_t type : {4u, 5u, 31u, 36u, 42u, 43u, 99u, UINT32_MAX})
    EXPECT_TRUE(mentions(message("t", {32}, type), "tensor t has type " + std::to_string(type)));
  EXPECT_TRUE(mentions(message("t", {48}, 8), "tensor t has rows of 48"));
  EXPECT_TRUE(mentions(message("t", {128}, 12), "wanted whole blocks of 256 for Q4_K"));
}

TEST(Gguf, LimitsOnPlacesOfTensors) {
  const auto two = [](uint64_t first, uint64_t second) {
    GgufFile file;
    file.tensors.push_back({"first", {16}, 0, std::string(64, 'a'), first});
    file.tensors.push_back({"second", {16}, 0, std::string(64, 'b'), second});
    return refusal(file);
  };
  EXPECT_EQ(two(0, 64), "accepted");
  EXPECT_EQ(two(64, 0), "accepted");  // any order
  EXPECT_TRUE(mentions(two(0, 32), "two tensors share the bytes at offset 32"));
  EXPECT_TRUE(mentions(two(64, 64), "two tensors share the bytes at offset 64"));
  EXPECT_TRUE(mentions(two(0, 72), "tensor second at offset 72"));
  EXPECT_TRUE(mentions(two(0, 96), "tensor second reaches past the end"));
  EXPECT_TRUE(mentions(two(0, uint64_t{1} << 63), "tensor second reaches past the end"));
  EXPECT_TRUE(mentions(two(0, UINT64_MAX - 31),
                       "tensor second reaches past the end"));  // offset + size overflows
  GgufFile twice = tiny_model();
  twice.tensors.push_back(twice.tensors.front());
  EXPECT_TRUE(mentions(refusal(twice), "tensor token_embd.weight twice"));
}

// Types that no kernel runs are measured all the same.
TEST(Gguf, TensorsOfUnsupportedTypesAreMeasured) {
  GgufFile file;
  file.tensors.push_back({"w", {256, 3}, 14, std::string(3 * 210, 'x'), std::nullopt});  // Q6_K
  const std::string text = file.bytes();
  EXPECT_EQ(parsed(text).find_tensor("w")->data.size(), 3u * 210);
  EXPECT_TRUE(mentions(refusal(text.substr(0, text.size() - 32)), "tensor w reaches past the end"));
}

TEST(Gguf, EveryCutOfASmallFileIsRefused) {
  GgufFile file =
      one_key(GgufType::Array, array_of(8, 2, raw(uint64_t{2}) + "hi" + raw(uint64_t{0})));
  file.set_text("general.name", "cut");
  file.set_floats("w", {8, 4});
  const std::string text = file.bytes();
  ASSERT_EQ(refusal(text), "accepted");
  for (size_t length = 0; length < text.size(); ++length)
    EXPECT_NE(refusal(text.substr(0, length)), "accepted") << length;
}

TEST(Gguf, UnusualFilesHoldTheSameModel) {
  const std::string base_text = read_text(data_file("gguf/unusual/base.gguf"));
  const Gguf base = Gguf::parse("base", as_bytes(base_text));
  EXPECT_EQ(base.version(), 3u);
  for (const char* name :
       {"version-2", "tensors-reversed", "keys-of-every-type", "bytes-after-the-data"}) {
    const std::string text = read_text(data_file(std::string("gguf/unusual/") + name + ".gguf"));
    const Gguf gguf = Gguf::parse(name, as_bytes(text));
    ASSERT_EQ(gguf.tensors().size(), base.tensors().size()) << name;
    for (const GgufTensor& tensor : base.tensors()) {
      const GgufTensor* same = gguf.find_tensor(tensor.name);
      ASSERT_NE(same, nullptr) << name << " " << tensor.name;
      EXPECT_EQ(same->shape, tensor.shape);
      EXPECT_EQ(same->type, tensor.type);
      EXPECT_FALSE(tensor.data.empty());
      EXPECT_TRUE(
          std::equal(same->data.begin(), same->data.end(), tensor.data.begin(), tensor.data.end()));
    }
    for (const auto& [key, value] : base.metadata()) {
      ASSERT_NE(gguf.find(key), nullptr) << name << " " << key;
      EXPECT_EQ(*gguf.find(key), value) << name << " " << key;
    }
  }
}

// The keys and tensors that Gemma 3 has and llama has not, scaling by YaRN, and a type of each
// width.
GgufFile tiny_gemma() {
  GgufFile file = tiny_model();
  file.set_text("general.architecture", "gemma3");
  for (GgufFile::Key& key : file.keys)
    if (key.name.starts_with("llama.")) key.name.replace(0, 5, "gemma3");
  file.set_u32("gemma3.attention.sliding_window", 8);
  file.set_u32("gemma3.attention.sliding_window_pattern", 2);
  file.set_f32("gemma3.attention.scale", 0.5f);
  file.set_f32("gemma3.rope.freq_base_swa", 10000);
  file.set_text("gemma3.rope.scaling.type", "yarn");
  file.set_f32("gemma3.rope.scaling.factor", 4);
  file.set_u32("gemma3.rope.scaling.original_context_length", 32);
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    for (const char* norm : {"attn_q_norm", "attn_k_norm"})
      file.set_floats(layer + norm + ".weight", {4});
    for (const char* norm : {"post_attention_norm", "post_ffw_norm"})
      file.set_floats(layer + norm + ".weight", {16});
    file.set_floats(layer + "attn_k.bias", {8});
  }
  return file;
}

// Any change of bytes and any cut gives a model or an Error, never a crash and no huge allocation.
TEST(Gguf, MutatedFilesNeverCrash) {
  const std::string bases[] = {read_text(data_file("gguf/unusual/base.gguf")), tiny_model().bytes(),
                               tiny_gemma().bytes()};
  constexpr size_t kHead = 4500;  // bytes before the data; changes behind them are harmless
  std::mt19937 draw(20260101);
  size_t refused = 0, accepted = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string text = bases[round % 3];
    for (uint32_t change = draw() % 4 + 1; change > 0; --change)
      text[draw() % (round % 4 == 0 ? text.size() : kHead)] =
          static_cast<char>(round % 7 < 5 ? draw() % 256 : 255 * (draw() % 2));
    if (round % 5 == 0) text.resize(draw() % text.size());
    ++(LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size()) == 0
           ? accepted
           : refused);
  }
  EXPECT_GT(refused, 3000u);
  EXPECT_GT(accepted, 50u);
}

}  // namespace
}  // namespace dendrokv
