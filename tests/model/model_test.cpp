// Whole files: the malformed ones, sound ones of each tensor type, the default model.

#include "model/model.h"

#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "data/error.h"
#include "model/packed_matrix.h"
#include "model/weights.h"
#include "tests/model/gguf_file.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using namespace dendrokv::testing;

std::string refusal(const std::filesystem::path& path) {
  try {
    Model::load(path, LoadDepth::Run, Arithmetic::Fast);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST(Model, UnusualFilesLoad) {
  for (const char* name :
       {"base", "version-2", "tensors-reversed", "keys-of-every-type", "bytes-after-the-data"})
    EXPECT_EQ(refusal(data_file(std::string("gguf/unusual/") + name + ".gguf")), "accepted")
        << name;
}

TEST(Model, EveryMalformedFileIsRefusedForAFaultOfItsOwn) {
  const auto verdicts = nlohmann::json::parse(read_text(data_file("gguf/malformed/verdicts.json")));
  size_t files = 0;
  for (const auto& row : verdicts.at("files")) {
    const std::string name = row.at("file");
    const std::string message = refusal(data_file("gguf/malformed/" + name));
    EXPECT_NE(message, "accepted") << name;
    EXPECT_NE(message.find(name), std::string::npos) << message;
    ++files;
  }
  EXPECT_EQ(files, 54u);
}

// In both kinds of arithmetic: packed blocks are checked by their scales, floats one by one.
TEST(Model, AnInfiniteScaleIsFoundWhilePacking) {
  for (const Arithmetic arithmetic : {Arithmetic::Fast, Arithmetic::Exact}) {
    try {
      Model::load(data_file("gguf/malformed/scale-inf-q8-0.gguf"), LoadDepth::Run, arithmetic);
      FAIL() << "accepted";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find("scale-inf-q8-0.gguf: tensor token_embd.weight"), std::string::npos)
          << message;
    }
  }
}

TEST(Model, MissingAndForeignFilesAreNamed) {
  const TemporaryFolder folder;
  EXPECT_NE(refusal(folder / "none.gguf").find("none.gguf: No such file"), std::string::npos);
  EXPECT_NE(refusal(folder.path()).find("is not a regular file"), std::string::npos);
  EXPECT_NE(refusal(data_file("gguf/malformed/verdicts.json")).find("does not begin with GGUF"),
            std::string::npos);
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);  // nobody writes to it: must not wait
  EXPECT_NE(refusal(folder / "pipe").find("is not a regular file"), std::string::npos);
}

TEST(Model, FilesOfEachTensorTypeLoad) {
  for (const auto& [folder, kind] :
       {std::pair{"llama-f16", PackedKind::F16}, std::pair{"llama-q4_1", PackedKind::W4Minimum},
        std::pair{"llama-q8_0", PackedKind::W8}, std::pair{"llama-gqa-tied", PackedKind::F32}}) {
    const auto path = data_file(std::string("models/") + folder + "/model.gguf");
    const Model model = Model::load(path, LoadDepth::Run, Arithmetic::Fast);
    const Weights& weights = model.weights();
    ASSERT_EQ(weights.layers.size(), 2u) << folder;
    EXPECT_EQ(weights.layers[1].down.sections()[0].kind, kind) << folder;
    EXPECT_EQ(weights.output.rows(), 0u);
    EXPECT_EQ(&weights.head(), &weights.embedding);
    EXPECT_EQ(weights.embedding.rows(), model.config().vocabulary);
    const Model exact = Model::load(path, LoadDepth::Run, Arithmetic::Exact);
    EXPECT_EQ(exact.weights().layers[0].gate_up.sections()[0].kind, PackedKind::F32);
  }
}

