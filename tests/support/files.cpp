#include "tests/support/files.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace dendrokv::testing {
namespace {

template <class T>
constexpr std::string_view kNpyType = "";
template <>
constexpr std::string_view kNpyType<float> = "<f4";
template <>
constexpr std::string_view kNpyType<double> = "<f8";
template <>
constexpr std::string_view kNpyType<int16_t> = "<i2";
template <>
constexpr std::string_view kNpyType<int32_t> = "<i4";
template <>
constexpr std::string_view kNpyType<int64_t> = "<i8";
template <>
constexpr std::string_view kNpyType<uint16_t> = "<u2";

std::vector<size_t> npy_shape(const std::string& header) {
  const size_t open = header.find('(', header.find("'shape'"));
  std::vector<size_t> shape;
  size_t number = 0;
  bool digits = false;
  for (size_t i = open + 1; i < header.size(); ++i) {
    if (header[i] >= '0' && header[i] <= '9') {
      number = number * 10 + static_cast<size_t>(header[i] - '0');
      digits = true;
    } else {
      if (digits) shape.push_back(number);
      number = 0;
      digits = false;
      if (header[i] == ')') break;
    }
  }
  return shape;
}

}  // namespace

std::filesystem::path data_file(std::string_view name) {
  return std::filesystem::path(DENDROKV_TEST_DATA) / name;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::filesystem::path default_model() {
  if (const char* named = std::getenv("DENDROKV_MODEL")) return named;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path folder = cache && *cache
                                           ? std::filesystem::path(cache)
                                           : std::filesystem::path(home ? home : "/") / ".cache";
  const auto path = folder / "dendrokv" / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(path))
    throw std::runtime_error(path.string() + " is missing: run scripts/fetch-model");
  return path;
}

template <class T>
Npy<T> read_npy(const std::filesystem::path& path) {
  const std::string bytes = read_text(path);
  if (bytes.size() < 10 || bytes.compare(0, 6, "\x93NUMPY") != 0)
    throw std::runtime_error(path.string() + " is not an .npy file");
  const size_t header_size =
      static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  const std::string header = bytes.substr(10, header_size);
  if (header.find(kNpyType<T>) == std::string::npos ||
      header.find("'fortran_order': True") != std::string::npos)
    throw std::runtime_error(path.string() + " has header " + header);
  Npy<T> array{npy_shape(header), {}};
  size_t count = 1;
  for (const size_t extent : array.shape) count *= extent;
  if (bytes.size() != 10 + header_size + count * sizeof(T))
    throw std::runtime_error(path.string() + " has the wrong size for its shape");
  array.values.resize(count);
  std::memcpy(array.values.data(), bytes.data() + 10 + header_size, count * sizeof(T));
  return array;
}

template Npy<float> read_npy(const std::filesystem::path&);
template Npy<double> read_npy(const std::filesystem::path&);
template Npy<int16_t> read_npy(const std::filesystem::path&);
template Npy<int32_t> read_npy(const std::filesystem::path&);
template Npy<int64_t> read_npy(const std::filesystem::path&);
template Npy<uint16_t> read_npy(const std::filesystem::path&);

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "dendrokv-test-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("cannot make a temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace dendrokv::testing
