#include "model/memory.h"

#include <algorithm>
#include <optional>
#include <sys/resource.h>
#include <unistd.h>

#include "data/error.h"
#include "model/processors.h"

namespace dendrokv {

namespace {

std::string megabytes(uint64_t bytes) {
  return std::to_string(bytes / 1'000'000 + (bytes % 1'000'000 != 0)) + " MB";
}

}  // namespace

uint64_t usable_memory() {
  uint64_t bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const std::optional<double> quota = memory_quota("/");
  if (quota && *quota < static_cast<double>(bytes)) bytes = static_cast<uint64_t>(*quota);
  rlimit space{};
  if (getrlimit(RLIMIT_AS, &space) == 0) bytes = std::min<uint64_t>(bytes, space.rlim_cur);
  return bytes;
}

void check_memory(const std::string& subject, const std::string& what, uint64_t bytes,
                  const std::string& remedy) {
  static const uint64_t usable = usable_memory();  // asked at every step of a decoder
  if (bytes > usable)
    fail(subject, "needs " + megabytes(bytes) + " for " + what,
         "wanted at most the " + megabytes(usable) + " of memory here", remedy);
}

}  // namespace dendrokv
