#include "data/trace_facts.h"

#include <algorithm>
#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();

uint32_t model_count(const h5::File& file, std::string_view name, uint64_t most) {
  const uint64_t count = file.count_attribute("/model", name);
  if (count > most)
    fail(file.name() + ": /model@" + std::string(name), std::to_string(count),
         "wanted at most " + std::to_string(most));
  return static_cast<uint32_t>(count);
}

}  // namespace

h5::Type stored_type(CellType cell, Encoding encoding) {
  if (cell == CellType::I32) return h5::Type::I32;
  if (cell == CellType::F32 || encoding == Encoding::F32) return h5::Type::F32;
  return encoding == Encoding::U8 ? h5::Type::U8 : h5::Type::F16;
}

template <class IdType>
std::vector<IdType> stored_ids(const h5::File& file, std::string_view path, uint64_t end) {
  const h5::Dataset dataset = file.open_dataset(path, h5::Type::I32, {kAny});
  std::vector<IdType> ids;
  int64_t previous = -1;
  for (const int32_t number : dataset.read_all<int32_t>()) {
    if (number <= previous || static_cast<uint64_t>(number) >= end)
      fail(dataset.subject(), std::to_string(number) + " after " + std::to_string(previous),
           "wanted rising numbers below " + std::to_string(end));
    previous = number;
    ids.emplace_back(number);
  }
  if (ids.empty()) fail(dataset.subject(), "is empty", "wanted at least one");
  return ids;
}

template std::vector<Layer> stored_ids(const h5::File&, std::string_view, uint64_t);
template std::vector<Head> stored_ids(const h5::File&, std::string_view, uint64_t);
template std::vector<Step> stored_ids(const h5::File&, std::string_view, uint64_t);

template <class IdType>
void store_ids(h5::File& file, std::string_view path, const std::vector<IdType>& ids) {
  std::vector<int32_t> numbers;
  for (const IdType id : ids) numbers.push_back(static_cast<int32_t>(id.value));
  file.create_dataset(path, h5::Type::I32, {numbers.size()}, {}, h5::Fill::Zero)
      .write(numbers.data());
}

template void store_ids(h5::File&, std::string_view, const std::vector<Layer>&);
template void store_ids(h5::File&, std::string_view, const std::vector<Head>&);
template void store_ids(h5::File&, std::string_view, const std::vector<Step>&);

ModelFacts stored_model(const h5::File& file) {
  ModelFacts model;
  model.name = file.text_attribute("/model", "name");
  model.architecture = file.text_attribute("/model", "architecture");
  model.sha256 = file.text_attribute("/model", "sha256");
  model.layers = model_count(file, "layers", 65536);
  model.heads = model_count(file, "heads", 65536);
  model.kv_heads = model_count(file, "kv_heads", 65536);
  model.head_dim = model_count(file, "head_dim", 65536);
  model.vocabulary = model_count(file, "vocabulary", uint64_t{1} << 31);
  model.context_length = model_count(file, "context_length", uint64_t{1} << 31);
  model.rope_base = file.real_attribute("/model", "rope_base");
  if (model.layers == 0 || model.heads == 0 || model.kv_heads == 0 ||
      model.heads % model.kv_heads != 0)
    fail(file.name() + ": /model",
         std::to_string(model.heads) + " heads and " + std::to_string(model.kv_heads) + " KV heads",
         "wanted a multiple");
  return model;
}

void store_model(h5::File& file, const ModelFacts& model) {
  file.create_group("/model");
  file.write_attribute("/model", "name", model.name);
  file.write_attribute("/model", "architecture", model.architecture);
  file.write_attribute("/model", "sha256", model.sha256);
  const std::pair<std::string_view, uint64_t> numbers[] = {
      {"layers", model.layers},         {"heads", model.heads},
      {"kv_heads", model.kv_heads},     {"head_dim", model.head_dim},
      {"vocabulary", model.vocabulary}, {"context_length", model.context_length},
  };
  for (const auto& [name, number] : numbers) file.write_attribute("/model", name, number);
  file.write_attribute("/model", "rope_base", model.rope_base);
}

