#include "bench/setup.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "data/error.h"

namespace dendrokv::bench {

Model load_model(const Options& options) {
  std::filesystem::path path = options.model;
  if (const char* named = std::getenv("DENDROKV_MODEL"); path.empty() && named) path = named;
  if (path.empty()) {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    const char* home = std::getenv("HOME");
    const std::filesystem::path folder = cache && *cache
                                             ? std::filesystem::path(cache)
                                             : std::filesystem::path(home ? home : "/") / ".cache";
    path = folder / "dendrokv" / "SmolLM2-135M-Instruct.Q4_1.gguf";
    if (!std::filesystem::exists(path))
      fail("model", "none named", "wanted --model FILE", "or run scripts/fetch-model");
  }
  return Model::load(path, LoadDepth::Run, Arithmetic::Fast);
}

DecoderOptions decoder_options(const Options& options) {
  return {.threads = options.threads,
          .isa = options.isa.empty() ? best_isa() : parse_isa(options.isa)};
}

std::vector<int32_t> some_tokens(const Model& model, size_t count) {
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; ++i)
    tokens[i] =
        static_cast<int32_t>((100 + 7 * i) % std::min<size_t>(20'000, model.config().vocabulary));
  return tokens;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> numbers) {
  DENDROKV_ASSERT(!numbers.empty());
  std::sort(numbers.begin(), numbers.end());
  const size_t middle = numbers.size() / 2;
  return numbers.size() % 2 ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2;
}

}  // namespace dendrokv::bench