TEST(Model, ATinyFileKeepsItsNumbers) {
  const TemporaryFolder folder;
  GgufFile file = tiny_model();
  file.set_floats("output.weight", {16, 262});
  write(folder / "tiny.gguf", file.bytes());
  const Model model = Model::load(folder / "tiny.gguf", LoadDepth::Run, Arithmetic::Exact);
  const Weights& weights = model.weights();
  EXPECT_EQ(&weights.head(), &weights.output);
  const LayerWeights& layer = weights.layers[1];
  EXPECT_EQ(layer.query_key_value.rows(), 16u + 8 + 8);
  EXPECT_EQ(layer.gate_up.rows(), 64u);
  EXPECT_EQ(layer.down.cols(), 32u);
  // Row r of a tensor with c columns begins with number r * c of 0.5 + (i mod 97) / 128.
  const auto first = [](const PackedMatrix& matrix, size_t row) {
    std::vector<float> values(matrix.cols());
    matrix.row(row, values);
    return values[0];
  };
  const auto number = [](size_t i) { return 0.5f + static_cast<float>(i % 97) / 128; };
  EXPECT_EQ(first(layer.query_key_value, 15), number(15 * 16));     // q
  EXPECT_EQ(first(layer.query_key_value, 16 + 3), number(3 * 16));  // k
  EXPECT_EQ(first(layer.query_key_value, 24 + 7), number(7 * 16));  // v
  EXPECT_EQ(first(layer.gate_up, 31), number(31 * 16));
  EXPECT_EQ(first(layer.gate_up, 32 + 5), number(5 * 16));
  EXPECT_EQ(weights.output_norm[9], number(9));
  const ModelFacts facts = model.facts();
  EXPECT_EQ(facts.name, "tiny");
  EXPECT_EQ(facts.head_dim, 4u);
  EXPECT_EQ(facts.sha256.size(), 64u);
}

// Those that a part of q, k and v has stand in their rows, zeros in the others.
TEST(Model, BiasesAreKept) {
  const TemporaryFolder folder;
  GgufFile file = tiny_model();
  file.set_floats("blk.1.attn_k.bias", {8});
  file.set_floats("blk.0.attn_output.bias", {16});
  write(folder / "tiny.gguf", file.bytes());
  const Model model = Model::load(folder / "tiny.gguf", LoadDepth::Run, Arithmetic::Fast);
  const auto& layers = model.weights().layers;
  EXPECT_TRUE(layers[0].query_key_value_bias.empty());
  EXPECT_TRUE(layers[1].attention_output_bias.empty());
  ASSERT_EQ(layers[0].attention_output_bias.size(), 16u);
  EXPECT_EQ(layers[0].attention_output_bias[3], 0.5f + 3.0f / 128);
  ASSERT_EQ(layers[1].query_key_value_bias.size(), 32u);
  for (size_t row = 0; row < 32; ++row)
    EXPECT_EQ(layers[1].query_key_value_bias[row],
              row >= 16 && row < 24 ? 0.5f + static_cast<float>(row - 16) / 128 : 0.0f);
}

std::string refusal(const GgufFile& file) {
  const TemporaryFolder folder;
  write(folder / "tiny.gguf", file.bytes());
  return refusal(folder / "tiny.gguf");
}

TEST(Model, TensorsThatDoNotFitAreRefusedByName) {
  const auto message = [](const auto& change) {
    GgufFile file = tiny_model();
    change(file);
    return refusal(file);
  };
  const auto expect = [](const std::string& found, const std::string& part) {
    EXPECT_NE(found.find(part), std::string::npos) << found;
  };
  EXPECT_EQ(message([](GgufFile&) {}), "accepted");
  expect(message([](GgufFile& file) { file.erase_tensor("blk.1.attn_v.weight"); }),
         "tensor blk.1.attn_v.weight is missing");
  EXPECT_EQ(message([](GgufFile& file) { file.set_floats("blk.0.attn_q.bias", {16}); }),
            "accepted");
  expect(message([](GgufFile& file) { file.set_floats("blk.0.attn_k.bias", {16}); }),
         "tensor blk.0.attn_k.bias has shape [16], wanted [8]");
  for (const char* name : {"blk.0.ffn_up.bias", "blk.0.attn_q_norm.weight",
                           "blk.0.post_ffw_norm.weight", "blk.0.ffn_gate_inp.weight"})
    expect(message([&](GgufFile& file) { file.set_floats(name, {16}); }),
           "tensor " + std::string(name) + ", wanted none but those of a llama model of 2 layers");
  expect(message([](GgufFile& file) { file.set_floats("blk.2.attn_norm.weight", {16}); }),
         "tensor blk.2.attn_norm.weight");
  expect(message([](GgufFile& file) {
           file.set_floats("blk.0.ffn_norm.weight", {16, 1});
         }),
         "has shape [1, 16], wanted [16]");
  expect(message([](GgufFile& file) {
           file.set_floats("output.weight", {16, 261});
         }),
         "has shape [261, 16], wanted [262, 16]");
  expect(message([](GgufFile& file) {
           file.set_floats("token_embd.weight", {16, 261});
         }),
         "262 tokens, but token_embd.weight has 261 rows");
  expect(message([](GgufFile& file) {
           GgufFile::Tensor& norm = file.tensor("output_norm.weight");
           norm.type = 24;  // I8
           norm.data.resize(16);
         }),
         "tensor output_norm.weight has type I8, wanted one of F32, F16, BF16, Q4_0, Q4_1, Q5_0, "
         "Q5_1, "
         "Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K");
  const auto poison = [](const char* name) {
    return [name](GgufFile& file) {
      const float infinite = std::numeric_limits<float>::infinity();
      file.tensor(name).data.replace(4, 4, reinterpret_cast<const char*>(&infinite), 4);
    };
  };
  expect(message(poison("output_norm.weight")),
         "tensor output_norm.weight holds a value that is not finite");
  expect(message([&](GgufFile& file) {
           file.set_floats("blk.1.attn_output.bias", {16});
           poison("blk.1.attn_output.bias")(file);
         }),
         "tensor blk.1.attn_output.bias holds a value that is not finite");
  expect(message(poison("blk.0.attn_k.weight")),
         "tensor blk.0.attn_k.weight has a weight that is not finite");
}

