#include "cli/task_store.h"

#include <fcntl.h>
#include <unistd.h>

#include "cli/outputs.h"
#include "data/error.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// One line at the end of a file that several processes write to.
void append_line(const fs::path& path, const std::string& line) {
  const std::string text = line + "\n";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const bool whole =
      file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) close(file);
  if (!whole) fail(path.string(), "cannot be written to", "wanted room for a line");
}

}  // namespace

fs::path shard_path(const fs::path& output, const Shard& shard) {
  fs::path name = output.stem();
  name += ".shard-" + std::to_string(shard.index) + "-of-" + std::to_string(shard.count);
  name += output.extension();
  return output.parent_path() / name;
}

TaskStore::TaskStore(const TaskList& list, const fs::path& output, const fs::path& packed)
    : list_(list), own_(packed), folder_(output) {
  folder_.replace_extension();
  folder_ += ".tasks";
  check_output(output, {});
  std::error_code ignored;
  fs::create_directories(folder_, ignored);
  if (!fs::is_directory(folder_, ignored))
    fail(folder_.string(), "cannot be made", "wanted a folder for the results of tasks");
  take_items(own_, &own_items_);
  take_items(output, &own_items_);
  find_packed(output);
}

bool TaskStore::has_result(const Task& task) const {
  return is_there(result_of(task));
}

fs::path TaskStore::result_of(const Task& task) const {
  return folder_ / (task.key.substr(0, 32) + ".h5");
}

void TaskStore::remove_broken_part(const Task& task) const {
  fs::path part = result_of(task);
  part += ".part";
  std::error_code ignored;
  if (!fs::exists(part, ignored)) return;
  try {
    format_of(part);
  } catch (const Error&) {
    fs::remove(part, ignored);
  }
}

void TaskStore::log(const std::string& line) const {
  append_line(folder_ / "log.jsonl", line);
}

void TaskStore::pack(std::span<const EndedTask> ended, const Shard& shard) const {
  if (ended.empty() && !own_items_.empty() && fs::exists(own_)) return;
  FileSet set;
  set.items = own_items_;
  set.command_line = list_.text;
  set.tasks = list_.tasks.size();
  set.shard = shard.text();
  for (const auto& [task, error] : ended) {
    SetItem item{task->order, task->key, task->text, {}, error, result_of(*task)};
    if (error.empty()) item.format = format_of(item.file);
    set.items.push_back(std::move(item));
  }
  write_set(own_, std::move(set));
}

void TaskStore::remove_results(std::span<const EndedTask> ended) const {
  std::error_code ignored;
  for (const EndedTask& one : ended) fs::remove(result_of(*one.task), ignored);
}

/// What is whole in a set of this list; nothing from a file that is none.
void TaskStore::take_items(const fs::path& path, std::vector<SetItem>* items) {
  if (!is_there(path) || format_of(path) != "dendrokv-set") return;
  const FileSet set = read_set(path);
  if (set.command_line != list_.text || set.tasks != list_.tasks.size()) return;
  for (const SetItem& item : set.items) {
    if (item.format.empty() || item.order >= list_.tasks.size() ||
        list_.tasks[item.order].key != item.key)
      continue;
    if (packed_.insert(item.key).second && items != nullptr) items->push_back(item);
  }
}

/// Tasks that are whole in the files of other processes.
void TaskStore::find_packed(const fs::path& output) {
  const std::string first = output.stem().string() + ".shard-";
  const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with(first) ||
        entry.path().extension() != output.extension())
      continue;
    take_items(entry.path(), nullptr);
  }
}

}  // namespace dendrokv
