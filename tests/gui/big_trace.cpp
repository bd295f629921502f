#include "tests/gui/big_trace.h"

#include <algorithm>
#include <hdf5.h>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/file_root.h"
#include "data/half.h"
#include "data/hdf5.h"
#include "data/pyramid.h"
#include "data/run_group.h"

namespace dendrokv::testing {
namespace {

void need(bool done) {
  if (!done) throw std::runtime_error("the big trace cannot be written");
}

/// The bytes of the first chunk, as the library packs it when all of its cells are one number.
template <class T>
std::vector<std::byte> packed(hid_t dataset, hid_t type, const hsize_t* chunk, T number) {
  const std::vector<T> cells(chunk[2] * chunk[3], number);
  const hsize_t first[4] = {0, 0, 0, 0};
  const hid_t memory = H5Screate_simple(4, chunk, nullptr), file = H5Dget_space(dataset);
  need(H5Sselect_hyperslab(file, H5S_SELECT_SET, first, nullptr, chunk, nullptr) >= 0);
  need(H5Dwrite(dataset, type, memory, file, H5P_DEFAULT, cells.data()) >= 0);
  need(H5Dflush(dataset) >= 0);
  hsize_t size = 0;
  need(H5Dget_chunk_storage_size(dataset, first, &size) >= 0);
  std::vector<std::byte> bytes(size);
  uint32_t filters = 0;
  need(H5Dread_chunk(dataset, H5P_DEFAULT, first, &filters, bytes.data()) >= 0);
  H5Sclose(memory);
  H5Sclose(file);
  return bytes;
}

/// A dataset [layer, head, row, column] of that one number.
template <class T>
void write_constant(const std::string& file_name, const std::string& path, hid_t type,
                    const std::vector<hsize_t>& shape, hsize_t chunk_rows, hsize_t chunk_columns,
                    T number) {
  const hid_t file = H5Fopen(file_name.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(4, shape.data(), nullptr);
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t chunk[] = {1, 1, std::min(chunk_rows, shape[2]), std::min(chunk_columns, shape[3])};
  need(H5Pset_chunk(properties, 4, chunk) >= 0 && H5Pset_deflate(properties, 1) >= 0);
  const hid_t dataset =
      H5Dcreate2(file, path.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  need(dataset >= 0);
  const std::vector<std::byte> bytes = packed(dataset, type, chunk, number);
  hsize_t at[4];
  for (at[0] = 0; at[0] < shape[0]; ++at[0])
    for (at[1] = 0; at[1] < shape[1]; ++at[1])
      for (at[2] = 0; at[2] < shape[2]; at[2] += chunk[2])
        for (at[3] = 0; at[3] < shape[3]; at[3] += chunk[3])
          need(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, at, bytes.size(), bytes.data()) >= 0);
  H5Dclose(dataset);
  H5Pclose(properties);
  H5Sclose(space);
  H5Fclose(file);
}

hid_t half_type() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

void write_tokens(h5::File& file, uint32_t tokens) {
  constexpr std::string_view kWords[] = {" the",    " tide", " turned", ",",   " and",
                                         " nobody", " said", ".",       "\n\n"};
  std::vector<int32_t> id(tokens);
  std::vector<uint64_t> offset = {0};
  std::string bytes;
  for (uint32_t p = 0; p < tokens; ++p) {
    const size_t word = p % 151 == 150 ? 8 : (p * 7 + p / 11) % 8;
    id[p] = static_cast<int32_t>(word);
    bytes += kWords[word];
    offset.push_back(bytes.size());
  }
  file.create_group("/tokens");
  file.create_dataset("/tokens/id", h5::Type::I32, {tokens}, {}, h5::Fill::Zero).write(id.data());
  file.create_dataset("/tokens/offset", h5::Type::U64, {tokens + uint64_t{1}}, {}, h5::Fill::Zero)
      .write(offset.data());
  file.create_dataset("/tokens/bytes", h5::Type::U8, {bytes.size()}, {}, h5::Fill::Zero)
      .write(bytes.data());
}

std::vector<int32_t> count_up(uint32_t count, uint32_t first, uint32_t by) {
  std::vector<int32_t> numbers;
  for (uint32_t i = 0; i < count; ++i) numbers.push_back(static_cast<int32_t>(first + i * by));
  return numbers;
}

void write_facts(h5::File& file, const BigTrace& options) {
  FileRoot root;
  root.uuid = "00000000-0000-4000-8000-000000000001";
  write_root(file, "dendrokv-trace", root);
  file.create_group("/model");
  file.write_attribute("/model", "name", "big");
  file.write_attribute("/model", "architecture", "llama");
  file.write_attribute("/model", "sha256", "none");
  file.write_attribute("/model", "layers", uint64_t{options.layers});
  file.write_attribute("/model", "heads", uint64_t{options.heads});
  file.write_attribute("/model", "kv_heads", uint64_t{options.kv_heads});
  file.write_attribute("/model", "head_dim", uint64_t{64});
  file.write_attribute("/model", "vocabulary", uint64_t{100});
  file.write_attribute("/model", "context_length", uint64_t{options.tokens});
  file.write_attribute("/model", "rope_base", 1e4);
  write_tokens(file, options.tokens);
  file.create_group("/attention");
  file.write_attribute("/attention", "policy", options.run ? options.run->policy : "full");
  const auto numbers = [&file](const std::string& path, const std::vector<int32_t>& list) {
    file.create_dataset(path, h5::Type::I32, {list.size()}, {}, h5::Fill::Zero).write(list.data());
  };
  numbers("/attention/layer", count_up(options.layers, 0, 1));
  numbers("/attention/head", count_up(options.heads, 0, 1));
  numbers("/attention/step",
          count_up(options.tokens / options.every, options.every - 1, options.every));
  file.create_group("/value");
  file.create_dataset("/value/value", h5::Type::F16,
                      {options.layers, options.kv_heads, options.tokens, 64}, {1, 1, 2048, 64},
                      h5::Fill::Zero);
  file.create_group("/loss");
  const std::vector<float> loss(options.tokens, 2.5f);
  file.create_dataset("/loss/nll", h5::Type::F32, {options.tokens}, {}, h5::Fill::Zero)
      .write(loss.data());
  file.create_group("/pyramid");
  const auto extents = pyramid_extents(options.tokens / options.every, options.tokens);
  for (size_t level = 1; level <= extents.size(); ++level)
    file.create_group("/pyramid/" + std::to_string(level));
  if (!options.run) return;
  Run run = *options.run;
  run.mode = RunMode::ClosedLoop;
  run.trace_uuid = root.uuid;
  write_run_group(file, "/run", run);
}

}  // namespace

uint64_t write_big_trace(const std::filesystem::path& path, const BigTrace& options) {
  const std::string name = path.string();
  {
    h5::File file = h5::File::create(path);
    write_facts(file, options);
    mark_complete(file);
    file.close();
  }
  const hid_t half = half_type();
  const hsize_t steps = options.tokens / options.every;
  const uint16_t weight = to_half(1e-4f);
  write_constant(name, "/attention/weight", half,
                 {options.layers, options.heads, steps, options.tokens}, options.chunk_steps,
                 options.chunk_positions, weight);
  const auto extents = pyramid_extents(steps, options.tokens);
  for (size_t level = 1; level <= extents.size(); ++level) {
    const std::string group = "/pyramid/" + std::to_string(level);
    const std::vector<hsize_t> shape = {options.layers, options.heads, extents[level - 1].rows,
                                        extents[level - 1].cols};
    const uint32_t samples = 1u << (4 * std::min<size_t>(level, 7));
    write_constant(name, group + "/max", half, shape, 256, 4096, weight);
    write_constant(name, group + "/sum", H5T_IEEE_F32LE, shape, 256, 4096,
                   static_cast<float>(samples) * 1e-4f);
    write_constant(name, group + "/count", H5T_STD_U32LE, shape, 256, 4096, samples);
  }
  H5Tclose(half);
  return uint64_t{options.layers} * options.heads * steps * options.tokens * 2;
}

}  // namespace dendrokv::testing
