#pragma once
// GGUF versions 2 and 3, parsed from bytes. Every read is bounds-checked; opening the file is
// someone else's job.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dendrokv {

/// Scalar and array values as stored; integers widened to 64 bits, f32 to double.
using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string, std::vector<uint64_t>,
                               std::vector<int64_t>, std::vector<double>, std::vector<bool>,
                               std::vector<std::string>>;

struct GgufTensor {
  std::string name;
  std::vector<uint64_t> shape;      // shape[0] is the contiguous dimension (length of a row)
  uint32_t type = 0;                // id in model/tensor_types
  std::span<const std::byte> data;  // into the bytes that were parsed
};

class Gguf {
 public:
  /// `subject` names the file in errors. The bytes must outlive the object. Throws Error.
  static Gguf parse(std::string subject, std::span<const std::byte> bytes);

  const std::string& subject() const { return subject_; }
  uint32_t version() const { return version_; }
  std::span<const std::pair<std::string, GgufValue>> metadata() const { return metadata_; }
  std::span<const GgufTensor> tensors() const { return tensors_; }

  /// Null when absent.
  const GgufValue* find(std::string_view key) const;
  const GgufTensor* find_tensor(std::string_view name) const;

 private:
  std::string subject_;
  uint32_t version_ = 0;
  std::vector<std::pair<std::string, GgufValue>> metadata_;
  std::vector<GgufTensor> tensors_;
};

}  // namespace dendrokv
