#include "model/architectures.h"

#include <algorithm>

namespace dendrokv {

namespace {

// To add an architecture: a row here, keys of its own in config.cpp, tensors of its own in
// weights.cpp, and a small reference model in network_test.cpp. What a row cannot say yet becomes
// an enumeration in architectures.h, read in one place of the forward pass.
constexpr Architecture kArchitectures[] = {
    // Touvron et al., 2023, arXiv 2302.13971 and 2307.09288; Mistral's window: Jiang et al., 2023,
    // arXiv 2310.06825.
    {.name = "llama",
     .summary = "Llama 2 and 3, Mistral, TinyLlama, SmolLM2",
     .rotary = RotaryPairing::Adjacent,
     .unit = GatedUnit::Silu,
     .head_norms = HeadNorms::None,
     .branch_norms = BranchNorms::Before,
     .embedding = EmbeddingScale::One,
     .scores = ScoreScale::HeadSize,
     .biases = Biases::Optional,
     .sliding = SlidingLayers::All},
    // arXiv 2407.10671 and 2412.15115
    {.name = "qwen2",
     .summary = "Qwen2, Qwen2.5",
     .rotary = RotaryPairing::Halves,
     .unit = GatedUnit::Silu,
     .head_norms = HeadNorms::None,
     .branch_norms = BranchNorms::Before,
     .embedding = EmbeddingScale::One,
     .scores = ScoreScale::HeadSize,
     .biases = Biases::QueryKeyValueNeeded,
     .sliding = SlidingLayers::Refused},
    // arXiv 2505.09388
    {.name = "qwen3",
     .summary = "Qwen3, dense",
     .rotary = RotaryPairing::Halves,
     .unit = GatedUnit::Silu,
     .head_norms = HeadNorms::QueryAndKey,
     .branch_norms = BranchNorms::Before,
     .embedding = EmbeddingScale::One,
     .scores = ScoreScale::HeadSize,
     .biases = Biases::Optional,
     .sliding = SlidingLayers::Refused},
    // arXiv 2503.19786
    {.name = "gemma3",
     .summary = "Gemma 3, text",
     .rotary = RotaryPairing::Halves,
     .unit = GatedUnit::GeluTanh,
     .head_norms = HeadNorms::QueryAndKey,
     .branch_norms = BranchNorms::BeforeAndAfter,
     .embedding = EmbeddingScale::RootOfWidth,
     .scores = ScoreScale::Gemma3,
     .biases = Biases::Optional,
     .sliding = SlidingLayers::Groups},
};

}  // namespace

std::span<const Architecture> architecture_table() {
  return kArchitectures;
}

const Architecture* find_architecture(std::string_view name) {
  const auto row = std::ranges::find(kArchitectures, name, &Architecture::name);
  return row == std::end(kArchitectures) ? nullptr : row;
}

}  // namespace dendrokv
