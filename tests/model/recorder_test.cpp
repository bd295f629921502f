// What a trace holds when read back against what a collecting observer saw of the same run.

#include "model/recorder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <random>

#include "data/error.h"
#include "data/half.h"
#include "data/pyramid_reader.h"
#include "data/trace_reader.h"
#include "model/chunk_choice.h"
#include "model/decoder.h"
#include "tests/model/collector.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::Collector;

constexpr uint32_t kTokens = 75;

const Model& model() {
  static const Model model = Model::load(testing::data_file("models/llama-gqa-tied/model.gguf"),
                                         LoadDepth::Run, Arithmetic::Exact);
  return model;
}

std::vector<int32_t> some_tokens() {
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < static_cast<int32_t>(kTokens); ++i) ids.push_back((i * 37 + 5) % 256);
  return ids;
}

template <class Id>
std::vector<Id> every(uint32_t count, uint32_t stride = 1, uint32_t first = 0) {
  std::vector<Id> ids;
  for (uint32_t id = first; id < count; id += stride) ids.emplace_back(id);
  return ids;
}

TracePlan plan_of(Encoding encoding, const PolicyChoice& policy) {
  TracePlan plan;
  plan.info.model = model().facts();
  plan.info.policy = policy.text();
  plan.info.encoding = encoding;
  plan.info.keys = KeyRows::Record;
  plan.info.tokens = kTokens;
  plan.info.layers = every<Layer>(model().config().layers);
  plan.info.heads = every<Head>(model().config().heads);
  plan.info.steps = every<Step>(kTokens);
  plan.tokens = model().tokenizer().text_of(some_tokens());
  choose_chunks(plan);
  return plan;
}

// Runs the text twice: once into a trace, once before a collector.
class RecordedRun {
 public:
  RecordedRun(const TracePlan& plan, const std::string& policy, const DecoderOptions& options)
      : path_(folder_ / "trace.h5") {
    TraceWriter writer(path_, plan);
    Recorder recorder(writer, plan);
    Decoder decoder(model(), PolicyChoice(policy), options);
    std::vector<float> nll(kTokens);
    decoder.feed_and_score(some_tokens(), nll, &recorder);
    recorder.flush();
    writer.write_loss(nll);
    if (policy != "full") writer.write_run(decoder.run());
    writer.finish();
    Decoder(model(), PolicyChoice(policy), options).feed(some_tokens(), LogitsOf::None, &seen);
  }

  TraceReader reader() const { return TraceReader(path_); }
  const std::filesystem::path& path() const { return path_; }
  Collector seen;

 private:
  testing::TemporaryFolder folder_;
  std::filesystem::path path_;
};

float stored(Encoding encoding, float value) {
  return encoding == Encoding::F32 ? value : from_half(to_half(value));
}

// Every recorded cell, absent ones included.
void expect_weights(const TraceReader& reader, const Collector& seen) {
  const TraceInfo& info = reader.info();
  Grid<float> found(info.steps.size(), info.tokens);
  for (size_t layer = 0; layer < info.layers.size(); ++layer)
    for (size_t head = 0; head < info.heads.size(); ++head) {
      reader.read_weights(layer, head, {0, info.steps.size()}, {0, info.tokens}, found.view());
      for (size_t step = 0; step < info.steps.size(); ++step) {
        std::vector<float> expected(info.tokens, std::numeric_limits<float>::quiet_NaN());
        const auto& row =
            seen.attention.at({info.layers[layer], info.heads[head], info.steps[step]});
        for (size_t slot = 0; slot < row.weights.size(); ++slot)
          expected[row.positions[slot].index()] = stored(info.encoding, row.weights[slot]);
        for (size_t position = 0; position < info.tokens; ++position) {
          const float cell = found(step, position);
          ASSERT_TRUE(cell == expected[position] ||
                      (std::isnan(cell) && std::isnan(expected[position])))
              << "layer " << layer << " head " << head << " step " << step << " position "
              << position;
        }
      }
    }
}

