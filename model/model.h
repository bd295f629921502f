#pragma once
// A model in memory: the mapped file, its configuration, tokenizer and packed weights. Built once,
// checked once, then only read.

#include <filesystem>
#include <memory>
#include <string>

#include "data/trace.h"
#include "model/config.h"
#include "model/gguf.h"
#include "model/tokenizer.h"

namespace dendrokv {

struct Weights;

/// Fast: packed 4- and 8-bit weights, activations quantised to 8 bits per block of 32. Exact:
/// weights dequantised to f32, activations never quantised, f32 cache; the accuracy reference.
enum class Arithmetic { Fast, Exact };

/// What loading is for: `Describe` reads metadata, tensor table and tokenizer, no weights.
enum class LoadDepth { Describe, Run };

/// Whether packed weights are a process's own, or in a file that all processes of the machine map
/// read-only (model/packed_file.h).
enum class WeightSharing { Private, Shared };

class Model {
 public:
  /// Throws Error: missing, truncated, foreign, unsupported.
  static Model load(const std::filesystem::path& path, LoadDepth depth, Arithmetic arithmetic,
                    const TokenizerOptions& options = {},
                    WeightSharing sharing = WeightSharing::Private);
  /// Another handle of the same model: nothing is copied.
  Model share() const;
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const std::filesystem::path& path() const;
  const Gguf& gguf() const;
  const Config& config() const;
  const Tokenizer& tokenizer() const;
  Arithmetic arithmetic() const;
  const Weights& weights() const;  // only after LoadDepth::Run
  /// Hashes the file on first use; some 0.1 s per 100 MB.
  const std::string& sha256() const;
  ModelFacts facts() const;

 private:
  struct Impl;
  explicit Model(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace dendrokv
