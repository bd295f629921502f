#pragma once
// Hyper-parameters of one architecture, looked up by key. Every failure names the key.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/gguf.h"

namespace dendrokv {

class Keys {
 public:
  /// Keys are `prefix`.key; the file must outlive the object.
  Keys(const Gguf& gguf, std::string prefix) : gguf_(gguf), prefix_(std::move(prefix)) {}

  const Gguf& gguf() const { return gguf_; }
  const std::string& subject() const { return gguf_.subject(); }
  std::string name(std::string_view key) const { return prefix_ + "." + std::string(key); }

  /// Null when absent.
  const GgufValue* find(std::string_view key) const { return gguf_.find(name(key)); }
  /// A whole number of 0 or more. One of several layers may be an array whose elements are all the
  /// same.
  std::optional<uint64_t> count(std::string_view key) const;
  uint32_t needed(std::string_view key, uint64_t lowest, uint64_t highest) const;
  /// `number` was found under `key`, or stands for it.
  uint32_t checked(std::string_view key, uint64_t number, uint64_t lowest, uint64_t highest) const;
  /// A finite number.
  std::optional<double> real(std::string_view key) const;
  std::string text(std::string_view key, const std::string& otherwise) const;

  [[noreturn]] void fail_with(std::string_view key, const std::string& found,
                              const std::string& wanted, const std::string& remedy = {}) const;

 private:
  const Gguf& gguf_;
  std::string prefix_;
};

/// A text of the file under its full key. Names end up in traces and reports: they have to be short
/// and UTF-8.
std::string text_of(const Gguf& gguf, const std::string& key, const std::string& otherwise);

}  // namespace dendrokv