void expect_rows(const TraceReader& reader, const Collector& seen) {
  const TraceInfo& info = reader.info();
  Grid<float> keys(info.tokens, info.model.head_dim), values = keys;
  for (size_t layer = 0; layer < info.layers.size(); ++layer)
    for (uint32_t kv_head = 0; kv_head < info.model.kv_heads; ++kv_head) {
      reader.read_values(layer, KvHead(kv_head), {0, info.tokens}, values.view());
      reader.read_keys(layer, KvHead(kv_head), {0, info.tokens}, keys.view());
      const std::pair lane{info.layers[layer], KvHead(kv_head)};
      for (size_t i = 0; i < values.all().size(); ++i) {
        ASSERT_EQ(values.all()[i], stored(info.encoding, seen.values.at(lane)[i]));
        ASSERT_EQ(keys.all()[i], stored(info.encoding, seen.keys.at(lane)[i]));
      }
    }
}

void expect_same(const TracePlan& plan, const std::string& policy, const DecoderOptions& options) {
  const RecordedRun run(plan, policy, options);
  const TraceReader reader = run.reader();
  EXPECT_EQ(reader.info().steps, plan.info.steps);
  expect_weights(reader, run.seen);
  expect_rows(reader, run.seen);
}

TEST(Recorder, WritesWhatAnObserverSees) {
  for (const Encoding encoding : {Encoding::F32, Encoding::F16})
    expect_same(plan_of(encoding, PolicyChoice("full")), "full", {.threads = 2});
}

// Blocks of 64 and 7 over chunks of 10 steps and 16 positions: every border falls inside of
// something.
TEST(Recorder, BlocksAndChunksNeedNotMeet) {
  for (const uint32_t block : {1u, 7u, 64u}) {
    TracePlan plan = plan_of(Encoding::F32, PolicyChoice("full"));
    plan.chunk_steps = 10;
    plan.chunk_positions = 16;
    expect_same(plan, "full", {.threads = 2, .block_tokens = block});
  }
}

TEST(Recorder, RecordsWhatWasAskedForOnly) {
  TracePlan plan = plan_of(Encoding::F32, PolicyChoice("full"));
  plan.info.layers = {Layer(1)};
  plan.info.heads = {Head(0), Head(4), Head(5)};
  plan.info.steps = every<Step>(kTokens, 7, 3);
  plan.chunk_steps = 4;
  plan.chunk_positions = 20;
  expect_same(plan, "full", {.threads = 2});
}

TEST(Recorder, LeavesEvictedPositionsAbsent) {
  const std::string policy = "treekv:sinks=2,recent=3,capacity=8";
  TracePlan plan = plan_of(Encoding::F16, PolicyChoice(policy));
  plan.chunk_positions = 32;
  const RecordedRun run(plan, policy, {.threads = 2});
  const TraceReader reader = run.reader();
  expect_weights(reader, run.seen);
  const auto recorded = reader.read_run();
  ASSERT_TRUE(recorded.has_value());
  Grid<float> row(1, kTokens);
  reader.read_weights(0, 3, {60, 1}, {0, kTokens}, row.view());  // head 3 reads KV head 1
  for (uint32_t position = 0; position < kTokens; ++position)
    EXPECT_EQ(!std::isnan(row(0, position)),
              recorded->retention.seen_by(Layer(0), Lane(1), Position(position), Step(60)));
}

TEST(Recorder, KeepsWhatIsCompleteOfARunThatEndsEarly) {
  const testing::TemporaryFolder folder;
  TracePlan plan = plan_of(Encoding::F32, PolicyChoice("full"));
  plan.chunk_steps = 16;
  TraceWriter writer(folder / "trace.h5", plan);
  Recorder recorder(writer, plan);
  Decoder decoder(model(), PolicyChoice("full"), {.threads = 2, .block_tokens = 10});
  const std::vector<int32_t> ids = some_tokens();
  decoder.feed(std::span(ids).first(30), LogitsOf::None, &recorder);
  recorder.flush();
  writer.finish();
  const TraceReader reader(folder / "trace.h5", Incomplete::TakeWhatIsThere);
  Grid<float> rows(31, kTokens);
  reader.read_weights(0, 0, {0, 31}, {0, kTokens}, rows.view());
  EXPECT_FALSE(std::isnan(rows(29, 29)));
  EXPECT_TRUE(std::isnan(rows(30, 0)));
}

