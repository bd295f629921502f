#pragma once
// What `dendrokv info` says about a file: fields that people and programs read, and what is too
// long to be one.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/format.h"
#include "cli/json.h"

namespace dendrokv {

/// One thing about a file: its JSON name and value, and how people read the value.
struct Field {
  std::string name;
  Json json;
  std::string text;
};

inline Field field(std::string name, const std::string& text) {
  return {std::move(name), Json(text), text};
}
inline Field field(std::string name, uint64_t number) {
  return {std::move(name), Json(number), std::to_string(number)};
}
inline Field bytes_field(std::string name, uint64_t bytes) {
  return {std::move(name), Json(bytes), bytes_text(bytes)};
}

struct Description {
  std::vector<Field> fields;
  Json json = Json::object();  // further fields that only JSON has
  std::string text;            // further lines that only text has
};

enum class TensorList : uint8_t { Omit, Show };
/// Of a GGUF file. Throws Error when the engine cannot run it.
Description describe_model(const std::filesystem::path& path, TensorList tensors);

/// Of a set or the result of a tuning; nothing for any other file.
std::optional<Description> describe_tasks(const std::filesystem::path& path);

}  // namespace dendrokv
