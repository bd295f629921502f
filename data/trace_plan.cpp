#include "data/trace_plan.h"

#include <algorithm>
#include <string>
#include <sys/statvfs.h>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint64_t kRowsPerKvChunk = 256;
// Superblock, metadata blocks, attributes, small datasets.
constexpr uint64_t kOverheadBytes = uint64_t{4} << 20;

uint64_t rounded_up(uint64_t number, uint64_t unit) {
  return (number + unit - 1) / unit * unit;
}

}  // namespace

h5::Type kv_type(const TraceInfo& info) {
  return info.encoding == Encoding::F32 ? h5::Type::F32 : h5::Type::F16;
}

size_t kv_chunk_rows(const TraceInfo& info) {
  return std::min<size_t>(info.tokens, kRowsPerKvChunk);
}

size_t kv_cell_bytes(const TraceInfo& info) {
  return h5::type_bytes(kv_type(info));
}

uint64_t estimated_bytes(const TracePlan& plan) {
  const TraceInfo& info = plan.info;
  const uint64_t lanes = uint64_t{info.layers.size()} * info.heads.size();
  uint64_t cells = 0;  // bytes of the rows of one (layer, head)
  for (const RowLayout& layout : plan.layouts()) cells += stored_bytes(layout, info);
  const uint64_t rows = rounded_up(info.tokens, kv_chunk_rows(info));
  const uint64_t row_bytes = uint64_t{info.layers.size()} * info.model.kv_heads * rows *
                             info.model.head_dim * kv_cell_bytes(info) *
                             (info.keys == KeyRows::Record ? 2 : 1);
  const uint64_t run_bytes =
      info.policy == "full" ? 0
                            : uint64_t{info.model.layers} * info.model.kv_heads * info.tokens * 17;
  const uint64_t pyramid =
      info.capture.rows == FullRows::Record ? pyramid_bytes(info, plan.counts) : 0;
  return lanes * cells + pyramid + row_bytes + run_bytes + uint64_t{info.tokens} * 24 +
         kOverheadBytes;
}

void check_disk_space(const std::filesystem::path& path, uint64_t bytes) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  struct statvfs state {};
  if (statvfs(folder.c_str(), &state) != 0)
    fail(path.string(), "its folder cannot be used", "wanted an existing, writable folder");
  const uint64_t free = uint64_t{state.f_bavail} * state.f_frsize;
  if (free < bytes)
    fail(path.string(), "the disk has " + std::to_string(free >> 20) + " MiB free",
         "wanted " + std::to_string((bytes >> 20) + 1) + " MiB",
         "record fewer tokens, layers, heads or steps, use u8, or --top-k or --pool");
}

}  // namespace dendrokv
