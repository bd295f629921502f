#pragma once
// The trace: what an instrumented run of a model recorded. Layout on disk: docs/files.md.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/budget_map.h"
#include "data/ids.h"

namespace dendrokv {

/// How attention weights are stored. "Not in the cache" is NaN (F16, F32) or code 0 (U8), never the
/// weight 0.
enum class Encoding : uint8_t { F16, U8, F32 };
std::string_view encoding_name(Encoding encoding);  // "f16", "u8", "f32"
Encoding parse_encoding(std::string_view name);     // throws Error
size_t encoded_bytes(Encoding encoding);            // per weight

/// Code table of U8: entry 0 NaN (absent), 1 decodes to 0, 2..255 to 2^((code - 255) / 16).
std::span<const float> u8_code_table();

/// Encodes one row of weights: NaN = absent. `out` holds weights.size() * encoded_bytes(encoding)
/// bytes, aligned to a weight's.
void encode_weights(Encoding encoding, std::span<const float> weights, std::span<std::byte> out);

/// The reverse; `code_table` (256 entries) is used by U8 only. `bytes` holds out.size() *
/// encoded_bytes(encoding).
void decode_weights(Encoding encoding, std::span<const std::byte> bytes,
                    std::span<const float> code_table, std::span<float> out);

struct ModelFacts {
  std::string name, architecture, sha256;
  uint32_t layers = 0, heads = 0, kv_heads = 0, head_dim = 0;
  uint32_t vocabulary = 0, context_length = 0;
  double rope_base = 0;
};

/// Ids and texts of T tokens; piece i = bytes[offset[i] .. offset[i + 1]).
struct TokenText {
  std::vector<int32_t> id;       // [T]
  std::vector<uint64_t> offset;  // [T + 1]
  std::string bytes;

  std::string_view piece(Position position) const;
};

enum class KeyRows : uint8_t { Omit, Record };
enum class FullRows : uint8_t { Omit, Record };
enum class EntropyRows : uint8_t { Omit, Record };

/// What is kept of each recorded attention row.
struct Capture {
  FullRows rows = FullRows::Record;
  uint32_t top_k = 0;  // the k largest weights, their positions, and the mass of the rest; 0 = none
  uint32_t pool = 0;   // largest weight and mass of each block of that many positions; 0 = none
  EntropyRows entropy = EntropyRows::Omit;  // of the row, in nat

  /// "full rows", "top 16 + rest, pools of 64 positions, entropy"
  std::string text() const;
};

struct TraceInfo {
  ModelFacts model;
  std::string uuid, created, creator, command_line;
  std::string policy;  // full spec of the policy that ran in the engine; "full" when none
  std::optional<BudgetMap> lane_budget = {};  // of a policy with a budget map, as in its Run
  Encoding encoding = Encoding::F16;
  Capture capture;
  KeyRows keys = KeyRows::Omit;
  bool complete = false;
  uint32_t tokens = 0;         // T, also the number of positions P
  std::vector<Layer> layers;   // recorded ones, rising
  std::vector<Head> heads;     // recorded ones, rising
  std::vector<Step> steps;     // recorded ones, rising: positions of the queries
  uint64_t logical_bytes = 0;  // of what capture says, uncompressed, absent cells included

  std::string source;         // the text that this is a window of; empty = the whole of its text
  uint64_t source_first = 0;  // where the window begins there, in tokens

  uint32_t group() const { return model.heads / model.kv_heads; }
  KvHead kv_head_of(Head head) const { return KvHead(head.value / group()); }
};

/// [first, first + count)
struct IndexRange {
  size_t first = 0, count = 0;
};

}  // namespace dendrokv
