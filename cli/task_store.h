#pragma once
// Where the results of a divided run lie, and which tasks have one (layout: cli/task_run.h).

#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "cli/shard.h"
#include "cli/task_list.h"
#include "data/set_file.h"

namespace dendrokv {

/// OUTPUT.shard-I-of-N.h5
std::filesystem::path shard_path(const std::filesystem::path& output, const Shard& shard);

/// A task of this process that ended: done, or failed with `error`.
struct EndedTask {
  const Task* task;
  std::string error;
};

class TaskStore {
 public:
  /// Makes the folder of tasks. `packed`: where the results of this process will be. The list must
  /// outlive it. Throws Error.
  TaskStore(const TaskList& list, const std::filesystem::path& output,
            const std::filesystem::path& packed);

  /// Whether its result is in a whole file of this list, of this process or another.
  bool is_packed(const Task& task) const { return packed_.contains(task.key); }
  /// Whether its result is there by itself.
  bool has_result(const Task& task) const;
  std::filesystem::path result_of(const Task& task) const;
  /// Takes away what a killed process left of a task, where it cannot be gone on from.
  void remove_broken_part(const Task& task) const;
  /// A line of log.jsonl.
  void log(const std::string& line) const;

  /// The results of this process's tasks in one file; also those that were in it before.
  void pack(std::span<const EndedTask> ended, const Shard& shard) const;
  /// What is in the packed file need not be kept twice.
  void remove_results(std::span<const EndedTask> ended) const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  void take_items(const std::filesystem::path& path, std::vector<SetItem>* items);
  void find_packed(const std::filesystem::path& output);

  const TaskList& list_;
  const std::filesystem::path own_;
  std::filesystem::path folder_;
  std::set<std::string> packed_;    // keys
  std::vector<SetItem> own_items_;  // that were in the file of this process before
};

}  // namespace dendrokv
