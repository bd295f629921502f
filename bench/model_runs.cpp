#include "bench/model_runs.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace dendrokv::bench {

namespace {

std::filesystem::path model_path(const Options& options) {
  if (!options.model.empty()) return options.model;
  if (const char* named = std::getenv("DENDROKV_MODEL")) return named;
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  const std::filesystem::path folder =
      cache != nullptr && *cache != '\0'
          ? std::filesystem::path(cache)
          : std::filesystem::path(home == nullptr ? "/" : home) / ".cache";
  return folder / "dendrokv" / "SmolLM2-135M-Instruct.Q4_1.gguf";
}

}  // namespace

Model load_model(const Options& options) {
  return Model::load(model_path(options), LoadDepth::Run, Arithmetic::Fast);
}

DecoderOptions decoder_options(const Options& options) {
  return {.threads = options.threads,
          .isa = options.isa.empty() ? best_isa() : parse_isa(options.isa)};
}

std::vector<int32_t> any_tokens(const Model& model, size_t count) {
  const uint64_t usual = std::max<uint64_t>(model.config().vocabulary / 2, 1);
  std::vector<int32_t> ids;
  for (size_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>(usual / 2 + 7919 * i % usual));
  return ids;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

}  // namespace dendrokv::bench
