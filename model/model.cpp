#include "model/model.h"

#include <mutex>
#include <optional>

#include "data/error.h"
#include "data/identity.h"
#include "model/mapped_file.h"
#include "model/weights.h"

namespace dendrokv {

struct Model::Impl {
  std::filesystem::path path;
  MappedFile file;
  Gguf gguf;
  Config config;
  Tokenizer tokenizer;
  Arithmetic arithmetic;
  std::optional<Weights> weights;
  mutable std::once_flag hashed;
  mutable std::string sha256;
};

Model Model::load(const std::filesystem::path& path, LoadDepth depth, Arithmetic arithmetic,
                  const TokenizerOptions& options, WeightSharing sharing) {
  MappedFile file(path);
  Gguf gguf = Gguf::parse(path.string(), file.bytes());
  Config config = read_config(gguf);
  Tokenizer tokenizer(gguf, options);
  if (tokenizer.vocabulary() > config.vocabulary)
    fail(gguf.subject(),
         std::to_string(tokenizer.vocabulary()) + " tokens, but token_embd.weight has " +
             std::to_string(config.vocabulary) + " rows",
         "wanted a row for each token");
  check_tensors(gguf, config);
  std::optional<Weights> weights;
  std::string sha256;
  if (sharing == WeightSharing::Shared) sha256 = sha256_of(path);
  if (depth == LoadDepth::Run)
    weights = sharing == WeightSharing::Shared ? share_weights(gguf, config, arithmetic, sha256)
                                               : load_weights(gguf, config, arithmetic);
  return Model(std::shared_ptr<const Impl>(new Impl{path,
                                                    std::move(file),
                                                    std::move(gguf),
                                                    std::move(config),
                                                    std::move(tokenizer),
                                                    arithmetic,
                                                    std::move(weights),
                                                    {},
                                                    std::move(sha256)}));
}

Model Model::share() const {
  return Model(impl_);
}

Model::Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const std::filesystem::path& Model::path() const {
  return impl_->path;
}
const Gguf& Model::gguf() const {
  return impl_->gguf;
}
const Config& Model::config() const {
  return impl_->config;
}
const Tokenizer& Model::tokenizer() const {
  return impl_->tokenizer;
}
Arithmetic Model::arithmetic() const {
  return impl_->arithmetic;
}

const Weights& Model::weights() const {
  DENDROKV_ASSERT(impl_->weights.has_value());
  return *impl_->weights;
}

const std::string& Model::sha256() const {
  std::call_once(impl_->hashed, [this] {
    if (impl_->sha256.empty()) impl_->sha256 = sha256_of(impl_->path);
  });
  return impl_->sha256;
}

ModelFacts Model::facts() const {
  const Config& config = impl_->config;
  return {.name = config.name,
          .architecture = std::string(config.architecture->name),
          .sha256 = sha256(),
          .layers = config.layers,
          .heads = config.heads,
          .kv_heads = config.kv_heads,
          .head_dim = config.head_dim,
          .vocabulary = config.vocabulary,
          .context_length = config.context_length,
          .rope_base = config.rotary.base};
}

}  // namespace dendrokv
