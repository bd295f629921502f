#pragma once
// The table of architectures: in what the blocks of a network differ. The one forward pass
// (model/network, model/attention) reads a row; nothing else asks for a name.

#include <cstdint>
#include <span>
#include <string_view>

#include "model/rotary_table.h"

namespace dendrokv {

enum class GatedUnit : uint8_t { Silu, GeluTanh };
/// RMS norms over the head size, of every query and key head before the rotation.
enum class HeadNorms : uint8_t { None, QueryAndKey };
/// Norms of what attention and feed-forward read, or also of what they add to the stream.
enum class BranchNorms : uint8_t { Before, BeforeAndAfter };
enum class EmbeddingScale : uint8_t { One, RootOfWidth };
/// What the product of a query and a key is scaled by, unless a file says it: 1 / sqrt(head size);
/// with Gemma3 1 / sqrt(width / heads) in the model of 62 layers (27B), whose files don't say it.
enum class ScoreScale : uint8_t { HeadSize, Gemma3 };
/// Biases of queries, keys, values (each for itself) and attention output are used wherever a file
/// has them.
enum class Biases : uint8_t { Optional, QueryKeyValueNeeded };
/// Which layers see no further back than attention.sliding_window: none (a file that has one is
/// refused), all of them where a file has one, or groups of them, each followed by a layer that
/// sees everything.
enum class SlidingLayers : uint8_t { Refused, All, Groups };

struct Architecture {
  std::string_view name;     // general.architecture, and the prefix of the keys
  std::string_view summary;  // which models are meant
  RotaryPairing rotary;
  GatedUnit unit;
  HeadNorms head_norms;
  BranchNorms branch_norms;
  EmbeddingScale embedding;
  ScoreScale scores;
  Biases biases;
  SlidingLayers sliding;
};

std::span<const Architecture> architecture_table();
/// Null when the name is not in the table.
const Architecture* find_architecture(std::string_view name);

}  // namespace dendrokv