// What a row reduces to, from the whole row that a collector saw.
struct Reduced {
  std::vector<std::pair<float, int32_t>> ranked;  // weight and position, largest first
  double entropy = 0;
};

Reduced reduce(const testing::SeenRow& row) {
  Reduced reduced;
  for (size_t slot = 0; slot < row.weights.size(); ++slot) {
    const double weight = static_cast<double>(row.weights[slot]);
    reduced.ranked.emplace_back(row.weights[slot], static_cast<int32_t>(row.positions[slot].value));
    if (weight > 0) reduced.entropy -= weight * std::log(weight);
  }
  std::ranges::stable_sort(reduced.ranked, [](auto a, auto b) { return a.first > b.first; });
  return reduced;
}

void expect_top(const TraceReader& reader, size_t layer, size_t head, size_t step,
                const Reduced& wanted) {
  const size_t k = reader.info().capture.top_k;
  Grid<int32_t> positions(1, k);
  Grid<float> weights(1, k);
  float rest = -1;
  reader.read_top(layer, head, {step, 1}, positions.view(), weights.view(), std::span(&rest, 1));
  double others = 0;
  for (size_t rank = 0; rank < std::max(k, wanted.ranked.size()); ++rank) {
    const bool in_row = rank < wanted.ranked.size();
    if (rank >= k) {
      others += static_cast<double>(wanted.ranked[rank].first);
    } else if (in_row) {
      ASSERT_EQ(positions(0, rank), wanted.ranked[rank].second) << step << " " << rank;
      ASSERT_EQ(weights(0, rank), wanted.ranked[rank].first);
    } else {
      ASSERT_EQ(positions(0, rank), -1);
      ASSERT_TRUE(std::isnan(weights(0, rank)));
    }
  }
  ASSERT_NEAR(rest, others, 1e-7);  // one rounding of a sum below 1
}

void expect_pools(const TraceReader& reader, size_t layer, size_t head, size_t step,
                  const Reduced& wanted) {
  const size_t size = reader.info().capture.pool, blocks = (kTokens + size - 1) / size;
  Grid<float> largest(1, blocks), sum(1, blocks);
  reader.read_pools(RowSet::PoolMax, layer, head, {step, 1}, largest.view());
  reader.read_pools(RowSet::PoolSum, layer, head, {step, 1}, sum.view());
  for (size_t block = 0; block < blocks; ++block) {
    float most = -1;
    double mass = 0;
    for (const auto& [weight, position] : wanted.ranked)
      if (static_cast<size_t>(position) / size == block) {
        most = std::max(most, weight);
        mass += static_cast<double>(weight);
      }
    if (most < 0) {
      ASSERT_TRUE(std::isnan(largest(0, block)) && std::isnan(sum(0, block)))
          << step << " " << block;
    } else {
      ASSERT_EQ(largest(0, block), most);
      ASSERT_NEAR(sum(0, block), mass, 1e-7);
    }
  }
}

/// Everything in a trace that follows from its weights, of a head of the first layer, NaN as a
/// number of its own.
std::vector<uint32_t> bits_of_weights_and_pyramid(const std::filesystem::path& path,
                                                  size_t head_index = 0) {
  const TraceReader reader(path);
  const TraceInfo& info = reader.info();
  std::vector<uint32_t> bits;
  const auto add = [&](std::span<const float> values) {
    for (const float value : values)
      bits.push_back(std::isnan(value) ? ~0u : std::bit_cast<uint32_t>(value));
  };
  Grid<float> weights(info.steps.size(), info.tokens);
  reader.read_weights(0, head_index, {0, weights.rows()}, {0, weights.cols()}, weights.view());
  add(weights.all());
  const auto pyramid = PyramidReader::open(path, info);
  for (size_t level = 1; level <= pyramid->levels(); ++level) {
    const PyramidExtent extent = pyramid->extent(level);
    Grid<float> highest(extent.rows, extent.cols), sum = highest;
    Grid<uint32_t> count(extent.rows, extent.cols);
    pyramid->read_max(level, 0, head_index, {0, extent.rows}, {0, extent.cols}, highest.view());
    pyramid->read_sums(level, 0, head_index, {0, extent.rows}, {0, extent.cols}, sum.view(),
                       count.view());
    add(highest.all());
    add(sum.all());
    bits.insert(bits.end(), count.all().begin(), count.all().end());
  }
  return bits;
}

