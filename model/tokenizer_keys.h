#pragma once
// The keys tokenizer.ggml.* of a file, each with its type checked. Names are given without that
// prefix; every failure names the key.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf.h"

namespace dendrokv {

class TokenizerKeys {
 public:
  /// `gguf` must outlive the object.
  explicit TokenizerKeys(const Gguf& gguf) : gguf_(gguf) {}

  const std::string& subject() const { return gguf_.subject(); }
  static std::string full(std::string_view name) { return "tokenizer.ggml." + std::string(name); }

  /// Null when absent. Throws Error on another type, as all of these do.
  const std::string* text(std::string_view name) const;
  const std::vector<std::string>* texts(std::string_view name) const;
  const std::vector<int64_t>* numbers(std::string_view name) const;
  const std::vector<double>* reals(std::string_view name) const;
  bool flag(std::string_view name, bool absent) const;
  /// A token id below `vocabulary`; -1 when absent. Also throws Error when it is not below.
  int32_t id(std::string_view name, size_t vocabulary) const;

  /// Throws Error when the key is there and true: the file wants what this tokenizer does not do.
  void refuse_flag(std::string_view name, std::string_view where) const;
  [[noreturn]] void missing(std::string_view name) const;

 private:
  template <class T>
  const T* value_of(std::string_view name) const;
  const Gguf& gguf_;
};

}  // namespace dendrokv
