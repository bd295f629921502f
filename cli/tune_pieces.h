#pragma once
// Pieces of text that settings are compared on, and their loss on one of them.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cache/policies.h"
#include "cli/command.h"
#include "data/progress.h"
#include "model/model.h"

namespace dendrokv {

/// Tokens of a text, read from an empty cache, and which of them count.
struct TunePiece {
  std::string name;  // "novel.txt 3072-6144"
  std::vector<int32_t> ids;
  std::vector<std::pair<uint32_t, uint32_t>> scored;  // [first, end) of tokens
};

/// Pieces of `tokens` tokens, side by side; the first `unscored` of each do not count: the cache
/// fills. What is left over at the end is left out. Throws Error when there is none.
std::vector<TunePiece> cut_pieces(const std::string& name, std::span<const int32_t> ids,
                                  uint32_t tokens, uint32_t unscored);
/// The same with facts planted at `depths` tokens before their questions; the answers count.
std::vector<TunePiece> plant_pieces(const std::string& name, std::span<const int32_t> ids,
                                    uint32_t tokens, std::span<const uint32_t> depths,
                                    uint64_t seed, const Model& model);

/// Mean loss of the tokens that count, nat, under each policy, all in one pass over the weights.
/// False: stopped by `progress` (tokens).
bool measure_closed_loop(const Model& model, std::span<const PolicyChoice> policies,
                         const TunePiece& piece, const Session& session, const Progress& progress,
                         std::span<double> losses);

}  // namespace dendrokv
