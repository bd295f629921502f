#pragma once
// The packed weights of a model in a file, which all processes of a machine map read-only: its
// pages are in memory once, however many processes there are, and a process that finds the file
// there has nothing to pack.
//
// Layout: a header of 64 bytes, then the sections (model/packed_section.h) in the order in which
// loading asks for them, each from a multiple of 64 bytes on. Written as NAME.part under a lock and
// renamed when whole, so that of processes which start together one packs and the others wait for
// it. A cache, not an exchange format: it belongs to one model, arithmetic, kind of machine and
// version.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "model/gguf.h"
#include "model/mapped_file.h"
#include "model/packed_section.h"

namespace dendrokv {

/// Gives the section of some tensors, as pack_section() does.
using MakeSection = std::function<PackedSection(
    std::string_view subject, std::span<const GgufTensor* const> tensors, PackedKind kind)>;

/// Where the packed weights of a model lie: in the folder of caches, by the hash of the model.
std::filesystem::path packed_path(const std::string& sha256, Arithmetic arithmetic);

class PackedFile {
 public:
  /// Maps the file of a model; if it is not there, has `load` ask for all sections once, to write
  /// it. Throws Error: the folder cannot be written, the disk is full.
  PackedFile(const std::filesystem::path& path,
             const std::function<void(const MakeSection&)>& load);

  /// The section that comes next; its memory is that of the mapping, which it keeps.
  PackedSection next(std::span<const GgufTensor* const> tensors, PackedKind kind);

 private:
  std::filesystem::path path_;
  std::shared_ptr<MappedFile> file_;
  size_t used_;  // bytes
};

}  // namespace dendrokv
