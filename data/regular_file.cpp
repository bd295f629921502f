#include "data/regular_file.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <unistd.h>

#include "data/error.h"

namespace dendrokv {

void check_regular_file(const std::filesystem::path& path, std::string_view wanted) {
  const std::string name = path.string(), want = "wanted " + std::string(wanted);
  std::error_code error;
  const std::filesystem::file_type type = std::filesystem::status(path, error).type();
  switch (type) {
    case std::filesystem::file_type::regular:
      break;
    case std::filesystem::file_type::not_found:
      fail(name, "does not exist", want);
    case std::filesystem::file_type::directory:
      fail(name, "is a folder", want);
    case std::filesystem::file_type::fifo:
      fail(name, "is a pipe", want, "save what comes through it to a file first");
    case std::filesystem::file_type::none:
      fail(name, error.message(), want);
    default:
      fail(name, "is not a regular file", want);
  }
  if (access(name.c_str(), R_OK) != 0)
    fail(name, std::strerror(errno), want, "check its permissions");
}

}  // namespace dendrokv
