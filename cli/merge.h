#pragma once
// Puts the results of many tasks together: evaluations become one evaluation of all their texts,
// anything else a set (data/set_file.h).

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/set_file.h"

namespace dendrokv {

enum class MissingTasks : uint8_t { Refuse, Allow };

struct Merged {
  // Of the list; with a result; neither done nor failed.
  uint64_t tasks = 0, items = 0, missing = 0;
  std::string format;  // of the file that was written
  std::vector<SetItem> failed;
};

/// `inputs` are shards, sets or single files of ours. The file that is written depends on the tasks
/// and their results alone. Throws Error: shards of different lists, tasks that no input holds, two
/// results of different kinds where one is wanted.
Merged merge_sets(const std::vector<std::filesystem::path>& inputs,
                  const std::filesystem::path& output, MissingTasks missing);

}  // namespace dendrokv
