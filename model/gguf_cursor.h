#pragma once
// Bounded reading of a GGUF file's head: metadata and tensor table.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "data/error.h"

namespace dendrokv {

/// The only way to the bytes: every read checks what is left, and throws Error where it is less.
class GgufCursor {
 public:
  GgufCursor(const std::string& subject, std::span<const std::byte> bytes)
      : subject_(subject), bytes_(bytes) {}

  uint64_t at() const { return at_; }
  uint64_t left() const { return bytes_.size() - at_; }
  const std::string& subject() const { return subject_; }

  /// What is being read, "key x" or "tensor y", for errors.
  void enter(std::string thing) { thing_ = std::move(thing); }

  std::span<const std::byte> take(uint64_t count, const char* what) {
    if (count > left())
      fail(subject_, "ends inside " + named(what) + " at byte " + std::to_string(at_),
           "wanted " + std::to_string(count) + " more bytes", "the file is truncated or damaged");
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }

  template <class T>
  T read(const char* what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  std::string text(uint64_t longest, const char* what) {
    const auto length = read<uint64_t>(what);
    if (length > longest)
      fail(subject_, named(what) + " has " + std::to_string(length) + " bytes",
           "wanted at most " + std::to_string(longest), "the file is damaged");
    const auto bytes = take(length, what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

 private:
  std::string named(const char* what) const {
    return thing_.empty() ? what : std::string(what) + " of " + thing_;
  }

  const std::string& subject_;
  std::string thing_;
  std::span<const std::byte> bytes_;
  uint64_t at_ = 0;
};

}  // namespace dendrokv
