#include "bench/benchmarks.h"

namespace dendrokv::bench {

namespace {

// To add a benchmark: a file with its function, a declaration in benchmarks.h, a row here, the file in CMakeLists.txt. New options
// go into Options and main.cpp.
constexpr Benchmark kBenchmarks[] = {
    {"engine", "tokens per second of prefill and decoding", run_engine},
    {"trace", "the time of a run with a trace beside one without", run_trace},
    {"kernels", "matrix products, attention and memory, per instruction set, one thread",
     run_kernels},
};

}  // namespace

std::span<const Benchmark> benchmark_table() {
  return kBenchmarks;
}

}  // namespace dendrokv::bench
