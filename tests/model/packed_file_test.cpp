// Packed weights in a file: the same logits as private ones; packed once; a damaged file is
// refused.

#include "model/packed_file.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>

#include "data/error.h"
#include "model/decoder.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

class PackedFileTest : public ::testing::Test {
 protected:
  PackedFileTest() { setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1); }

  static Model load(WeightSharing sharing, Arithmetic arithmetic) {
    return Model::load(testing::data_file("models/llama-gqa-tied/model.gguf"), LoadDepth::Run,
                       arithmetic, {}, sharing);
  }
  static std::vector<float> logits(const Model& model) {
    Decoder decoder(model, PolicyChoice("full"), {.threads = 1});
    const std::vector<int32_t> ids{5, 6, 7, 8, 9, 10, 11, 12};
    const auto rows = decoder.feed(ids, LogitsOf::All, nullptr);
    return {rows.data(), rows.data() + rows.rows() * rows.cols()};
  }

  testing::TemporaryFolder folder_;
};

TEST_F(PackedFileTest, GivesTheBitsOfPrivateWeights) {
  for (const Arithmetic arithmetic : {Arithmetic::Fast, Arithmetic::Exact}) {
    const std::vector<float> wanted = logits(load(WeightSharing::Private, arithmetic));
    EXPECT_EQ(logits(load(WeightSharing::Shared, arithmetic)), wanted);  // packs
    EXPECT_EQ(logits(load(WeightSharing::Shared, arithmetic)), wanted);  // maps what is there
  }
}

TEST_F(PackedFileTest, IsWrittenOnceByProcessesThatStartTogether) {
  const Model model = load(WeightSharing::Private, Arithmetic::Fast);
  const fs::path path = packed_path(model.sha256(), Arithmetic::Fast);
  std::vector<std::jthread> starters;
  for (int starter = 0; starter < 4; ++starter)
    starters.emplace_back([] { load(WeightSharing::Shared, Arithmetic::Fast); });
  starters.clear();
  ASSERT_TRUE(fs::exists(path));
  const auto written = fs::last_write_time(path);
  load(WeightSharing::Shared, Arithmetic::Fast);
  EXPECT_EQ(fs::last_write_time(path), written);
}

TEST_F(PackedFileTest, ADamagedFileIsRefusedAndNamed) {
  const Model model = load(WeightSharing::Shared, Arithmetic::Fast);
  const fs::path path = packed_path(model.sha256(), Arithmetic::Fast);
  for (const uintmax_t size : {uintmax_t{0}, uintmax_t{64}, fs::file_size(path) - 64}) {
    fs::resize_file(path, size);
    EXPECT_THROW(load(WeightSharing::Shared, Arithmetic::Fast), Error) << size;
    fs::remove(path);
    load(WeightSharing::Shared, Arithmetic::Fast);
  }
}

}  // namespace
}  // namespace dendrokv
