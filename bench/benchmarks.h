#pragma once
// What dendrokv-bench can measure.

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dendrokv::bench {

/// The options of all benchmarks; each reads those that concern it.
struct Options {
  std::filesystem::path model;          // empty = $DENDROKV_MODEL or the cache folder's
  unsigned threads = 0;                 // 0 = usable cores
  std::string isa;                      // empty = the best
  std::vector<size_t> prefill, depths;  // numbers of tokens; empty = the benchmark's own
  std::string filter;                   // of cases, a regular expression
  bool json = false;                    // one JSON object and nothing else
};

struct Benchmark {
  std::string_view name, summary;
  /// Measures and prints to `out`. Throws Error.
  void (*run)(const Options& options, std::ostream& out);
};

std::span<const Benchmark> benchmark_table();

// One file each.
void run_analysis(const Options& options, std::ostream& out);
void run_cache(const Options& options, std::ostream& out);
void run_eval(const Options& options, std::ostream& out);
void run_engine(const Options& options, std::ostream& out);
void run_kernels(const Options& options, std::ostream& out);
void run_lanes(const Options& options, std::ostream& out);
void run_trace(const Options& options, std::ostream& out);

}  // namespace dendrokv::bench
