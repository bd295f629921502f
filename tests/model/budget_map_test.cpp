// Rows of each lane by a budget map, in the engine and in replay, and the bytes that they come to.

#include "data/budget_map.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>

#include "cache/allocation.h"
#include "data/error.h"
#include "model/cache_bytes.h"
#include "model/decoder.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::TemporaryFolder;

const Model& tiny() {
  static const Model model = Model::load(testing::data_file("models/llama-gqa-tied/model.gguf"),
                                         LoadDepth::Run, Arithmetic::Fast);
  return model;
}

std::vector<int32_t> some_tokens(size_t count) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % tiny().config().vocabulary));
  return ids;
}

BudgetMap uneven_map() {
  BudgetMap map{tiny().config().layers, tiny().config().kv_heads, {}};
  for (uint32_t lane = 0; lane < map.layers * map.lanes; ++lane) map.rows.push_back(20 + 13 * lane);
  return map;
}

std::string write(const TemporaryFolder& folder, const BudgetMap& map) {
  write_budget_map(folder / "map.txt", map);
  return (folder / "map.txt").string();
}

TEST(BudgetMap, ComesBackFromItsFile) {
  const TemporaryFolder folder;
  const BudgetMap map = uneven_map();
  const BudgetMap back = read_budget_map(write(folder, map));
  EXPECT_EQ(back.layers, map.layers);
  EXPECT_EQ(back.lanes, map.lanes);
  EXPECT_EQ(back.rows, map.rows);
}

TEST(BudgetMap, ADamagedFileIsRefused) {
  const TemporaryFolder folder;
  const std::string start = "dendrokv budget map 1\nlayers 1 lanes 2\n";
  for (const std::string& text :
       {std::string(), std::string("map\n"), start, start + "0 0 8\n", start + "0 0 8\n0 0 8\n",
        start + "0 0 8\n0 2 8\n", start + "0 0 8\n0 1 0\n", start + "0 0 8\n0 1 8 8\n"}) {
    std::ofstream(folder / "bad.txt") << text;
    EXPECT_THROW(read_budget_map(folder / "bad.txt"), Error) << text;
  }
  EXPECT_THROW(
      PolicyChoice("treekv:sinks=1,recent=4,budget-map=" + (folder / "missing.txt").string()),
      Error);
}

TEST(BudgetMap, TheFullSpecIsASpecWithoutTheRowsThatTheMapSays) {
  const TemporaryFolder folder;
  const PolicyChoice choice("treekv:sinks=2,recent=6,budget-map=" + write(folder, uneven_map()));
  EXPECT_EQ(choice.text().find("capacity="), std::string::npos);
  const PolicyChoice again(choice.text());
  EXPECT_EQ(again.text(), choice.text());
  EXPECT_EQ(again.shape().budget, std::ranges::max(uneven_map().rows));
  EXPECT_EQ(again.fewest_rows(), std::ranges::min(uneven_map().rows));
}

// Ada-KV divides a layer's rows by itself, pyramids by layer: a map would contradict them.
TEST(BudgetMap, IsTakenByThePoliciesThatListItAndRefusedByAllOthers) {
  const TemporaryFolder folder;
  const BudgetMap map = uneven_map();
  const std::string path = write(folder, map);
  size_t taken = 0;
  for (const PolicyRow& row : policy_table()) {
    const std::string spec = std::string(row.spec.name) + ":budget-map=" + path;
    const auto& options = row.spec.options;
    if (std::ranges::find(options, "budget-map", &OptionRow::name) == options.end()) {
      EXPECT_THROW(PolicyChoice{spec}, Error) << spec;
      continue;
    }
    ++taken;
    const PolicyChoice choice(spec + ",sinks=1" + (row.budget_key == "recent" ? "" : ",recent=6"));
    for (uint32_t layer = 0; layer < map.layers; ++layer)
      for (uint32_t lane = 0; lane < map.lanes; ++lane)
        EXPECT_EQ(choice.lane_shape(Layer(layer), Lane(lane)).budget,
                  map.rows_of(Layer(layer), Lane(lane)))
            << spec;
  }
  EXPECT_EQ(taken, 4u);
  EXPECT_THROW(PolicyChoice("adakv:recent=4,every=8,budget-map=" + path), Error);
}

TEST(BudgetMap, ALaneOfOneRowIsRefusedAsABudgetOfOneIs) {
  const TemporaryFolder folder;
  BudgetMap map = uneven_map();
  for (const std::string policy : {"treekv:sinks=0,recent=0,", "streaming:sinks=0,"}) {
    map.rows[1] = 2;
    EXPECT_EQ(PolicyChoice(policy + "budget-map=" + write(folder, map)).fewest_rows(), 2u);
    map.rows[1] = 1;
    EXPECT_THROW(PolicyChoice(policy + "budget-map=" + write(folder, map)), Error) << policy;
  }
}

