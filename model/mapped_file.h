#pragma once
// Read-only mapping of a file.

#include <cstddef>
#include <filesystem>
#include <span>

namespace dendrokv {

class MappedFile {
 public:
  /// Throws Error: missing, unreadable, a folder.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace dendrokv