// Rows of the recorded steps, of the heads one after the other, `together` of each at a time, as an
// engine with blocks of tokens or without hands them over.
void record_rows(Recorder& recorder, const TraceInfo& info, uint32_t together) {
  const std::vector<Position> positions = every<Position>(info.tokens);
  std::mt19937 random(3);
  for (size_t first = 0; first < info.steps.size(); first += together) {
    const size_t count = std::min<size_t>(together, info.steps.size() - first);
    std::vector<std::vector<float>> weights;
    std::vector<AttentionRow> rows;
    for (const Head head : info.heads)
      for (size_t i = 0; i < count; ++i) {
        const Step step = info.steps[first + i];
        random.seed(step.value * 100 + head.value);
        const size_t size = step.index() + 1;
        weights.emplace_back(size, 0.5f / static_cast<float>(size))[random() % size] += 0.5f;
        rows.push_back({Layer(0), head, step, std::span(positions).first(size), weights.back()});
      }
    recorder.on_attention(rows);
    recorder.on_attention_done(rows);
    recorder.on_steps_done(info.steps[first], static_cast<uint32_t>(count));
  }
  recorder.flush();
}

constexpr uint32_t kLong = 4219;  // has a second level of the pyramid, and ends inside of a tile

TracePlan long_plan(std::vector<Head> heads, uint32_t first_step) {
  TracePlan plan = plan_of(Encoding::F16, PolicyChoice("full"));
  plan.info.tokens = kLong;
  plan.info.layers = {Layer(0)};
  plan.info.heads = std::move(heads);
  plan.info.steps = every<Step>(kLong, 1, first_step);
  plan.tokens.id.assign(kLong, 1);
  plan.tokens.offset.assign(kLong + 1, 0);
  plan.tokens.bytes.clear();
  choose_chunks(plan);
  return plan;
}

// Four rows come as a tile and bring the cells of the pyramid, one row or seven do not.
TEST(Recorder, TilesAndRowsGiveTheSameFile) {
  const TracePlan plan = long_plan({Head(2)}, 0);
  std::vector<uint32_t> first;
  for (const uint32_t together : {4u, 7u, 1u}) {
    const testing::TemporaryFolder folder;
    TraceWriter writer(folder / "trace.h5", plan);
    Recorder recorder(writer, plan);
    record_rows(recorder, plan.info, together);
    writer.finish();
    const std::vector<uint32_t> bits = bits_of_weights_and_pyramid(folder / "trace.h5");
    if (first.empty()) first = bits;
    EXPECT_TRUE(bits == first) << together << " rows at a time";
  }
}

// Chunks of all heads of a group hold what those of one head do, in a file of nearly the same size.
TEST(Recorder, HeadsThatShareChunksKeepTheirCells) {
  TracePlan plan = long_plan(every<Head>(model().config().heads), 3600);
  const uint32_t group = plan.info.group();
  ASSERT_GT(group, 1u);
  EXPECT_EQ(plan.chunk_heads, group);
  std::map<size_t, std::vector<uint32_t>> first;
  for (const uint32_t heads : {1u, group})
    for (const PyramidCounts counts : {PyramidCounts::Follow, PyramidCounts::Store})
      for (const uint32_t together : {4u, 7u}) {
        plan.chunk_heads = heads;
        plan.counts = counts;
        const testing::TemporaryFolder folder;
        TraceWriter writer(folder / "trace.h5", plan);
        Recorder recorder(writer, plan);
        record_rows(recorder, plan.info, together);
        writer.finish();
        for (size_t head = 0; head < plan.info.heads.size(); ++head) {
          const auto bits = bits_of_weights_and_pyramid(folder / "trace.h5", head);
          const auto [seen, is_new] = first.try_emplace(head, bits);
          EXPECT_TRUE(seen->second == bits)
              << "head " << head << ", " << heads << " in a chunk, " << together << " rows";
        }
        EXPECT_TRUE(first.at(0) != first.at(1));
      }
}