TEST(BudgetMap, EachLaneHoldsItsRowsAndTheCacheItsBytes) {
  const TemporaryFolder folder;
  const BudgetMap map = uneven_map();
  for (const char* policy : {"treekv:sinks=2,recent=6,", "streaming:sinks=2,",
                             "h2o:sinks=2,recent=6,positions=original,"}) {
    const PolicyChoice choice(policy + ("budget-map=" + write(folder, map)));
    Decoder decoder(tiny(), choice, {.threads = 1});
    constexpr uint32_t kTokens = 220;  // more than the largest lane holds
    decoder.feed(some_tokens(kTokens), LogitsOf::None, nullptr);
    EXPECT_EQ(decoder.kv_bytes(), cache_bytes(tiny().config(), Arithmetic::Fast, choice)) << policy;
    const Retention kept = decoder.run().retention;
    for (uint32_t layer = 0; layer < map.layers; ++layer)
      for (uint32_t lane = 0; lane < map.lanes; ++lane) {
        const auto steps = kept.evict_step(Layer(layer), Lane(lane));
        EXPECT_EQ(std::ranges::count(steps, -1), map.rows_of(Layer(layer), Lane(lane))) << policy;
      }
  }
}

TEST(BudgetMap, TheSameRowsForAllIsTheBudget) {
  const TemporaryFolder folder;
  BudgetMap map = uneven_map();
  std::ranges::fill(map.rows, 40);
  const auto evictions = [](const PolicyChoice& choice) {
    Decoder decoder(tiny(), choice, {.threads = 1});
    decoder.feed(some_tokens(120), LogitsOf::None, nullptr);
    return decoder.run().retention.arrays().evict_step;
  };
  EXPECT_EQ(evictions(PolicyChoice("treekv:sinks=2,recent=6,budget-map=" + write(folder, map))),
            evictions(PolicyChoice("treekv:sinks=2,recent=6,budget=40")));
}

TEST(BudgetMap, BlocksGiveWhatSingleStepsGive) {
  const TemporaryFolder folder;
  const PolicyChoice choice("treekv:sinks=2,recent=6,budget-map=" + write(folder, uneven_map()));
  Decoder one(tiny(), choice, {.threads = 1}), block(tiny(), choice, {.threads = 2});
  const std::vector<int32_t> ids = some_tokens(200);
  for (const int32_t id : ids) one.feed({&id, 1}, LogitsOf::None, nullptr);
  block.feed(ids, LogitsOf::None, nullptr);
  EXPECT_EQ(one.run().retention.arrays().evict_step, block.run().retention.arrays().evict_step);
}

TEST(BudgetMap, AnAllocationIsWhatTheEngineHoldsAndNoMoreThanTheBudget) {
  const TemporaryFolder folder;
  const Config& config = tiny().config();
  const uint32_t lanes = config.layers * config.kv_heads;
  std::vector<LaneOffer> offers(lanes);
  for (uint32_t lane = 0; lane < lanes; ++lane)
    for (const uint32_t rows : {16u, 24u, 48u, 96u}) {
      const PolicyChoice level("treekv:sinks=2,recent=6,budget=" + std::to_string(rows));
      offers[lane].rows.push_back(rows);
      offers[lane].bytes.push_back(lane_bytes(config, Arithmetic::Fast, level.shape()));
      offers[lane].gain.push_back((1 + lane) * std::sqrt(rows));
    }
  const uint64_t budget = lanes * offers[0].bytes[2];
  for (const AllocationRow& row : allocation_table()) {
    const Allocation found = allocate(row.method, offers, budget);
    BudgetMap map{config.layers, config.kv_heads, {}};
    for (uint32_t lane = 0; lane < lanes; ++lane)
      map.rows.push_back(offers[lane].rows[found.level[lane]]);
    Decoder decoder(tiny(),
                    PolicyChoice("treekv:sinks=2,recent=6,budget-map=" + write(folder, map)),
                    {.threads = 1});
    decoder.feed(some_tokens(150), LogitsOf::None, nullptr);
    EXPECT_EQ(decoder.kv_bytes(), found.bytes) << row.name;
    EXPECT_LE(found.bytes, budget) << row.name;
  }
}

TEST(BudgetMap, OfAnotherModelIsRefused) {
  const TemporaryFolder folder;
  BudgetMap map{7, 1, std::vector<uint32_t>(7, 40)};
  const PolicyChoice choice("treekv:sinks=2,recent=6,budget-map=" + write(folder, map));
  EXPECT_THROW(Decoder(tiny(), choice, {.threads = 1}), Error);
}

}  // namespace
}  // namespace dendrokv
