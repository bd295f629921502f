// The kernels at the shapes of SmolLM2-135M, one thread. Weights rotate through a set as large as
// the model's layers, so that a single column reads them from where a decode step does: not from
// the nearest cache.

#include "model/kernels.h"

#include <benchmark/benchmark.h>
#include <cstring>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "bench/benchmarks.h"
#include "data/error.h"
#include "model/activations.h"
#include "model/packed_matrix.h"
#include "model/tensor_types.h"
#include "model/thread_pool.h"

namespace dendrokv::bench {

namespace {

constexpr size_t kWorkingSet = size_t{64} << 20;

struct Shape {
  const char* name;
  uint32_t type;  // of the file
  size_t rows, cols;
};

constexpr Shape kShapes[] = {
    {"Q4_1_qkv", 3, 960, 576},       {"Q4_1_gate_up", 3, 3072, 576}, {"Q4_1_down", 3, 576, 1536},
    {"Q8_0_head", 8, 49152, 576},    {"Q8_0_gate_up", 8, 3072, 576}, {"Q4_0_gate_up", 2, 3072, 576},
    {"Q4_K_down", 12, 576, 1536},    {"Q5_1_gate_up", 7, 3072, 576}, {"Q5_K_down", 13, 576, 1536},
    {"Q6_K_down", 14, 576, 1536},    {"Q2_K_down", 10, 576, 1536},   {"F16_gate_up", 1, 3072, 576},
    {"BF16_gate_up", 30, 3072, 576}, {"F32_gate_up", 0, 3072, 576},  {"F32_down", 0, 576, 1536},
};

// Any two or four bytes are a finite number: the largest exponent does not occur.
std::vector<std::byte> random_blocks(const TensorType& type, size_t values) {
  std::mt19937 random(1);
  std::vector<std::byte> bytes(values / type.block_values * type.block_bytes);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xBF);
  return bytes;
}

std::vector<PackedMatrix> working_set(const Shape& shape) {
  const TensorType& type = *find_tensor_type(shape.type);
  const std::vector<std::byte> blocks = random_blocks(type, shape.rows * shape.cols);
  const GgufTensor tensor{
      .name = shape.name, .shape = {shape.cols, shape.rows}, .type = shape.type, .data = blocks};
  std::vector<PackedMatrix> matrices;
  for (size_t bytes = 0; bytes < kWorkingSet; bytes += matrices.back().bytes())
    matrices.push_back(PackedMatrix::pack("bench", tensor, Arithmetic::Fast));
  return matrices;
}

std::vector<float> random_floats(size_t size) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float& value : values) value = normal(random);
  return values;
}

void set_rate(benchmark::State& state, const char* name, double per_iteration) {
  state.counters[name] = benchmark::Counter(
      per_iteration * static_cast<double>(state.iterations()) / 1e9, benchmark::Counter::kIsRate);
}

void matmul(benchmark::State& state, const Kernels& kernels, const Shape& shape, size_t columns) {
  const std::vector<PackedMatrix> matrices = working_set(shape);
  Activations x(columns, shape.cols, Arithmetic::Fast);
  x.shape(columns, shape.cols);
  for (size_t c = 0; c < columns; ++c) {
    std::ranges::copy(random_floats(shape.cols), x.floats(c).begin());
    kernels.quantise(x.floats(c), x, c);
  }
  Grid<float> out(columns, shape.rows);
  size_t next = 0;
  for (auto _ : state) {
    const PackedMatrix& matrix = matrices[next++ % matrices.size()];
    kernels.matmul(matrix, x, 0, matrix.groups(), out.view());
    benchmark::DoNotOptimize(out.data());
  }
  set_rate(state, "GMAC/s", static_cast<double>(shape.rows * shape.cols * columns));
  set_rate(state, "GB/s", static_cast<double>(matrices[0].bytes()));
}

// A group of three queries over `rows` rows of one head; several heads' worth of cache.
struct AttentionSetting {
  static constexpr size_t kDim = 64, kHeads = 90;
  AttentionSetting(size_t count, size_t queries_)
      : cache(kHeads * count * kDim, uint16_t{0x3555}),
        queries(random_floats(queries_ * kDim)),
        weights(queries_, count, 0.001f) {
    for (uint32_t row = 0; row < count; ++row) rows.push_back(row);
  }
  const uint16_t* head() { return cache.data() + next++ % kHeads * rows.size() * kDim; }

  std::vector<uint16_t> cache;
  std::vector<float> queries;
  Grid<float> weights;
  std::vector<uint32_t> rows;
  size_t next = 0;
};

void scores(benchmark::State& state, const Kernels& kernels, size_t rows, size_t queries) {
  AttentionSetting setting(rows, queries);
  for (auto _ : state) {
    kernels.scores_f16({setting.queries.data(), queries, setting.kDim}, setting.head(),
                       setting.kDim, setting.rows, 0.125f, setting.weights.view());
    benchmark::DoNotOptimize(setting.weights.data());
  }
  set_rate(state, "GMAC/s", static_cast<double>(rows * setting.kDim * queries));
}

