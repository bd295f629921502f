// dendrokv-bench: parses the command line, runs a row of the table, prints errors as the main
// program does.

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "bench/benchmarks.h"
#include "data/error.h"

namespace {

using dendrokv::bench::Benchmark;
using dendrokv::bench::Options;

void add_options(CLI::App& command, Options& options) {
  command.add_option("--model", options.model,
                     "GGUF file; default $DENDROKV_MODEL or the cached one");
  command.add_option("--threads", options.threads, "default: usable physical cores");
  command.add_option("--isa", options.isa, "scalar, avx2 or avx512; default: the best");
  command.add_option("--prefill", options.prefill, "tokens fed at once")->delimiter(',');
  command.add_option("--depth", options.depths, "tokens in the cache while decoding")
      ->delimiter(',');
  command.add_option("--filter", options.filter, "only cases that match this expression");
  command.add_flag("--json", options.json, "one JSON object on standard output");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Speed of DendroKV's parts on this machine.", "dendrokv-bench");
  app.require_subcommand(1);
  Options options;
  for (const Benchmark& benchmark : dendrokv::bench::benchmark_table())
    add_options(*app.add_subcommand(std::string(benchmark.name), std::string(benchmark.summary)),
                options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    for (const Benchmark& benchmark : dendrokv::bench::benchmark_table())
      if (app.got_subcommand(std::string(benchmark.name))) benchmark.run(options, std::cout);
  } catch (const std::exception& error) {
    std::cerr << "dendrokv-bench: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
