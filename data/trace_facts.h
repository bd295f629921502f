#pragma once
// What a trace says of itself: its model, its tokens, which layers, heads and steps were recorded.
// Written (store) and read (stored); each is checked as it is read. Belongs to the I/O thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/error.h"
#include "data/hdf5.h"
#include "data/ids.h"
#include "data/row_sets.h"
#include "data/trace.h"

namespace dendrokv {

constexpr uint64_t kMostTraceTokens = uint64_t{1} << 28;

/// The type of the cells of a set of rows.
h5::Type stored_type(CellType cell, Encoding encoding);
/// Layers, heads or steps: at least one; they rise strictly and stay below `end`. Throws Error.
template <class IdType>
std::vector<IdType> stored_ids(const h5::File& file, std::string_view path, uint64_t end);
template <class IdType>
void store_ids(h5::File& file, std::string_view path, const std::vector<IdType>& ids);
/// Throws Error: missing, or heads that are no multiple of the KV heads.
ModelFacts stored_model(const h5::File& file);
void store_model(h5::File& file, const ModelFacts& model);
/// Throws Error: missing, none, too many, or offsets that do not cut the bytes into pieces.
TokenText stored_tokens(const h5::File& file);
void store_tokens(h5::File& file, const TokenText& tokens);
/// Where a file has lost its tokens: as many as other datasets have positions, each a dot without
/// an id. Throws `lost` where these do not tell either.
TokenText nameless_tokens(const h5::File& file, const Error& lost);
/// "what model it is of, the tokens": what a file has lost of that without which nothing can be
/// shown. Empty when it has all of that.
std::string lost_facts(const std::filesystem::path& path);

}  // namespace dendrokv