void weighted_sum(benchmark::State& state, const Kernels& kernels, size_t rows, size_t queries) {
  AttentionSetting setting(rows, queries);
  Grid<float> out(queries, setting.kDim);
  for (auto _ : state) {
    kernels.weighted_sum_f16(setting.weights.view(), setting.head(), setting.kDim, setting.rows,
                             out.view());
    benchmark::DoNotOptimize(out.data());
  }
  set_rate(state, "GMAC/s", static_cast<double>(rows * setting.kDim * queries));
}

void softmax(benchmark::State& state, const Kernels& kernels, size_t size) {
  const std::vector<float> from = random_floats(size);
  std::vector<float> scores = from;
  for (auto _ : state) {
    kernels.softmax(scores);
    benchmark::DoNotOptimize(scores.data());
  }
  set_rate(state, "Gvalues/s", static_cast<double>(size));
}

void gated_unit(benchmark::State& state, const Kernels& kernels, size_t size) {
  const std::vector<float> gate = random_floats(size), up = random_floats(size);
  std::vector<float> out(size);
  for (auto _ : state) {
    kernels.gated_unit(gate, up, out);
    benchmark::DoNotOptimize(out.data());
  }
  set_rate(state, "Gvalues/s", static_cast<double>(size));
}

void quantise(benchmark::State& state, const Kernels& kernels, size_t size) {
  const std::vector<float> values = random_floats(size);
  Activations x(1, size, Arithmetic::Fast);
  x.shape(1, size);
  for (auto _ : state) {
    kernels.quantise(values, x, 0);
    benchmark::DoNotOptimize(x.codes(0, 0));
  }
  set_rate(state, "Gvalues/s", static_cast<double>(size));
}

void read_memory(benchmark::State& state, size_t mebibytes) {
  const std::vector<uint64_t> words((mebibytes << 20) / sizeof(uint64_t), 1);
  for (auto _ : state) {
    uint64_t sums[8] = {};
    for (size_t i = 0; i < words.size(); i += 8)
      for (size_t j = 0; j < 8; ++j) sums[j] += words[i + j];
    benchmark::DoNotOptimize(sums);
  }
  set_rate(state, "GB/s", static_cast<double>(words.size() * sizeof(uint64_t)));
}

// An empty round of the thread pool: what each of the 150 rounds of a decode step costs besides its
// work.
void fork_join(benchmark::State& state, unsigned threads) {
  ThreadPool pool(threads);
  for (auto _ : state) pool.run([](unsigned) {});
}

template <class Function, class... Arguments>
void add(const std::string& name, const Function& function, Arguments... arguments) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) { function(state, arguments...); });
}

void add_cases(const Kernels& kernels) {
  const std::string isa(isa_name(kernels.isa));
  const Kernels* table = &kernels;
  const auto with_table = [table](const auto& function) {
    return [table, function](benchmark::State& state, auto... rest) {
      function(state, *table, rest...);
    };
  };
  for (const Shape& shape : kShapes)
    for (const size_t columns : {1, 8, 64})
      add(isa + "/" + shape.name + "/columns:" + std::to_string(columns), with_table(matmul), shape,
          columns);
  for (const size_t rows : {64, 256, 1024})
    for (const size_t queries : {3, 12}) {  // one token, and four of a block
      const std::string size =
          "/rows:" + std::to_string(rows) + "/queries:" + std::to_string(queries);
      add(isa + "/scores" + size, with_table(scores), rows, queries);
      add(isa + "/weighted_sum" + size, with_table(weighted_sum), rows, queries);
    }
  add(isa + "/softmax/1024", with_table(softmax), size_t{1024});
  add(isa + "/gated_unit/1536", with_table(gated_unit), size_t{1536});
  add(isa + "/quantise/576", with_table(quantise), size_t{576});
}

}  // namespace

void run_kernels(const Options& options, std::ostream& out) {
  const Isa wanted = options.isa.empty() ? best_isa() : parse_isa(options.isa);
  for (const size_t mebibytes : {1, 16, 64, 256})
    add("read_memory/MiB:" + std::to_string(mebibytes), read_memory, mebibytes);
  const unsigned threads = options.threads == 0 ? usable_cores() : options.threads;
  add("fork_join/threads:" + std::to_string(threads), fork_join, threads);
  add_cases(kernels_for(wanted));

  std::vector<std::string> arguments = {
      "dendrokv-bench", "--benchmark_min_time=0.2",
      "--benchmark_filter=" + (options.filter.empty() ? std::string(".") : options.filter)};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  std::unique_ptr<benchmark::BenchmarkReporter> reporter;
  if (options.json) {
    reporter = std::make_unique<benchmark::JSONReporter>();
  } else {
    reporter = std::make_unique<benchmark::ConsoleReporter>();
  }
  reporter->SetOutputStream(&out);
  if (benchmark::RunSpecifiedBenchmarks(reporter.get()) == 0)
    fail("filter " + options.filter, "matches no case",
         "wanted a regular expression that matches one");
}

}  // namespace dendrokv::bench