// Every reduction of every recorded row, under a policy that leaves holes.
TEST(Recorder, ReducesWhatAnObserverSees) {
  const std::string policy = "treekv:sinks=2,recent=9,capacity=20";
  for (const FullRows rows : {FullRows::Omit, FullRows::Record}) {
    TracePlan plan = plan_of(Encoding::F32, PolicyChoice(policy));
    plan.info.capture = {.rows = rows, .top_k = 5, .pool = 8, .entropy = EntropyRows::Record};
    plan.info.steps = every<Step>(kTokens, 3, 1);
    choose_chunks(plan);
    const RecordedRun run(plan, policy, {.threads = 2});
    const TraceReader reader = run.reader();
    const TraceInfo& info = reader.info();
    EXPECT_EQ(info.capture.text(), plan.info.capture.text());
    for (size_t layer = 0; layer < info.layers.size(); ++layer)
      for (size_t head = 0; head < info.heads.size(); ++head)
        for (size_t step = 0; step < info.steps.size(); ++step) {
          const Reduced wanted = reduce(
              run.seen.attention.at({info.layers[layer], info.heads[head], info.steps[step]}));
          expect_top(reader, layer, head, step, wanted);
          expect_pools(reader, layer, head, step, wanted);
          float entropy = -1;
          reader.read_entropy(layer, head, {step, 1}, std::span(&entropy, 1));
          ASSERT_NEAR(entropy, wanted.entropy, 1e-5);
        }
    if (rows == FullRows::Record) expect_weights(reader, run.seen);
    expect_rows(reader, run.seen);
  }
}

TEST(Recorder, AReducedTraceSaysWhatItCannotAnswer) {
  TracePlan plan = plan_of(Encoding::F16, PolicyChoice("full"));
  plan.info.capture = {.rows = FullRows::Omit, .top_k = 5};
  const RecordedRun run(plan, "full", {.threads = 2});
  const TraceReader reader = run.reader();
  Grid<float> row(1, kTokens);
  try {
    reader.read_weights(0, 0, {0, 1}, {0, kTokens}, row.view());
    FAIL() << "weights that were not recorded";
  } catch (const Error& error) {
    EXPECT_NE(
        std::string(error.what()).find("/attention/weight: holds no full rows, only top 5 + rest"),
        std::string::npos)
        << error.what();
  }
  EXPECT_THROW(reader.read_pools(RowSet::PoolMax, 0, 0, {0, 1}, row.view()), Error);
  EXPECT_THROW(reader.read_entropy(0, 0, {0, 1}, row.row(0).first(1)), Error);
}

// What is not stored must follow: from a file with counts, and one without.
TEST(Recorder, CountsOfAFullCacheFollowFromTheSteps) {
  TracePlan plan = plan_of(Encoding::F16, PolicyChoice("full"));
  plan.info.steps = every<Step>(kTokens, 3, 1);
  choose_chunks(plan);
  EXPECT_EQ(plan.counts, PyramidCounts::Follow);
  std::vector<std::vector<uint32_t>> bits;
  for (const PyramidCounts counts : {PyramidCounts::Follow, PyramidCounts::Store}) {
    plan.counts = counts;
    const RecordedRun run(plan, "full", {.threads = 2});
    EXPECT_EQ(h5::File::open(run.path()).has("/pyramid/1/count"), counts == PyramidCounts::Store);
    bits.push_back(bits_of_weights_and_pyramid(run.path()));
  }
  EXPECT_TRUE(bits[0] == bits[1]);
}

TEST(Recorder, RefusesARowWithGapsWhereCountsWouldNotFollow) {
  const testing::TemporaryFolder folder;
  const TracePlan plan = plan_of(Encoding::F16, PolicyChoice("full"));
  TraceWriter writer(folder / "trace.h5", plan);
  Recorder recorder(writer, plan);
  const std::vector<Position> positions{Position(0), Position(2)};
  const std::vector<float> weights{0.5f, 0.5f};
  const AttentionRow row{Layer(0), Head(0), Step(2), positions, weights};
  recorder.on_attention({&row, 1});
  recorder.on_attention_done({&row, 1});
  EXPECT_THROW(recorder.on_steps_done(Step(0), 3), Error);
}

