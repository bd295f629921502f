#pragma once
// Test data and temporary folders.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dendrokv::testing {

/// A file below tests/data.
std::filesystem::path data_file(std::string_view name);
std::string read_text(const std::filesystem::path& path);

/// The default model: $DENDROKV_MODEL, else the cache folder's. Fails the test with the remedy when
/// it is not there.
std::filesystem::path default_model();

/// A NumPy .npy file (format 1.0, little-endian, C order) of the wanted element type; anything else
/// throws.
template <class T>
struct Npy {
  std::vector<size_t> shape;
  std::vector<T> values;
};
template <class T>
Npy<T> read_npy(const std::filesystem::path& path);

/// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace dendrokv::testing
