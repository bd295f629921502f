// The container, and every malformed file of tests/data/gguf/malformed.

#include "model/gguf.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "data/error.h"
#include "model/model.h"
#include "model/packed_matrix.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::data_file;
using testing::read_text;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string refusal(const std::filesystem::path& path) {
  try {
    Model::load(path, LoadDepth::Run, Arithmetic::Fast);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Gguf, TheSoundBaseOfTheMalformedFilesIsRefusedForItsTensorTypeOnly) {
  const std::string message = refusal(data_file("gguf/unusual/base.gguf"));
  EXPECT_NE(message.find("has type Q4_0"), std::string::npos) << message;
}

TEST(Gguf, EveryMalformedFileIsRefusedForAFaultOfItsOwn) {
  const auto verdicts = nlohmann::json::parse(read_text(data_file("gguf/malformed/verdicts.json")));
  size_t files = 0;
  for (const auto& row : verdicts.at("files")) {
    const std::string name = row.at("file");
    if (name == "scale-inf-q8-0.gguf") continue;  // found while packing: the next test
    const std::string message = refusal(data_file("gguf/malformed/" + name));
    EXPECT_NE(message, "accepted") << name;
    EXPECT_NE(message.find(name), std::string::npos) << message;
    EXPECT_EQ(message.find("has type Q4_0"), std::string::npos) << name << ": " << message;
    ++files;
  }
  EXPECT_EQ(files, 53u);
}

TEST(Gguf, AnInfiniteScaleIsFoundWhilePacking) {
  const std::string text = read_text(data_file("gguf/malformed/scale-inf-q8-0.gguf"));
  const Gguf gguf = Gguf::parse("scale-inf-q8-0.gguf", bytes_of(text));
  EXPECT_THROW(PackedMatrix::pack("scale-inf-q8-0.gguf", *gguf.find_tensor("token_embd.weight"), Arithmetic::Fast), Error);
}

TEST(Gguf, UnusualFilesHoldTheSameModel) {
  const std::string base_text = read_text(data_file("gguf/unusual/base.gguf"));
  const Gguf base = Gguf::parse("base", bytes_of(base_text));
  EXPECT_EQ(base.version(), 3u);
  for (const char* name : {"version-2", "tensors-reversed", "keys-of-every-type", "bytes-after-the-data"}) {
    const std::string text = read_text(data_file(std::string("gguf/unusual/") + name + ".gguf"));
    const Gguf gguf = Gguf::parse(name, bytes_of(text));
    ASSERT_EQ(gguf.tensors().size(), base.tensors().size()) << name;
    for (const GgufTensor& tensor : base.tensors()) {
      const GgufTensor* same = gguf.find_tensor(tensor.name);
      ASSERT_NE(same, nullptr) << name << " " << tensor.name;
      EXPECT_EQ(same->shape, tensor.shape);
      EXPECT_EQ(same->type, tensor.type);
      EXPECT_TRUE(std::equal(same->data.begin(), same->data.end(), tensor.data.begin(), tensor.data.end()));
    }
    for (const auto& [key, value] : base.metadata()) {
      ASSERT_NE(gguf.find(key), nullptr) << name << " " << key;
      EXPECT_EQ(*gguf.find(key), value) << name << " " << key;
    }
  }
}

// Any change of bytes and any cut gives a model or an Error, never a crash and no huge allocation.
TEST(Gguf, MutatedFilesNeverCrash) {
  const std::string base = read_text(data_file("gguf/unusual/base.gguf"));
  std::mt19937 draw(20260101);
  size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = base;
    for (uint32_t change = draw() % 4 + 1; change > 0; --change)
      text[draw() % text.size()] = static_cast<char>(draw() % 256);
    if (round % 5 == 0) text.resize(draw() % text.size());
    try {
      const Gguf gguf = Gguf::parse("mutated", bytes_of(text));
      read_config(gguf);
      Tokenizer tokenizer(gguf);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 600u);  // at least the cut ones
}

TEST(Model, MissingAndForeignFilesAreNamed) {
  const testing::TemporaryFolder folder;
  EXPECT_NE(refusal(folder / "none.gguf").find("none.gguf: No such file"), std::string::npos);
  EXPECT_NE(refusal(folder.path()), "accepted");
  EXPECT_NE(refusal(data_file("gguf/malformed/verdicts.json")).find("does not begin with GGUF"), std::string::npos);
}

TEST(Model, TheDefaultModelIsDescribed) {
  const Model model = Model::load(testing::default_model(), LoadDepth::Describe, Arithmetic::Fast);
  const Config& config = model.config();
  EXPECT_EQ(config.layers, 30u);
  EXPECT_EQ(config.width, 576u);
  EXPECT_EQ(config.hidden, 1536u);
  EXPECT_EQ(config.heads, 9u);
  EXPECT_EQ(config.kv_heads, 3u);
  EXPECT_EQ(config.head_dim, 64u);
  EXPECT_EQ(config.vocabulary, 49152u);
  EXPECT_EQ(config.context_length, 8192u);
  EXPECT_EQ(config.rope_base, 100000);
  EXPECT_EQ(model.gguf().tensors().size(), 272u);
  EXPECT_EQ(model.sha256(), "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
}

}  // namespace
}  // namespace dendrokv