// 2^40 weights in a file that is all hole: described, and refused before it is read.
TEST(Model, WeightsThatDoNotFitIntoMemoryAreRefused) {
  const TemporaryFolder folder;
  const auto path = folder / "huge.gguf";
  GgufFile file = tiny_model();
  constexpr uint64_t kRows = uint64_t{1} << 24;
  file.set_u32("llama.embedding_length", 65536);
  file.set_u32("llama.attention.key_length", 4);
  file.set_u32("llama.attention.value_length", 4);
  file.tensors.clear();
  file.tensors.push_back({"token_embd.weight", {65536, kRows}, 2, "", std::nullopt});  // Q4_0
  const uint64_t embedding_bytes = kRows * 65536 / 32 * 18;
  uint64_t end = embedding_bytes;
  const auto hole = [&](const std::string& name, std::vector<uint64_t> shape) {
    file.tensors.push_back({name, shape, 0, "", end});
    end += 4 * shape[0] * (shape.size() > 1 ? shape[1] : 1);
  };
  hole("output_norm.weight", {65536});
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    hole(layer + "attn_norm.weight", {65536});
    hole(layer + "attn_q.weight", {65536, 16});
    hole(layer + "attn_k.weight", {65536, 8});
    hole(layer + "attn_v.weight", {65536, 8});
    hole(layer + "attn_output.weight", {16, 65536});
    hole(layer + "ffn_norm.weight", {65536});
    hole(layer + "ffn_gate.weight", {65536, 32});
    hole(layer + "ffn_up.weight", {65536, 32});
    hole(layer + "ffn_down.weight", {32, 65536});
  }
  const std::string head = file.bytes();
  write(path, head);
  std::filesystem::resize_file(path, head.size() + end);
  EXPECT_EQ(Model::load(path, LoadDepth::Describe, Arithmetic::Fast).config().vocabulary, kRows);
  try {
    Model::load(path, LoadDepth::Run, Arithmetic::Exact);
    FAIL() << "accepted";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("huge.gguf: needs 43"), std::string::npos) << message;  // 4.398 TB
    EXPECT_NE(message.find("for its weights"), std::string::npos) << message;
  }
}

// Rows beyond the tokens are padding, as some converters write it.
TEST(Model, MoreRowsThanTokensAreAllowed) {
  GgufFile file = tiny_model();
  file.set_floats("token_embd.weight", {16, 320});
  EXPECT_EQ(refusal(file), "accepted");
}

TEST(Model, TheDefaultModelIsDescribedQuickly) {
  const auto begin = std::chrono::steady_clock::now();
  const Model model = Model::load(default_model(), LoadDepth::Describe, Arithmetic::Fast);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  // 0.08 s when optimised and undisturbed. Reading the weights, or a quadratic look-up of merges,
  // takes far longer than this.
  EXPECT_LT(seconds.count(), 5);
  const Config& config = model.config();
  EXPECT_EQ(config.layers, 30u);
  EXPECT_EQ(config.width, 576u);
  EXPECT_EQ(config.hidden, 1536u);
  EXPECT_EQ(config.heads, 9u);
  EXPECT_EQ(config.kv_heads, 3u);
  EXPECT_EQ(config.head_dim, 64u);
  EXPECT_EQ(config.vocabulary, 49152u);
  EXPECT_EQ(config.context_length, 8192u);
  EXPECT_EQ(config.rotary.base, 100000);
  EXPECT_EQ(model.gguf().tensors().size(), 272u);
  EXPECT_EQ(model.sha256(), "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
}

}  // namespace
}  // namespace dendrokv