// A writer that fails must not take the engine's threads with it.
TEST(Recorder, HandsOnTheErrorsOfTheWriter) {
  const testing::TemporaryFolder folder;
  TracePlan plan = plan_of(Encoding::F32, PolicyChoice("full"));
  plan.queue_bytes = 1;
  TraceWriter writer(folder / "trace.h5", plan);
  Recorder recorder(writer, plan);
  Decoder decoder(model(), PolicyChoice("full"), {.threads = 2, .block_tokens = 16});
  // A box beyond the dataset makes the I/O thread fail.
  writer.write_values(99, KvHead(0), Position(0), Grid<float>(1, model().config().head_dim).view());
  const std::vector<int32_t> ids = some_tokens();
  EXPECT_THROW(
      {
        decoder.feed(ids, LogitsOf::None, &recorder);
        recorder.flush();
      },
      Error);
}

TEST(Recorder, RefusesWeightsThatAreNotADistribution) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::vector<float>> bad = {
      {0.5f, 0.4f}, {1.5f, -0.5f}, {kNan, 1.0f}, {0.5f, INFINITY}};
  for (const auto& weights : bad) {
    const testing::TemporaryFolder folder;
    const TracePlan plan = plan_of(Encoding::F16, PolicyChoice("full"));
    TraceWriter writer(folder / "trace.h5", plan);
    Recorder recorder(writer, plan);
    const std::vector<Position> positions{Position(0), Position(1)};
    const AttentionRow row{Layer(0), Head(0), Step(1), positions, weights};
    recorder.on_attention({&row, 1});
    recorder.on_attention_done({&row, 1});
    EXPECT_THROW(recorder.on_steps_done(Step(0), 2), Error);
  }
}

// Only where all heads of each group are recorded, and where a chunk of theirs is small.
TEST(ChooseChunks, LetsTheHeadsOfAGroupShareAChunk) {
  const auto heads_of = [](std::vector<Head> heads, uint32_t tokens) {
    TracePlan plan;
    plan.info.model.heads = 6;
    plan.info.model.kv_heads = 2;
    plan.info.layers = every<Layer>(2);
    plan.info.heads = std::move(heads);
    plan.info.tokens = tokens;
    plan.info.steps = every<Step>(tokens);
    choose_chunks(plan);
    return plan.chunk_heads;
  };
  EXPECT_EQ(heads_of(every<Head>(6), 1024), 3u);
  EXPECT_EQ(heads_of({Head(3), Head(4), Head(5)}, 1024), 3u);
  EXPECT_EQ(heads_of({Head(2), Head(3), Head(4)}, 1024), 1u);
  EXPECT_EQ(heads_of({Head(0), Head(1)}, 1024), 1u);
  EXPECT_EQ(heads_of(every<Head>(6), 16384), 1u);
}

TEST(ChooseChunks, GivesChunksOfASensibleSizeForAnyText) {
  for (const Encoding encoding : {Encoding::F16, Encoding::F32, Encoding::U8})
    for (const uint32_t tokens : {1u, 3u, 75u, 512u, 3000u, 8192u}) {
      TracePlan plan;
      plan.info.encoding = encoding;
      plan.info.tokens = tokens;
      plan.info.steps = every<Step>(tokens);
      choose_chunks(plan);
      EXPECT_GE(plan.chunk_steps, 1u);
      EXPECT_LE(plan.chunk_steps, tokens);
      EXPECT_LE(plan.chunk_positions, tokens);
      EXPECT_EQ(plan.chunk_heads, 1u);  // of a model without heads
      const size_t bytes = plan.chunk_steps * plan.chunk_positions * encoded_bytes(encoding);
      EXPECT_LE(bytes, size_t{512} << 10);
      EXPECT_GE(bytes, tokens >= 3000 ? size_t{16} << 10 : 1);
    }
}

}  // namespace
}  // namespace dendrokv
