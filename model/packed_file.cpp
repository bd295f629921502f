#include "model/packed_file.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <unistd.h>

#include "data/error.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

constexpr size_t kAlignment = 64;
constexpr std::array<char, kAlignment> kHeader = {"dendrokv packed weights 1, little-endian\n"};

size_t rounded_up(size_t number) {
  return (number + kAlignment - 1) / kAlignment * kAlignment;
}

[[noreturn]] void fail_system(const fs::path& path, const char* what) {
  fail(path.string(), std::string(what) + ": " + std::strerror(errno),
       "wanted a folder of caches that can be written",
       "set XDG_CACHE_HOME, or do without --share-weights");
}

/// Held until the object goes, by one process of the machine at a time.
class FileLock {
 public:
  explicit FileLock(const fs::path& path)
      : descriptor_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (descriptor_ < 0) fail_system(path, "cannot be opened");
    while (flock(descriptor_, LOCK_EX) != 0)
      if (errno != EINTR) fail_system(path, "cannot be locked");
  }
  ~FileLock() { close(descriptor_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_;
};

fs::path beside(fs::path path, const char* ending) {
  path += ending;
  return path;
}

void write_sections(const fs::path& path, const std::function<void(const MakeSection&)>& load) {
  const fs::path part = beside(path, ".part");
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out.write(kHeader.data(), kHeader.size());
  load([&](std::string_view subject, std::span<const GgufTensor* const> tensors, PackedKind kind) {
    PackedSection section = pack_section(subject, tensors, kind);
    const size_t bytes = section.groups() * section.group_bytes;
    // Memory of a section is rounded up alike, and zero behind its end.
    out.write(reinterpret_cast<const char*>(section.storage.bytes.get()),
              static_cast<std::streamsize>(rounded_up(bytes)));
    return section;
  });
  out.close();
  if (!out) {
    std::error_code ignored;
    fs::remove(part, ignored);
    fail_system(path, "cannot be written");
  }
  std::error_code error;
  fs::rename(part, path, error);
  if (error) fail_system(path, "cannot be put in place");
}

fs::path cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != 0) return fs::path(cache) / "dendrokv";
  const char* home = std::getenv("HOME");
  return fs::path(home == nullptr ? "." : home) / ".cache" / "dendrokv";
}

}  // namespace

fs::path packed_path(const std::string& sha256, Arithmetic arithmetic) {
  return cache_folder() / "packed" /
         (sha256 + (arithmetic == Arithmetic::Exact ? "-exact" : "-fast") + ".weights");
}

PackedFile::PackedFile(const fs::path& path, const std::function<void(const MakeSection&)>& load)
    : path_(path), used_(kAlignment) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  if (!fs::exists(path, ignored)) {
    const FileLock lock(beside(path, ".lock"));
    if (!fs::exists(path, ignored)) write_sections(path, load);
  }
  file_ = std::make_shared<MappedFile>(path);
  const auto bytes = file_->bytes();
  if (bytes.size() < kAlignment || std::memcmp(bytes.data(), kHeader.data(), kHeader.size()) != 0)
    fail(path.string(), "is not a file of packed weights of this version",
         "wanted one that dendrokv wrote", "remove it");
}

PackedSection PackedFile::next(std::span<const GgufTensor* const> tensors, PackedKind kind) {
  PackedSection section = empty_section(tensors, kind);
  const size_t bytes = section.groups() * section.group_bytes;
  if (rounded_up(bytes) > file_->bytes().size() - used_)
    fail(path_.string(), "ends before the weights of its model do", "wanted all of them",
         "remove it");
  // Nobody writes to a section once it is packed.
  auto* first = const_cast<std::byte*>(file_->bytes().data() + used_);
  section.storage = {{first, {std::shared_ptr<std::byte>(file_, first)}}, bytes};
  used_ += rounded_up(bytes);
  return section;
}

}  // namespace dendrokv
