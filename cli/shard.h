#pragma once
// Which part of a task list a process does: said by --shard, or by what started it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace dendrokv {

/// Tasks index, index + count, index + 2 count, ... of a list.
struct Shard {
  uint64_t index = 0, count = 1;
  std::string origin;  // "--shard", "OpenMPI", ...; empty = nothing divides the list
  // By a launcher whose processes all get the same command line at the same time.
  bool launched = false;

  std::string text() const { return std::to_string(index) + "/" + std::to_string(count); }
};

/// The value of an environment variable; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

/// `option` is the value of --shard: "1/4", "auto", or empty = as auto. Throws UsageError: not of
/// that form, index not below count; Error: variables that are not numbers or contradict each
/// other.
Shard find_shard(const std::string& option, const Environment& environment);

}  // namespace dendrokv
