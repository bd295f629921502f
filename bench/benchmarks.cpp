#include "bench/benchmarks.h"

namespace dendrokv::bench {

namespace {

// To add a benchmark: a file with its function, a declaration in benchmarks.h, a row here, the file
// in CMakeLists.txt. New options go into Options and main.cpp.
constexpr Benchmark kBenchmarks[] = {
    {"kernels", "matrix products, attention and memory, per instruction set, one thread",
     run_kernels},
    {"engine", "prefill and decode of a model, tokens per second", run_engine},
    {"lanes",
     "bounded caches: time per token by depth and policy, memory, prefill (--filter depth, policy, "
     "memory or prefill)",
     run_lanes},
    {"eval", "losses under eight policies together beside one alone", run_eval},
    {"trace", "what recording a trace costs beside the same run without", run_trace},
    {"cache",
     "replay of cache policies beside a plain read of as many weights (--filter replay), and what "
     "each costs per decoded token",
     run_cache},
    {"analysis", "the wavelet profile beside a plain read of memory", run_analysis},
};

}  // namespace

std::span<const Benchmark> benchmark_table() {
  return kBenchmarks;
}

}  // namespace dendrokv::bench