TokenText stored_tokens(const h5::File& file) {
  TokenText tokens;
  const h5::Dataset id = file.open_dataset("/tokens/id", h5::Type::I32, {kAny});
  if (id.elements() == 0 || id.elements() > kMostTraceTokens)
    fail(id.subject(), std::to_string(id.elements()) + " tokens", "wanted 1 to 2^28");
  tokens.id = id.read_all<int32_t>();
  const h5::Dataset offset =
      file.open_dataset("/tokens/offset", h5::Type::U64, {tokens.id.size() + 1});
  tokens.offset = offset.read_all<uint64_t>();
  const auto bytes = file.open_dataset("/tokens/bytes", h5::Type::U8, {kAny}).read_all<uint8_t>();
  tokens.bytes.assign(bytes.begin(), bytes.end());
  const bool ordered = std::is_sorted(tokens.offset.begin(), tokens.offset.end());
  if (!ordered || tokens.offset.front() != 0 || tokens.offset.back() != tokens.bytes.size())
    fail(offset.subject(), "does not cut /tokens/bytes into pieces",
         "wanted rising offsets from 0 to its length");
  return tokens;
}

void store_tokens(h5::File& file, const TokenText& tokens) {
  file.create_group("/tokens");
  file.create_dataset("/tokens/id", h5::Type::I32, {tokens.id.size()}, {}, h5::Fill::Zero)
      .write(tokens.id.data());
  file.create_dataset("/tokens/offset", h5::Type::U64, {tokens.offset.size()}, {}, h5::Fill::Zero)
      .write(tokens.offset.data());
  h5::Dataset bytes =
      file.create_dataset("/tokens/bytes", h5::Type::U8, {tokens.bytes.size()}, {}, h5::Fill::Zero);
  if (!tokens.bytes.empty()) bytes.write(tokens.bytes.data());
}

TokenText nameless_tokens(const h5::File& file, const Error& lost) {
  struct Place {
    std::string_view path;
    size_t axis;
  };
  for (const Place& place :
       {Place{"/attention/weight", 3}, {"/value/value", 2}, {"/loss/nll", 0}}) {
    try {
      const h5::Shape shape = file.open_dataset(place.path).shape();
      if (shape.size() <= place.axis || shape[place.axis] == 0 ||
          shape[place.axis] > kMostTraceTokens)
        continue;
      constexpr std::string_view kDot = "\u00b7";
      TokenText tokens;
      tokens.id.assign(shape[place.axis], -1);
      for (size_t p = 0; p <= tokens.id.size(); ++p) tokens.offset.push_back(p * kDot.size());
      for (size_t p = 0; p < tokens.id.size(); ++p) tokens.bytes += kDot;
      return tokens;
    } catch (const Error&) {
      // Lost as well: the next one may tell.
    }
  }
  throw lost;
}

std::string lost_facts(const std::filesystem::path& path) {
  struct Part {
    std::string_view name;
    void (*read)(const h5::File&);
  };
  constexpr Part kParts[] = {
      {"what model it is of", [](const h5::File& file) { stored_model(file); }},
      {"the tokens", [](const h5::File& file) { stored_tokens(file); }},
      {"which layers and heads were recorded",
       [](const h5::File& file) {
         stored_ids<Layer>(file, "/attention/layer", kAny);
         stored_ids<Head>(file, "/attention/head", kAny);
       }},
      {"at which steps",
       [](const h5::File& file) { stored_ids<Step>(file, "/attention/step", kAny); }},
  };
  std::string lost;
  const h5::File file = h5::File::open(path, h5::Reading::Patient);
  for (const Part& part : kParts) {
    try {
      part.read(file);
    } catch (const Error&) {
      lost += (lost.empty() ? "" : ", ") + std::string(part.name);
    }
  }
  return lost;
}

}  // namespace dendrokv
