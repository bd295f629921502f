#include "model/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "data/error.h"

namespace dendrokv {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const std::string name = path.string();
  // Not blocking: opening a pipe that nobody writes to would wait for ever.
  const int descriptor = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail(name, std::strerror(errno), "wanted a readable file");
  struct stat state {};
  const bool regular = fstat(descriptor, &state) == 0 && S_ISREG(state.st_mode);
  const size_t size = regular ? static_cast<size_t>(state.st_size) : 0;
  void* address = size > 0 ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0) : nullptr;
  const int problem = errno;
  close(descriptor);
  if (!regular) fail(name, "is not a regular file", "wanted a file");
  if (address == MAP_FAILED)
    fail(name, std::string("cannot be mapped: ") + std::strerror(problem),
         "wanted a readable file");
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace dendrokv
